"""The net promoter score of a report: each month of everybody and of segments, against sets in plain Python."""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Session

from app.audiences.models import LASTS
from app.config import Config
from app.db import database, reading, transaction
from app.feature import House, house
from app.features import FEATURES
from app.reports.columnar import columnar
from app.reports.kinds import SEGMENT, SegmentAsked
from app.reports.query import SegmentQuery
from app.reports.reasons import lines
from app.reports.segment_report import SegmentReport, segment_report
from app.reports.tables import segment_table
from app.surveys.answers import NewAnswer, take_answers
from tests import make
from tests.app.reports.world import at, member

NOW = at("2026-11-21T12:00")
BERLIN = ZoneInfo("Europe/Berlin")
EDGES = [datetime(2026, month, 1, tzinfo=BERLIN) for month in range(6, 12)] + [NOW]
Given = list[tuple[int, datetime, int]]
Stays = dict[int, list[tuple[datetime, datetime]]]


@pytest.fixture
def world(app: APIFlask) -> tuple[int, Given, Stays]:
    """A segment, 60 people with some answers each, and when 40 of them were in it."""
    dice = random.Random(11)
    with transaction() as session:
        segment = make.segment(session, {"all": []}, "Loyal").id
        people = [make.subscriber(session).id for _ in range(60)]
        first = at("2026-05-20")
        given = [
            (
                dice.choice(people),
                first + timedelta(hours=dice.randrange(24 * 184)),
                dice.choice((10, 9, 9, 8, 7, 6, 2)),
            )
            for _ in range(300)
        ]
        dice.shuffle(given)
        for start in range(0, len(given), 50):
            part = given[start : start + 50]
            take_answers(
                session, [NewAnswer(one, said, when, key=str(start + n)) for n, (one, when, said) in enumerate(part)]
            )
        stays: Stays = {}
        for one in people[:40]:
            days = sorted(dice.sample(range(180), 4))
            moments = [first + timedelta(days=day) for day in days]
            left = (moments[1], LASTS if one % 2 else moments[3])
            stays[one] = [(moments[0], left[0]), (moments[2], left[1])]
            for joined, ended in stays[one]:
                until = None if ended is LASTS else f"{ended:%Y-%m-%d}"
                member(session, segment, one, f"{joined:%Y-%m-%d}", until)
    return segment, given, stays


def expected(
    given: Given, since: datetime, until: datetime, counts: Callable[[int, datetime], bool]
) -> tuple[int, ...]:
    """Promoters, passives, detractors by the latest answer of each person."""
    own: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for one, when, said in given:
        if since <= when < until and counts(one, when):
            own[one].append((when, said))
    latest = [max(each)[1] for each in own.values()]
    return tuple(sum(low <= said <= high for said in latest) for low, high in ((9, 10), (7, 8), (0, 6)))


def report(session: Session, segment: int | None, people: str = "now", smallest: int = 0) -> SegmentReport:
    query = SegmentQuery(months=6, until="2026-11", people=people)
    return segment_report(session, segment, query, NOW, smallest=smallest)


def in_it(stays: Stays, when: datetime) -> set[int]:
    return {one for one, pairs in stays.items() if any(joined <= when < left for joined, left in pairs)}


@pytest.mark.parametrize("whose", ["everybody", "now", "then"])
def test_each_month_is_what_sets_say(world: tuple[int, Given, Stays], whose: str) -> None:
    segment, given, stays = world
    today = in_it(stays, NOW)
    counts: dict[str, Callable[[int, datetime], bool]] = {
        "everybody": lambda _one, _when: True,
        "now": lambda one, _when: one in today,
        "then": lambda one, when: one in in_it(stays, when),
    }
    with reading() as session:
        found = report(session, None if whose == "everybody" else segment, "then" if whose == "then" else "now")
    said = [expected(given, since, until, counts[whose]) for since, until in itertools.pairwise(EDGES)]
    lately = expected(given, NOW - timedelta(days=90), NOW, counts[whose])
    assert found.answers is not None
    for answers, groups in zip(
        [*(month.answers for month in found.months), found.answers], [*said, lately], strict=True
    ):
        assert (answers.promoters, answers.passives, answers.detractors) == groups
        assert answers.people == sum(groups) > 4
        assert answers.score == pytest.approx(100 * (groups[0] - groups[2]) / sum(groups))
    assert len({month.answers.score for month in found.months}) > 3


