"""People: the wide row read for one person, the narrow row scanned for all, and what they agreed to."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, Code, Id


class Status(StrEnum):
    """Whether somebody may be mailed: only `active` may."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"


class TrackingMode(StrEnum):
    """What may be learnt from opens and clicks: nothing, campaign totals, or this person's own (TRUST L8)."""

    NONE = "none"
    AGGREGATE = "aggregate"
    PERSONAL = "personal"


class Provider(StrEnum):
    """Who keeps a mailbox, as far as the domain of its address tells (`providers.py`)."""

    OTHER = "other"
    GMAIL = "gmail"
    OUTLOOK = "outlook"
    YAHOO = "yahoo"
    ICLOUD = "icloud"
    GMX = "gmx"
    WEB_DE = "web_de"
    T_ONLINE = "t_online"
    FREENET = "freenet"
    POSTEO = "posteo"
    MAILBOX_ORG = "mailbox_org"
    PROTON = "proton"


class Device(StrEnum):
    """What somebody reads with; a bit each in `Standing.devices`."""

    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"


class Basis(StrEnum):
    """Why somebody may be mailed or tracked (TRUST L5)."""

    DOUBLE_OPT_IN = "double_opt_in"
    DOUBLE_OPT_IN_ELSEWHERE = "double_opt_in_elsewhere"
    EXISTING_CUSTOMER = "existing_customer"
    MANUAL = "manual"


class Subscriber(Base):
    """An address with consent and what is known of its person. What rules are about stands in `standing`."""

    __tablename__ = "subscriber"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    # As mailed: local part as typed, domain in lower case A-labels. `address_key` is case-folded, for uniqueness.
    email: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str] = mapped_column(String(320), unique=True)
    address_hash: Mapped[str] = mapped_column(String(64), index=True)
    first_name: Mapped[str | None] = mapped_column(String(200))
    last_name: Mapped[str | None] = mapped_column(String(200))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    source: Mapped[str | None] = mapped_column(String(100))
    # Raised to make every older token of this person worthless.
    token_epoch: Mapped[int] = mapped_column(SmallInteger, default=0)
    standing: Mapped["Standing"] = relationship(lazy="joined", innerjoin=True, back_populates="subscriber")

    @property
    def name(self) -> str:
        """First and last name, or the address."""
        return " ".join(filter(None, (self.first_name, self.last_name))) or self.email


class Standing(Base):
    """The narrow row beside each Subscriber: one scan of it answers any rule.

    No side indexes: SQLite takes even a partial one for the scan, which then lasts fifteen times as long.
    """

    __tablename__ = "standing"
    __table_args__ = ({"postgresql_with": {"fillfactor": 80}},)

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True, autoincrement=False)
    status: Mapped[Status] = mapped_column(Code(Status), default=Status.PENDING)
    tracking: Mapped[TrackingMode] = mapped_column(Code(TrackingMode), default=TrackingMode.NONE)
    language: Mapped[str | None] = mapped_column(String(8))
    country: Mapped[str | None] = mapped_column(String(2))
    # Month times 100 plus day; the year apart, for many tell only the day.
    birthday: Mapped[int | None] = mapped_column(SmallInteger)
    birth_year: Mapped[int | None] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(default=0)
    opens: Mapped[int] = mapped_column(default=0)
    clicks: Mapped[int] = mapped_column(default=0)
    last_sent_at: Mapped[datetime | None]
    last_opened_at: Mapped[datetime | None]
    last_clicked_at: Mapped[datetime | None]
    orders: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)
    first_order_at: Mapped[datetime | None]
    last_order_at: Mapped[datetime | None]
    # What she answered last to the net promoter question, 0 to 10, and when.
    last_nps: Mapped[int | None] = mapped_column(SmallInteger)
    nps_at: Mapped[datetime | None]
    # Forward-decayed sum (segments/score.py), and the tier it stands for.
    score: Mapped[int] = mapped_column(default=0)
    tier_id: Mapped[int | None] = mapped_column(ForeignKey("tier.id"))
    tier_since: Mapped[datetime | None]
    provider: Mapped[Provider | None] = mapped_column(Code(Provider))
    # A bit for each Device that opened or clicked; of the programs themselves nothing is kept.
    devices: Mapped[int | None] = mapped_column(SmallInteger)
    subscriber: Mapped[Subscriber] = relationship(back_populates="standing", lazy="raise")

    @property
    def birth_date(self) -> date | None:
        """The full date, where the year is known."""
        if self.birthday is None or self.birth_year is None:
            return None
        return date(self.birth_year, *divmod(self.birthday, 100))


