"""Reading stored rules with the words that the house knows now.

In charge of whom a rule means: its condition, and who counts at all. Not of: the rules themselves (`segments/`), nor of
who may be mailed in the end (`audience.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.feature import house
from app.subscribers.models import Standing, Status
from segments.meaning import expanded
from segments.rule import Rule, RuleError, conditions, parse
from segments.sentence import sentence
from segments.vocabulary import Vocabulary
from segments.where import where

EVERYBODY: dict[str, object] = {"all": []}


@dataclass(frozen=True, slots=True)
class Reader:
    """The vocabulary of the house at one moment; what takes JSON raises RuleError where it cannot be read."""

    vocabulary: Vocabulary
    now: datetime
    zone: ZoneInfo

    def people(self, data: object) -> ColumnElement[bool]:
        """The condition over Standing that holds for the people a segment with this rule has."""
        return self.matching(parse(data))

    def matching(self, rule: Rule) -> ColumnElement[bool]:
        """`people` of a rule that is parsed already."""
        return and_(population(rule), where(rule, self.vocabulary, self.now, self.zone))

    def check(self, data: object) -> Rule:
        """The rule, if it may be saved: old rules may name choices that are gone, new ones may not."""
        rule = parse(data)
        self.vocabulary.check(rule)
        expanded(rule, self.vocabulary)
        return rule

    def problem(self, data: object) -> RuleError | None:
        """Why this stored rule cannot be used any more."""
        try:
            self.people(data)
        except RuleError as error:
            return error
        return None

    def sentence(self, data: object, locale: str) -> str:
        """What the rule says."""
        return sentence(parse(data), self.vocabulary, locale)


def reader(session: Session, now: datetime) -> Reader:
    """A Reader for the words, the time zone and the time of now."""
    return Reader(house().vocabulary(session), now, time_zone(session))


def population(rule: Rule) -> ColumnElement[bool]:
    """Segments are of active people, unless the rule itself speaks of the status; erased ones are in none."""
    if any(condition.field == "status" for _, condition in conditions(rule)):
        return Standing.status != Status.ERASED
    return Standing.status == Status.ACTIVE
