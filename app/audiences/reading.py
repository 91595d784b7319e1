"""Reading stored rules with the words that the house knows now.

In charge of whom a rule means: its condition, and who counts at all. Not of: the rules themselves (`segments/`), nor of
who may be mailed in the end (`audience.py`).
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, and_, select
from sqlalchemy.orm import Session

from app.accounts.organisation import time_zone
from app.feature import house
from app.subscribers.models import Standing, Status, Subscriber
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

    def people(self, data: object, *, side_by_side: bool = False) -> ColumnElement[bool]:
        """The condition over Standing, or over `side_by_side`, that holds for whom a segment with this rule has."""
        return self.matching(parse(data), side_by_side=side_by_side)

    def matching(self, rule: Rule, *, side_by_side: bool = False) -> ColumnElement[bool]:
        """`people` of a rule that is parsed already."""
        return and_(population(rule), where(rule, self.vocabulary, self.now, self.zone, side_by_side=side_by_side))

    def parts(self, data: object) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """`people` over `side_by_side` in two: who counts at all, as for many rules, and of whom this rule holds."""
        rule = parse(data)
        return population(rule), where(rule, self.vocabulary, self.now, self.zone, side_by_side=True)

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
    return _PRESENT if any(condition.field == "status" for _, condition in conditions(rule)) else _ACTIVE


_ACTIVE, _PRESENT = Standing.status == Status.ACTIVE, Standing.status != Status.ERASED


def side_by_side(*conditions: ColumnElement[bool]) -> FromClause:
    """Standing, and beside it the wide row where a condition asks it without looking it up: to go through both together
    takes SQLite two thirds of the time."""
    standing = Standing.__table__
    asked = select(*conditions).columns_clause_froms
    return standing.join(Subscriber.__table__) if Subscriber.__table__ in asked else standing
