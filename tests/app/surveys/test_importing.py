"""Files of answers, as survey tools write them: each answer once, refused with a reason, and taken back."""

from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import reading, transaction
from app.errors import Invalid
from app.events.models import Event
from app.importing.models import Import, ImportState
from app.importing.values import Habits
from app.subscribers.erasing import erase
from app.subscribers.models import Standing, Subscriber
from app.surveys.answers import NewAnswer, take_answers
from app.surveys.importing.columns import score
from app.surveys.kinds import ANSWERED
from tests import make
from tests.app.importing.running import NOW, books, bring_in, get, rejects, take_back, upload

HEADER = "email,score,date,comment\n"


@pytest.fixture(autouse=True)
def _people(app: APIFlask) -> None:
    with transaction() as session:
        for name in ("anna", "berta"):
            make.subscriber(session, f"{name}@example.org")


def _answers() -> list[tuple[str, int | None, datetime, str | None]]:
    statement = select(Subscriber.email, Event.value, Event.occurred_at, Event.data)
    statement = statement.join(Subscriber, Subscriber.id == Event.subscriber_id).where(Event.kind == ANSWERED.code)
    with reading() as session:
        found = session.execute(statement.order_by(Event.occurred_at, Event.id))
        return [(email.split("@")[0], value, at, (data or {}).get("comment")) for email, value, at, data in found]


def _latest() -> list[tuple[int | None, datetime | None]]:
    with reading() as session:
        found = session.execute(select(Standing.last_nps, Standing.nps_at).order_by(Standing.subscriber_id))
        return [tuple(each) for each in found]


@pytest.mark.parametrize(
    "file",
    [
        # In the manner of Delighted, SurveyMonkey, Typeform, AskNicely, a German spreadsheet and LimeSurvey.
        "Email,Name,Score,Comment,Survey responded at\nanna@example.org,Anna,9,Great,2026-11-01 10:00:00 UTC\n",
        (
            "Respondent ID,Start Date,End Date,Email Address,How likely is it that you would recommend this company to "
            "a friend or colleague?,What is the main reason for your score?\n"
            "118,11/01/2026 10:50:00 AM,11/01/2026 11:00:00 AM,anna@example.org,9,Great\nx,12/31/2025,12/31/2025,,,\n"
        ),
        (
            "#,email,How likely are you to recommend us?,Feedback,Start Date (UTC),Submit Date (UTC)\n"
            "k2j,anna@example.org,9,Great,2026-11-01 09:58:00,2026-11-01 10:00:00\n"
        ),
        "Customer email,NPS,Comment,Responded\nanna@example.org,9,Great,2026-11-01T10:00:00Z\n",
        "E-Mail-Adresse;Weiterempfehlung;Kommentar;Beantwortet am\nanna@example.org;9 von 10;Great;01.11.2026 11:00\n",
        (
            '"Antwort-ID","Datum Abgeschickt","E-Mail","Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",'
            '"Anmerkung"\n"1","2026-11-01 11:00:00","anna@example.org","9 - sehr wahrscheinlich","Great"\n'
        ),
    ],
)
def test_exports_of_many_tools_are_recognised(file: str) -> None:
    done = bring_in(file, "answers")
    assert done.new == 1, rejects(done)
    assert _answers() == [("anna", 9, datetime(2026, 11, 1, 10, tzinfo=UTC), "Great")]


def test_the_same_file_twice_adds_nothing_and_undoing_takes_its_own_back() -> None:
    with transaction() as session:
        anna = session.scalars(select(Subscriber.id).where(Subscriber.address_key == "anna@example.org")).one()
        take_answers(session, [NewAnswer(anna, 3, datetime(2026, 10, 1, tzinfo=UTC), "before")])
    before, latest = _answers(), _latest()
    file = HEADER + "anna@example.org,9,2026-11-01 10:00Z,one\nberta@example.org,7,2026-11-02 10:00Z,\n"
    first = bring_in(file, "answers", size=1)
    assert books(first) == (2, 0, 0, 0)
    after = _answers()
    assert _latest() == [(9, datetime(2026, 11, 1, 10, tzinfo=UTC)), (7, datetime(2026, 11, 2, 10, tzinfo=UTC))]
    more = file + "anna@example.org,10,2026-11-03 10:00Z,two\n"
    second = bring_in(more, "answers")
    assert books(second) == (1, 0, 2, 0)
    assert take_back(second.id).state is ImportState.UNDONE
    assert _answers() == after
    assert take_back(first.id, size=1).state is ImportState.UNDONE
    assert (_answers(), _latest()) == (before, latest)


