"""The shapes of imports in the API."""

from typing import Any

from apiflask import Schema
from apiflask.fields import File
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.importing.models import ImportState
from app.intake import RowId


class UploadQuery(BaseModel):
    """What is in the file that is sent."""

    kind: str = Field("subscribers", description="`subscribers`, `orders` or `answers`.")
    file_name: str = Field("upload.csv", max_length=300)


class FileIn(Schema):
    """A form with the file; or the body itself is the file, as `text/csv`."""

    file = File()  # type: ignore[no-untyped-call]


class MappingIn(BaseModel):
    """Which column of the file (from 0) is what; columns that are not named are left out."""

    model_config = ConfigDict(extra="forbid")

    mapping: dict[str, str] = Field(examples=[{"0": "email", "1": "first_name", "2": "field:plan", "3": "new:text"}])
    formats: dict[str, str] = Field(
        default_factory=dict,
        description="How a column writes dates (`dmy`, `mdy`) or decimals (`,`, `.`), if it does not show by itself.",
        examples=[{"2": "dmy"}],
    )


class OptionsIn(BaseModel):
    """What holds for all rows; which there are depends on the kind."""

    options: dict[str, Any] = Field(examples=[{"basis": "double_opt_in_elsewhere", "tags": ["fair 2026"]}])


class ImportOut(BaseModel):
    """An import. `rows` is always the sum of `new`, `changed`, `unchanged` and `rejected`."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    state: ImportState
    file_name: str
    size: int
    position: int = Field(description="Bytes read so far.")
    line: int
    header: list[str]
    mapping: dict[str, str]
    formats: dict[str, str]
    options: dict[str, Any]
    rows: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    error: str | None
    stayed: dict[str, int] = Field(description="Of an undone import: how many stayed, by reason.")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class Page(BaseModel):
    """Where to go on."""

    after: RowId = Field(0, description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)


class ImportPage(BaseModel):
    """A page of imports."""

    items: list[ImportOut]
    next: int | None


class RejectOut(BaseModel):
    """A row that was not taken."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    line: int
    reason: str = Field(examples=["Email address: This is not an email address."])
    row: str


class RejectPage(BaseModel):
    """A page of rejected rows."""

    items: list[RejectOut]
    next: int | None
