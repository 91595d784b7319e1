"""Answers to the net promoter question, month by month and lately.

Of each person the latest answer in a time counts, once. Which kinds of events carry an answer is asked of the house:
where none does, nobody is asked. Not in charge of where the groups begin (`segments.nps`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.feature import Measure, house
from app.reports.periods import inside, seconds, span
from app.reports.rows import Rows
from app.reports.scope import Scope
from app.subscribers.models import Standing
from segments import kpi, nps
from segments.nps import NpsGroup

# How far the figure of today looks back: a quarter, as is usual.
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Answers:
    """How many people answered, each counted once by the latest answer. Of a small group nothing else is told; `score`
    is −100 … 100."""

    people: int = 0
    promoters: int | None = None
    passives: int | None = None
    detractors: int | None = None
    score: float | None = None


def can_be_given() -> bool:
    """Whether there is anything in the house by which answers come in."""
    return bool(_codes())


def were_given(session: Session) -> bool:
    """Whether anybody ever answered: if not, no report reads events for it."""
    answered = select(Standing.subscriber_id).where(Standing.nps_at.is_not(None)).limit(1)
    return can_be_given() and session.scalar(answered) is not None


def answers(rows: Rows, scope: Scope, moments: Sequence[datetime], smallest: int) -> list[Answers]:
    """Answers for each stretch between two neighbouring moments, in one statement."""
    counted = nps.latest(seconds(Event.occurred_at), Event.value.expression).label("latest")
    given = select(Event.subscriber_id, span(Event.occurred_at, moments), counted)
    given = given.where(Event.kind.in_(_codes()), inside(Event.occurred_at, moments))
    latest = scope.of(given, Event.subscriber_id, Event.occurred_at).group_by(Event.subscriber_id, "span").subquery()
    answer = nps.latest_answer(latest.c.latest)
    of_groups = (func.count().filter(group.has(answer)) for group in NpsGroup)
    found = {row[0]: row[1:] for row in rows.execute(select(latest.c.span, *of_groups).group_by(latest.c.span))}
    return [_answers(found.get(at, (0, 0, 0)), smallest) for at in range(len(moments) - 1)]


def _answers(of_groups: Sequence[int], smallest: int) -> Answers:
    people, (promoters, passives, detractors) = sum(of_groups), of_groups
    if not people or people < smallest:
        return Answers(people)
    score = kpi.net_promoter_score(promoters, passives, detractors)
    return Answers(people, promoters, passives, detractors, score)


def _codes() -> list[int]:
    return [kind.code for kind in house().kinds.values() if kind.measure is Measure.NPS]
