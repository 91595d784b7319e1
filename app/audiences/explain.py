"""Why somebody is in a segment or not: the rule with each of its parts judged for that one person."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audiences.reading import Reader, population
from app.errors import NotFound
from app.subscribers.models import Standing
from segments.rule import All, Any, Condition, Not, Rule, conditions, parse
from segments.sentence import sentence
from segments.where import where


@dataclass(frozen=True, slots=True)
class Judgement:
    """A part of a rule and whether it holds. `kind` is all, any, not or condition; `text` is set for conditions."""

    kind: str
    holds: bool
    text: str = ""
    parts: tuple["Judgement", ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`is_in` is the answer. `counts` is whether the person can be in any segment with this rule: mostly, is active."""

    is_in: bool
    counts: bool
    judgement: Judgement


def explain(session: Session, words: Reader, data: object, subscriber_id: int, locale: str) -> Explanation:
    """The rule judged for one person, all conditions in one SELECT; RuleError, NotFound."""
    rule = parse(data)
    leaves = [condition for _path, condition in conditions(rule)]
    judged = [where(leaf, words.vocabulary, words.now, words.zone) for leaf in leaves]
    columns = [words.matching(rule), population(rule), *judged]
    row = session.execute(
        select(*(column.label(f"c{at}") for at, column in enumerate(columns)))
        .select_from(Standing)
        .where(Standing.subscriber_id == subscriber_id)
    ).first()
    if row is None:
        raise NotFound(_("There is no such subscriber."))
    is_in, counts, *holds = (bool(value) for value in row)
    texts = [sentence(leaf, words.vocabulary, locale) for leaf in leaves]
    return Explanation(is_in, counts, _judge(rule, iter(zip(texts, holds, strict=True))))


def _judge(rule: Rule, leaves: Iterator[tuple[str, bool]]) -> Judgement:
    match rule:
        case All(rules):
            parts = tuple(_judge(each, leaves) for each in rules)
            return Judgement("all", all(part.holds for part in parts), parts=parts)
        case Any(rules):
            parts = tuple(_judge(each, leaves) for each in rules)
            return Judgement("any", any(part.holds for part in parts), parts=parts)
        case Not(inner):
            part = _judge(inner, leaves)
            return Judgement("not", not part.holds, parts=(part,))
        case Condition():
            text, holds = next(leaves)
            return Judgement("condition", holds, text)
