"""What people bought: orders are facts with money, and each is also a `purchased` event."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id


class Product(Base):
    """A thing that is sold; mails show it."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    url: Mapped[str | None] = mapped_column(Text)
    image: Mapped[str | None] = mapped_column(Text)
    price: Mapped[int | None]


class Order(Base):
    """One line of an order, `amount` in minor units of the organisation's currency; negative is a refund."""

    __tablename__ = "order"
    __table_args__ = (
        Index(None, "subscriber_id", "ordered_at"),
        Index(None, "ordered_at", "amount"),
        Index(None, "import_id"),
        # Who bought a product, and what it brought, are read from the index alone.
        Index("ix_order_product", "product_id", "subscriber_id", "amount", "quantity"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    # The shop's number, or a hash of the row and its ordinal among equal rows: bringing it in twice is harmless.
    key: Mapped[str] = mapped_column(String(80), unique=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"))
    ordered_at: Mapped[datetime]
    amount: Mapped[int]
    quantity: Mapped[int] = mapped_column(default=1)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))
