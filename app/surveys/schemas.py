"""The shapes of answers in the API."""

from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from app.intake import RowId
from app.surveys.answers import LONGEST_COMMENT
from segments.nps import HIGHEST, NpsGroup


class AnswerIn(BaseModel):
    """An answer to “How likely are you to recommend us?”, of the person with this address or this id."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(None, max_length=400, examples=["anna@example.org"])
    subscriber_id: RowId | None = Field(None, description="Instead of the address.", examples=[None])
    score: int = Field(ge=0, le=HIGHEST, description="0, not at all likely, to 10, extremely likely.", examples=[9])
    answered_at: AwareDatetime = Field(examples=["2026-11-21T10:00:00+01:00"])
    comment: str | None = Field(None, max_length=LONGEST_COMMENT, examples=["The mountain cheese is wonderful."])
    key: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Your own number of the answer: it tells one from the person's others. Without it the second in "
        "which it was given does.",
        examples=["response-4711"],
    )

    @model_validator(mode="after")
    def _is_somebodys(self) -> Self:
        if (self.email is None) == (self.subscriber_id is None):
            raise ValueError("say either `email` or `subscriber_id`")
        return self


class AnswersIn(BaseModel):
    """Up to a thousand answers."""

    answers: list[AnswerIn] = Field(min_length=1, max_length=1000)


class RefusedAnswer(BaseModel):
    """An answer that was not taken: its place in the call, from 0."""

    index: int
    reason: str = Field(examples=["There is nobody with this address."])


class AnswersTaken(BaseModel):
    """What became of the answers."""

    created: int
    known: int
    rejected: list[RefusedAnswer]


class AnswerQuery(BaseModel):
    """Which answers, and where to go on."""

    subscriber_id: RowId | None = None
    after: RowId = Field(0, description="The `next` of the page before.")
    limit: int = Field(100, ge=1, le=1000)


class AnswerOut(BaseModel):
    """An answer; `comment` is null where there was none, or where the person was erased."""

    id: int = Field(examples=[4711])
    subscriber_id: int = Field(examples=[12])
    email: str = Field(examples=["anna@example.org"])
    score: int = Field(examples=[9])
    group: NpsGroup
    answered_at: AwareDatetime
    comment: str | None = Field(examples=["The mountain cheese is wonderful."])


class AnswerPage(BaseModel):
    """A page of answers."""

    items: list[AnswerOut]
    next: int | None
