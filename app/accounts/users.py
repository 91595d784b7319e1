"""Who logs in, and what they may do.

Not in `models.py`, which every worker loads: these tables are made of what logs people in, 12 MB they do without.
"""

from datetime import datetime

from flask_security import RoleMixin, UserMixin
from sqlalchemy import Boolean, Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Id

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id"), primary_key=True),
    Column("role_id", ForeignKey("role.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    """What a user may do; `admin` is the first and may do all."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))


class User(Base, UserMixin):
    """A person who logs in. Not a subscriber."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    # Sessions are bound to it: a new password makes a new one and ends them all (TRUST S15).
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    locale: Mapped[str] = mapped_column(String(8), default="en")
    created_at: Mapped[datetime]
    roles: Mapped[list[Role]] = relationship(secondary=user_role, lazy="selectin")  # type: ignore[assignment]