class FieldKind(StrEnum):
    """The type of a custom field."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"
    CHOICE = "choice"
    LIST = "list"


class CustomField(Base):
    """A typed attribute that this organisation keeps of its subscribers; values are in `Subscriber.attributes`."""

    __tablename__ = "custom_field"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    label: Mapped[str] = mapped_column(String(100))
    kind: Mapped[FieldKind] = mapped_column(Code(FieldKind))
    choices: Mapped[list[Any]] = mapped_column(default=list)


class Tag(Base):
    """A word that marketers stick to people."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class SubscriberTag(Base):
    """Who wears which tag."""

    __tablename__ = "subscriber_tag"
    __table_args__ = (Index(None, "subscriber_id"), {"sqlite_with_rowid": False})

    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)


class Topic(Base):
    """What one can subscribe to; List-Id and one-click unsubscribe are per topic."""

    __tablename__ = "topic"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    # Private topics cannot be joined from outside (TRUST S13).
    is_public: Mapped[bool] = mapped_column(Boolean, default=True)


class Subscription(Base):
    """Who subscribes to which topic; `ended_at` is null while it lasts."""

    __tablename__ = "subscription"
    __table_args__ = (Index(None, "subscriber_id"), {"sqlite_with_rowid": False})

    topic_id: Mapped[int] = mapped_column(ForeignKey("topic.id"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    subscribed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignupForm(Base):
    """A hosted signup form: its words, its topics and what it asks for. Its boxes are never pre-ticked (TRUST L4)."""

    __tablename__ = "signup_form"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    sender_id: Mapped[int] = mapped_column(ForeignKey("sender.id"))
    language: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(200))
    intro: Mapped[str] = mapped_column(Text, default="")
    consent_text: Mapped[str] = mapped_column(Text)
    tracking_text: Mapped[str] = mapped_column(Text)
    # Names of the extra inputs that are shown: first_name, last_name, birthday, country, custom field keys.
    inputs: Mapped[list[Any]] = mapped_column(default=list)
    topic_ids: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class ConsentRecord(Base):
    """Proof of what somebody agreed to and how; written once, completed by the confirmation (TRUST L1)."""

    __tablename__ = "consent_record"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    address: Mapped[str] = mapped_column(String(320))
    basis: Mapped[Basis] = mapped_column(Code(Basis))
    tracking: Mapped[TrackingMode] = mapped_column(Code(TrackingMode))
    tracking_basis: Mapped[Basis | None] = mapped_column(Code(Basis))
    form_id: Mapped[int | None] = mapped_column(ForeignKey("signup_form.id"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("import.id"))
    # The exact words shown and the boxes ticked, and their hash.
    wording: Mapped[dict[str, Any]]
    wording_hash: Mapped[str] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(8))
    page_url: Mapped[str | None] = mapped_column(Text)
    topic_ids: Mapped[list[Any]]
    # What else was typed into the form: it becomes the profile when its owner confirms, not before.
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    requested_at: Mapped[datetime]
    requested_ip: Mapped[str | None] = mapped_column(String(45))
    message_id: Mapped[str | None] = mapped_column(String(320))
    message_reply: Mapped[str | None] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None]
    confirmed_ip: Mapped[str | None] = mapped_column(String(45))
    withdrawn_at: Mapped[datetime | None]


class SuppressionReason(StrEnum):
    """Why an address is never mailed again."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    MANUAL = "manual"


class Suppression(Base):
    """An address, as HMAC of its key, that is never to be mailed; it outlives the person's erasure (TRUST L12)."""

    __tablename__ = "suppression"
    __table_args__ = ({"sqlite_with_rowid": False},)

    address_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[SuppressionReason] = mapped_column(Code(SuppressionReason))
    created_at: Mapped[datetime]