def test_rows_that_cannot_be_answers_are_listed_with_line_and_reason() -> None:
    rows = [
        "anna@example.org,11,2026-11-01,",
        "anna@example.org,-1,2026-11-01,",
        "anna@example.org,9.5,2026-11-01,",
        "anna@example.org,,2026-11-01,",
        "anna@example.org,9,,",
        "anna@example.org,9,2026-13-01,",
        "anna@example.org,9,2026-11-22,",
        "anna@example.org,9,1999-11-22,",
        "nobody@example.org,9,2026-11-01,",
        "no address,9,2026-11-01,",
        f"anna@example.org,9,2026-11-01,{'x' * 5001}",
        "anna@example.org,'=1+1,2026-11-01,",
        'anna@example.org,9,2026-11-01,"=cmd()',
        'x",',
        "anna@example.org,8,2026-11-01,",
    ]
    done = bring_in(HEADER + "\n".join(rows) + "\n", "answers")
    assert books(done)[0] == 1
    found = dict(rejects(done))
    assert sorted(found) == [*range(2, 14), 16]
    assert found[2] == "Answer, 0 to 10: “11” is not an answer from 0 to 10."
    assert found[5] == "Answer, 0 to 10 is empty."
    assert found[8] == "Nobody can have answered then: the moment is in the future, or before 2003."
    assert found[10] == "There is nobody with this address."
    assert found[12] == "Comment: At most 5000 characters."
    assert found[16] == "An answer of the same person and second is in line 14 already."


@pytest.mark.parametrize(
    ("cell", "answer"),
    [("9", 9), (" 0 ", 0), ("10", 10), ("7.0", 7), ("7,0", 7), ("8/10", 8), ("8 out of 10", 8)]
    + [("10 - Extremely likely", 10), ("Not at all likely - 0", 0), ("Sehr wahrscheinlich: 10", 10)]
    + [(bad, None) for bad in ("", "-1", "−3", "11", "1/5", "9 - 8", "nine", "٩٩٩", "1e1", "0x9", "10000000000", "9%")],
)
def test_a_scale_may_be_written_with_its_words(cell: str, answer: int | None) -> None:
    if answer is None:
        with pytest.raises(Invalid):
            score(cell, Habits())
    else:
        assert score(cell, Habits()) == answer


def test_erasing_forgets_what_files_said_too() -> None:
    file = HEADER + "anna@example.org,9,2026-11-01,secret words\nanna@example.org,99,2026-11-02,other secrets\n"
    done = bring_in(file, "answers")
    with transaction() as session:
        anna = session.scalars(select(Subscriber.id).where(Subscriber.address_key == "anna@example.org")).one()
        erase(session, anna, NOW)
    assert [each[3] for each in _answers()] == [None]
    assert rejects(done) == [(3, "erased")]
    assert take_back(done.id).state is ImportState.UNDONE
    assert _answers() == []


def test_a_file_of_answers_goes_through_the_pages(app: APIFlask, marketer: FlaskClient) -> None:
    assert 'value="answers"' in marketer.get("/imports/new?kind=answers").text
    import_id = upload(HEADER + "anna@example.org,9,2026-11-01,\n", "answers")
    columns = marketer.get(f"/imports/{import_id}/columns").text
    assert "Answer, 0 to 10" in columns
    assert "there is nothing to choose" in marketer.get(f"/imports/{import_id}/options").text
    assert marketer.post(f"/imports/{import_id}/options").status_code == 302
    found: Import = get(import_id)
    assert found.state is ImportState.CHECKING
