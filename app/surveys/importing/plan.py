"""Which answers of a batch are new, which are here already, and which cannot be; writing them, and taking them back."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.importing.importer import Plan, Reject, Row, Rows, Undone
from app.importing.models import Import
from app.surveys.answers import NewAnswer, hold_people, is_plausible, known_keys, take_answers, take_back


def plan(session: Session, import_: Import, rows: Rows, now: datetime) -> Plan:  # noqa: ARG001 - the verb's shape
    """New and known answers, and those that nobody here can have given; `work` has the new ones."""
    people, _there = hold_people(session, {each.key for each in rows.column("email")}, ())
    answers, rejects = [], []
    for place in range(len(rows)):
        row = rows[place]
        person, at = people.get(row.values["email"].key), row.values["answered_at"]
        reason = _reason(row, is_here=person is not None, is_possible=is_plausible(at, now))
        if reason is None and person is not None:
            answers.append(NewAnswer(person, row.values["score"], at, row.values.get("comment")))
        else:
            rejects.append(Reject(row.line, str(reason), row.raw))
    known = known_keys(session, [each.event_key for each in answers])
    new = [each for each in answers if each.event_key not in known]
    return Plan(len(new), 0, len(answers) - len(new), rejects, new)


def apply(session: Session, import_: Import, plan: Plan, now: datetime) -> None:  # noqa: ARG001 - the verb's shape
    """Write what was planned."""
    take_answers(session, plan.work, import_.id)


def undo(session: Session, import_: Import, limit: int, now: datetime) -> Undone:  # noqa: ARG001 - the verb's shape
    """Take the next answers back."""
    return Undone(take_back(session, import_.id, limit))


def _reason(row: Row, *, is_here: bool, is_possible: bool) -> str | None:
    """Why a row cannot be taken; None if it can."""
    if row.repeats:
        return str(_("An answer of the same person and second is in line %(line)s already.", line=row.first_line))
    if not is_possible:
        return str(_("Nobody can have answered then: the moment is in the future, or before 2003."))
    return None if is_here else str(_("There is nobody with this address."))
