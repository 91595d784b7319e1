"""The shapes of orders and products in the API. Money is in whole units of the organisation's currency."""

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.intake import RowId

Money = Annotated[Decimal, Field(max_digits=14, decimal_places=2, examples=["19.90"])]
# A link in a mail leads there: no `javascript:`.
Link = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)]


class ProductIn(BaseModel):
    """A product; what is left out stays as it was."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=100, examples=["cheese-01"])
    name: str | None = Field(None, max_length=300, examples=["Mountain cheese, 12 months"])
    url: Link | None = Field(None, examples=["https://shop.example/cheese-01"])
    image: Link | None = Field(None, examples=["https://shop.example/cheese-01.jpg"])
    price: Money | None = None


class OrderIn(BaseModel):
    """A line of an order."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(min_length=1, max_length=100, description="The shop's own number.", examples=["2026-1001"])
    email: str = Field(max_length=400, examples=["anna@example.org"])
    ordered_at: AwareDatetime = Field(examples=["2026-11-21T10:00:00+01:00"])
    amount: Money = Field(description="What was paid for this line; negative for a refund.")
    quantity: int = Field(1, ge=-1_000_000, le=1_000_000)
    product: ProductIn | None = None


class OrdersIn(BaseModel):
    """Up to a thousand lines."""

    orders: list[OrderIn] = Field(min_length=1, max_length=1000)


class RefusedOrder(BaseModel):
    """A line that was not taken: its place in the call, from 0."""

    index: int
    reason: str = Field(examples=["There is no customer with this address."])


class OrdersTaken(BaseModel):
    """What became of the lines."""

    created: int
    known: int
    rejected: list[RefusedOrder]


class Page(BaseModel):
    """Where to go on."""

    after: RowId = Field(0, description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)


class OrderQuery(Page):
    """Which orders."""

    subscriber_id: RowId | None = None


class OrderOut(BaseModel):
    """A line of an order."""

    id: int
    subscriber_id: int
    email: str
    ordered_at: AwareDatetime
    amount: float = Field(examples=[19.9])
    quantity: int
    product: str | None = Field(description="The product's key.", examples=["cheese-01"])


class OrderPage(BaseModel):
    """A page of orders."""

    items: list[OrderOut]
    next: int | None


class ProductsIn(BaseModel):
    """Up to a thousand products."""

    products: list[ProductIn] = Field(min_length=1, max_length=1000)


class ProductsSaved(BaseModel):
    """How many products were added or changed."""

    saved: int


class ProductOut(BaseModel):
    """A product."""

    id: int
    key: str
    name: str
    url: str | None
    image: str | None
    price: float | None


class ProductPage(BaseModel):
    """A page of products."""

    items: list[ProductOut]
    next: int | None
