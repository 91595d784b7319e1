"""What a file may say about an answer, by the names that survey tools and people give its columns.

No database is asked. Not in charge of: whose answers these are, and which are new (`plan.py`).
"""

import re
from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.importing.importer import Column, Rows, Writing
from app.importing.values import Habits, parse_moment
from app.subscribers.importing.columns import address
from app.subscribers.values import parse_text
from app.surveys.answers import LONGEST_COMMENT
from segments.nps import HIGHEST

# `9`, `9.0`, `9/10`, `9 von 10`; `10 - Extremely likely`, `Extremely likely - 10`, as scales with words are exported.
_ALONE = re.compile(r"(\d{1,2})(?:[.,]0+)?(?:\s*(?:/|von|of|out of|aus)\s*10)?", re.IGNORECASE)
_NAMED = re.compile(r"(\d{1,2})\s*[-–—=:]\s*[^\W\d]\D*|[^\W\d]\D*?\s*[-–—=:]\s*(\d{1,2})")


def score(text: str, habits: Habits) -> int:  # noqa: ARG001 - every parser takes both
    """A whole number from 0 to 10, alone or with the words of a scale."""
    given = text.strip()
    found = _ALONE.fullmatch(given) or _NAMED.fullmatch(given)
    number = next((int(each) for each in found.groups() if each), HIGHEST + 1) if found else HIGHEST + 1
    if number > HIGHEST:
        raise Invalid(_("“%(text)s” is not an answer from 0 to 10.", text=given[:40]))
    return number


_COLUMNS = (
    Column("email", _l("Email address"), address, (
        "email", "e-mail", "mail", "email address", "person email", "contact email", "customer email",
        "respondent email", "recipient email", "e-mail-adresse", "mailadresse", "emailadresse", "kunde",
    ), required=True),
    Column("score", _l("Answer, 0 to 10"), score, (
        "score", "nps", "nps score", "rating", "answer", "survey score", "likelihood to recommend",
        "how likely are you to recommend us?", "how likely are you to recommend us to a friend or colleague?",
        "how likely is it that you would recommend us to a friend or colleague?",
        "how likely is it that you would recommend this company to a friend or colleague?",
        "antwort", "bewertung", "punkte", "weiterempfehlung", "weiterempfehlungsbereitschaft", "nps-wert",
        "wie wahrscheinlich ist es, dass sie uns weiterempfehlen?",
        "wie wahrscheinlich ist es, dass sie uns einem freund oder kollegen weiterempfehlen?",
    ), required=True),
    Column("answered_at", _l("Answered at"), parse_moment, (
        "answered at", "responded at", "survey responded at", "response date", "response time", "responded",
        "submitted at", "submit date", "submit date (utc)", "date submitted", "completed at", "end date", "timestamp",
        "created at", "date", "datum", "beantwortet am", "antwortdatum", "abgesendet am", "abgeschlossen am",
        "datum abgeschickt", "zeitstempel",
    ), Writing.DATES, required=True),
    Column("comment", _l("Comment"), lambda text, _: parse_text(text, LONGEST_COMMENT), (
        "comment", "comments", "feedback", "reason", "verbatim", "open response",
        "what is the main reason for your score?", "what is the primary reason for your score?",
        "kommentar", "anmerkung", "begründung", "grund", "freitext",
        "was ist der hauptgrund für ihre bewertung?",
    ), is_unique=True),
)  # fmt: skip


def columns(session: Session) -> Sequence[Column]:  # noqa: ARG001 - the verb's shape
    """The same for every organisation."""
    return _COLUMNS


def keys(rows: Rows) -> Sequence[str]:
    """What rows are about: a person and a second."""
    said = zip(rows.column("email"), rows.column("answered_at"), strict=True)
    return [f"{address.key}|{int(at.timestamp() // 1)}" for address, at in said]
