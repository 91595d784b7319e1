"""Why somebody is in a segment or not: the rule with each of its parts judged for that one person.

In charge of the tree, of which parts decided, and of what the person has beside each. Not of how a value is written
(`facts.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any as Anything

from flask_babel import gettext as _
from sqlalchemy import null, select
from sqlalchemy.orm import Session

from app.audiences.facts import fact
from app.audiences.reading import Reader, population
from app.errors import NotFound
from app.subscribers.models import Standing
from segments.meaning import meant
from segments.rule import All, Any, Condition, Not, Rule, parse
from segments.sentence import sentence
from segments.where import shown, where


@dataclass(frozen=True, slots=True)
class Judgement:
    """A part of a rule and whether it holds. `kind` is all, any, not or condition; `text` is set for conditions, `fact`
    is what the person has there, `decides` whether the answer hangs on this part. A condition that means the rules of
    other segments has them as its parts."""

    kind: str
    holds: bool
    text: str = ""
    parts: tuple["Judgement", ...] = ()
    fact: str | None = None
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """`is_in` is the answer. `counts` is whether the person can be in any segment with this rule: mostly, is active."""

    is_in: bool
    counts: bool
    judgement: Judgement


def explain(session: Session, words: Reader, data: object, subscriber_id: int, locale: str) -> Explanation:
    """The rule judged for one person, all conditions in one SELECT; RuleError, NotFound."""
    rule = parse(data)
    membership = (words.matching(rule), population(rule))
    leaves = list(_leaves(rule, words))
    judged = [where(leaf, words.vocabulary, words.now, words.zone) for leaf in leaves]
    values = [shown(leaf, words.vocabulary, words.now, words.zone) for leaf in leaves]
    columns = [*membership, *judged, *(null() if value is None else value for value in values)]
    row = session.execute(
        select(*(column.label(f"c{at}") for at, column in enumerate(columns)))
        .select_from(Standing)
        .where(Standing.subscriber_id == subscriber_id)
    ).first()
    if row is None:
        raise NotFound(_("There is no such subscriber."))
    holds, facts = map(bool, row[2 : 2 + len(leaves)]), row[2 + len(leaves) :]
    judge = _Judge(words, locale, iter(zip(leaves, holds, facts, strict=True)))
    return Explanation(bool(row[0]), bool(row[1]), judge.rule(rule, decides=True))


def _leaves(rule: Rule, words: Reader) -> Iterator[Condition]:
    """The conditions that are about the person herself, in reading order."""
    match rule:
        case All(rules) | Any(rules):
            for each in rules:
                yield from _leaves(each, words)
        case Not(inner):
            yield from _leaves(inner, words)
        case Condition():
            inside = meant(rule, words.vocabulary)
            if inside is None:
                yield rule
            else:
                yield from _leaves(inside, words)


@dataclass(frozen=True, slots=True)
class _Judge:
    words: Reader
    locale: str
    leaves: Iterator[tuple[Condition, bool, Anything]]

    def rule(self, rule: Rule, *, decides: bool) -> Judgement:
        match rule:
            case All(rules):
                return self._group("all", [self.rule(each, decides=decides) for each in rules], decides)
            case Any(rules):
                return self._group("any", [self.rule(each, decides=decides) for each in rules], decides)
            case Not(inner):
                part = self.rule(inner, decides=decides)
                return Judgement("not", not part.holds, parts=(part,), decides=decides)
            case Condition():
                return self._condition(rule, decides)

    def _group(self, kind: str, parts: list[Judgement], decides: bool) -> Judgement:
        """What decided a group are the parts that came out as it did; a group of one is that one."""
        if len(parts) == 1:
            return parts[0]
        holds = all(part.holds for part in parts) if kind == "all" else any(part.holds for part in parts)
        kept = tuple(part if part.holds == holds else _undecisive(part) for part in parts)
        return Judgement(kind, holds, parts=kept, decides=decides)

    def _condition(self, condition: Condition, decides: bool) -> Judgement:
        text = sentence(condition, self.words.vocabulary, self.locale)
        inside = meant(condition, self.words.vocabulary)
        if inside is not None:
            part = self.rule(inside, decides=decides)
            return Judgement("condition", part.holds, text, parts=(part,), decides=decides)
        leaf, holds, value = next(self.leaves)
        assert leaf == condition
        word = self.words.vocabulary.understand(condition)
        return Judgement("condition", holds, text, fact=fact(word, value), decides=decides)


def _undecisive(part: Judgement) -> Judgement:
    parts = tuple(_undecisive(each) for each in part.parts)
    return Judgement(part.kind, part.holds, part.text, parts, part.fact, decides=False)