def test_duckdb_says_the_same(world: tuple[int, Given, Stays], config: Config, tmp_path: Path) -> None:
    with columnar(config.database_url, tmp_path) as rows, reading() as session:
        for name in SEGMENT.copies:
            rows.copy(name)
        for segment, people in ((None, "now"), (world[0], "now"), (world[0], "then")):
            asked = SegmentAsked(segment_id=segment, people=people, months=6, until="2026-11")
            kept = SEGMENT.restored(SEGMENT.stored(SEGMENT.count(session, rows, asked, NOW)))
            assert kept == SEGMENT.count(session, session, asked, NOW)
            assert kept.answers
            assert kept.answers.score is not None


def test_of_few_answers_only_their_number_is_told(app: APIFlask) -> None:
    with transaction() as session:
        people = [make.subscriber(session).id for _ in range(10)]
        take_answers(session, [NewAnswer(one, 9, at("2026-10-05")) for one in people])
        take_answers(session, [NewAnswer(one, 9, at("2026-11-05")) for one in people[:9]])
        found = report(session, None, smallest=10)
    october, november = (month.answers for month in found.months[-2:])
    assert (october.people, october.promoters, october.score) == (10, 10, 100.0)
    assert (november.people, november.promoters, november.passives, november.detractors) == (9, None, None, None)
    assert november.score is None


def test_where_nobody_answered_no_event_is_read_for_it(app: APIFlask) -> None:
    asked: list[str] = []
    engine = database().engine
    with transaction() as session:
        make.subscriber(session)
    with reading() as session:
        sa_event.listen(engine, "before_cursor_execute", lambda *each: asked.append(each[2]))
        found = report(session, None)
    assert found.answers is not None
    assert found.answers.people == 0
    assert sum("FROM event" in each for each in asked) > 0
    assert not [each for each in asked if "* 16" in each or "latest" in each]


def test_without_surveys_the_report_knows_no_answers(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        one = make.subscriber(session).id
        take_answers(session, [NewAnswer(one, 9, at("2026-11-05"))])
    rest = House(tuple(feature for feature in FEATURES if feature.name != "surveys"))
    monkeypatch.setitem(app.extensions, "letterbond.house", rest)
    assert "answered" not in house().kinds
    with reading() as session:
        found = report(session, None)
    assert found.answers is None
    assert {month.answers.people for month in found.months} == {0}


def test_the_page_shows_the_score_and_its_file_too(
    world: tuple[int, Given, Stays], api: FlaskClient, marketer: FlaskClient
) -> None:
    page = marketer.get("/reports/everybody?until=2026-11").text
    assert "Net promoter score, 90 days" in page
    assert "Would they recommend you?" in page
    assert "% promoters (9, 10) − % detractors (0 to 6)" in page
    body = api.get("/api/v1/reports/everybody?until=2026-10&months=2").json
    with reading() as session:
        october = report(session, None).months[-2]
        header, *rows = segment_table(report(session, None))
    assert body["months"][-1]["answers"]["score"] == pytest.approx(october.answers.score)
    row = dict(zip(header, rows[-2], strict=True))
    assert (row["answers"], row["promoters"]) == (october.answers.people, october.answers.promoters)
    assert float(str(row["net_promoter_score"])) == pytest.approx(october.answers.score, abs=0.005)


def test_without_an_answer_the_page_says_how_they_come_in(app: APIFlask, marketer: FlaskClient) -> None:
    with transaction() as session:
        make.subscriber(session, last_order_at=at("2026-03-03"))
    page = marketer.get("/reports/everybody").text
    assert "Nobody here has answered in these months" in page
    assert "/imports/new?kind=answers" in page
    assert "Net promoter score, 90 days" not in page


def test_the_monthly_mail_tells_the_score_where_there_is_one(world: tuple[int, Given, Stays]) -> None:
    with reading() as session:
        found = {line.name: line for line in lines(report(session, None), "EUR")}
        months = report(session, None).months
    line = found["Net promoter score"]
    assert line.now == f"{months[-1].answers.score:.1f}"
    assert line.change.endswith("points")
    assert "Answers" in found


def test_the_monthly_mail_says_nothing_where_nobody_answers(app: APIFlask) -> None:
    with reading() as session:
        names = {line.name for line in lines(report(session, None), "EUR")}
    assert "Net promoter score" not in names


def test_where_people_only_answered_a_report_ends_with_the_latest_month_of_that(app: APIFlask) -> None:
    with transaction() as session:
        one = make.subscriber(session).id
        take_answers(session, [NewAnswer(one, 9, at("2026-05-05"))])
        found = segment_report(session, None, SegmentQuery(months=2), NOW)
    assert [month.label for month in found.months] == ["2026-04", "2026-05"]
