"""What hits leave behind: events, totals and counts, as far as each person agreed."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import delete, event, inspect, select, text

from app.campaigns.models import Link
from app.db import database, transaction, utc_now
from app.delivery.models import Delivery, Shard
from app.events.models import Event
from app.feature import house
from app.subscribers.models import Standing, TrackingMode
from app.tracking import jobs
from app.tracking.models import HitCount
from app.tracking.verdict import RULESET, Rules
from segments.vocabulary import Happening
from tests.app.tracking.conftest import Mail, events, make_mail, take_all

GMAIL = "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"


def standing(mail: Mail) -> Standing:
    with transaction() as session:
        return session.get_one(Standing, mail.subscriber_id)


def totals() -> dict[tuple[int, int, str], int]:
    with transaction() as session:
        return {(row.kind, row.position, row.verdict): row.hits for row in session.scalars(select(HitCount))}


def test_a_readers_open_and_click_count_for_her_and_for_the_campaign(mail: Mail) -> None:
    mail.get(mail.pixel, agent=GMAIL)
    mail.get(mail.link(1))
    assert take_all(mail.app) == 2
    opened, clicked = events()
    assert (opened.kind, opened.verdict, opened.link, opened.campaign_id) == (20, "proxy", None, mail.campaign_id)
    assert (clicked.kind, clicked.verdict, clicked.link) == (21, "human", 1)
    assert clicked.data == {"ruleset": 1}
    found = standing(mail)
    assert (found.opens, found.clicks) == (1, 1)
    assert found.last_opened_at
    assert found.last_clicked_at
    with transaction() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert delivery.opened_at == opened.occurred_at
        assert delivery.clicked_at == clicked.occurred_at
    assert totals() == {(20, -1, "proxy"): 1, (21, 1, "human"): 1}


def test_the_first_moment_stays_in_the_ledger_and_the_last_in_the_standing(mail: Mail) -> None:
    """Counts do not depend on the order in which hits are ingested."""
    from app.tracking.take import see, take_hits

    base = int(utc_now().timestamp()) * 1000
    hits = [
        [base + at * 1000, "o", mail.campaign_id, mail.subscriber_id, "", "203.0.113.7", GMAIL, ""]
        for at in (50, 20, 90)
    ]
    for one in hits:
        with transaction() as session:
            take_hits(session, [one], see([one]), Rules())
    found = standing(mail)
    assert found.opens == 3
    assert found.last_opened_at
    assert found.last_opened_at.timestamp() * 1000 == base + 90_000
    with transaction() as session:
        opened_at = session.scalars(select(Delivery.opened_at)).one()
        assert opened_at
        assert opened_at.timestamp() * 1000 == base + 20_000


def test_machines_are_recorded_as_such_and_change_nothing_about_the_person(mail: Mail) -> None:
    """T7, DESIGN 5.7."""
    mail.get(mail.pixel, agent="Mozilla/5.0", ip="104.28.28.3")
    mail.get(mail.link(0), ip="40.94.20.3")
    take_all(mail.app)
    assert [each.verdict for each in events()] == ["prefetch", "scanner"]
    found = standing(mail)
    assert (found.opens, found.clicks, found.last_opened_at, found.last_clicked_at, found.score) == (
        0,
        0,
        None,
        None,
        0,
    )
    with transaction() as session:
        assert session.execute(select(Delivery.opened_at, Delivery.clicked_at)).one() == (None, None)


def test_a_burst_over_several_links_is_a_scanners_in_retrospect(mail: Mail) -> None:
    for index in range(3):
        mail.get(mail.link(index))
    take_all(mail.app)
    assert {each.verdict for each in events()} == {"scanner"}


def test_right_after_the_sending_nobody_can_tell(app: APIFlask) -> None:
    mail = make_mail(app, TrackingMode.PERSONAL, sent_at=utc_now())
    mail.get(mail.link(0))
    take_all(app)
    assert [each.verdict for each in events()] == ["unknown"]


def test_when_mails_were_sent_is_asked_only_where_the_ledger_moved_lately(app: APIFlask) -> None:
    mail = make_mail(app, TrackingMode.PERSONAL, sent_at=utc_now())
    said: list[str] = []
    event.listen(database().engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    for ago, verdict in ((timedelta(seconds=30), "unknown"), (timedelta(hours=1), "human")):
        with transaction() as session:
            session.execute(delete(Shard))
            long_ago, moved = utc_now() - timedelta(days=1), utc_now() - ago
            session.add_all(
                Shard(campaign_id=mail.campaign_id, number=number, first_id=1, last_id=1, touched_at=at)
                for number, at in enumerate((None, moved, long_ago))
            )
        said.clear()
        mail.get(mail.link(0))
        take_all(app)
        assert events()[-1].verdict == verdict
        assert any("delivery.sent_at" in each for each in said) == (verdict == "unknown")


@pytest.mark.parametrize("withdrawn_to", [TrackingMode.NONE, TrackingMode.AGGREGATE])
def test_after_withdrawal_an_old_mail_still_works_and_writes_nothing_personal(
    mail: Mail, withdrawn_to: TrackingMode
) -> None:
    """L9, T6: the mode that counts is the one at arrival."""
    with transaction() as session:
        session.get_one(Standing, mail.subscriber_id).tracking = withdrawn_to
    assert mail.get(mail.pixel).status_code == 200
    assert mail.get(mail.link(0)).status_code == 302
    take_all(mail.app)
    assert events() == []
    found = standing(mail)
    assert (found.opens, found.clicks) == (0, 0)
    assert sum(totals().values()) == (0 if withdrawn_to is TrackingMode.NONE else 2)
    with transaction() as session:
        assert session.execute(select(Delivery.opened_at, Delivery.clicked_at)).one() == (None, None)


def test_the_links_of_everybody_count_for_the_campaign_alone(app: APIFlask) -> None:
    """L8."""
    mail = make_mail(app, TrackingMode.AGGREGATE)
    for _ in range(4):
        mail.get(mail.link(0))
    take_all(app)
    assert events() == []
    assert totals() == {(21, 0, "human"): 4}


def test_totals_add_up_over_several_batches(mail: Mail) -> None:
    for _ in range(3):
        mail.get(mail.pixel, agent=GMAIL)
        take_all(mail.app)
    assert totals() == {(20, -1, "proxy"): 3}


def test_no_address_and_no_agent_reaches_the_database(mail: Mail) -> None:
    """T5: a canary in both, looked for in every table."""
    mail.get(mail.link(0), ip="198.51.100.77", agent="Mozilla/5.0 CanaryBrowser/7.7")
    mail.get(mail.pixel, ip="198.51.100.77", agent="Mozilla/5.0 CanaryBrowser/7.7")
    take_all(mail.app)
    assert len(events()) == 2
    with transaction() as session:
        dump = [
            repr(tuple(row))
            for table in inspect(session.get_bind()).get_table_names()
            for row in session.execute(text(f'SELECT * FROM "{table}"'))
        ]
    assert not [row for row in dump if "198.51.100.77" in row or "Canary" in row]
    assert not list(mail.app.extensions["letterbond.config"].spool.iterdir())


def test_the_job_waits_until_a_burst_would_have_shown(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    mail.get(mail.link(0))
    jobs.ingest_hits()
    assert events() == []
    monkeypatch.setattr(jobs, "utc_now", lambda: utc_now() + timedelta(seconds=12))
    jobs.ingest_hits()
    assert len(events()) == 1


def test_rules_can_ask_for_opens_clicks_and_mails(mail: Mail) -> None:
    """The words of the vocabulary, on real rows: readers' hits alone count."""
    mail.get(mail.pixel, agent=GMAIL)
    mail.get(mail.link(0), ip="40.94.20.3")
    take_all(mail.app)
    long_ago = utc_now() - timedelta(days=3)
    with database().reading() as session:
        words = house().vocabulary(session)

        def holds(name: str, **asked: object) -> bool:
            query = select(Standing.subscriber_id).where(words[name].sql(Happening(**asked)))
            return session.scalars(query).all() == [mail.subscriber_id]

        assert holds("opened")
        assert holds("opened", since=long_ago, campaign=mail.campaign_id)
        assert not holds("opened", at_least=2)
        assert not holds("opened", until=long_ago)
        assert not holds("opened", campaign=mail.campaign_id + 1)
        assert not holds("clicked")
        assert holds("was_sent", campaign=mail.campaign_id)
        assert not holds("was_sent", at_least=2)
        assert [key for key, _label in words["opened"].options("campaign")] == [str(mail.campaign_id)]
        assert not holds("unopened")
        assert holds("unclicked", since=long_ago, campaign=mail.campaign_id)
        assert session.scalars(select(words["opens"].sql())).one() == 1
        assert session.scalars(select(words["last_clicked"].sql())).one() is None


def test_rules_can_ask_for_the_link_that_was_clicked(mail: Mail) -> None:
    mail.get(mail.link(0))
    mail.get(mail.link(0))
    take_all(mail.app)
    with database().reading() as session:
        clicked = house().vocabulary(session)["clicked"]
        target = session.scalars(select(Link.target).where(Link.position == 0)).one()

        def holds(**asked: object) -> bool:
            return bool(session.scalars(select(Standing.subscriber_id).where(clicked.sql(Happening(**asked)))).all())

        assert holds(link=target[8:].upper())
        assert holds(link=target, at_least=2, campaign=mail.campaign_id)
        assert not holds(link="elsewhere.example")
        assert session.scalars(select(clicked.shows(Happening(link=target)))).one() == 2  # type: ignore[misc]


def test_a_reader_is_known_by_her_devices_and_by_nothing_else_of_them(mail: Mail) -> None:
    """T4, T5."""
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    for agent in (phone, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", phone):
        mail.get(mail.link(0), agent=agent)
    take_all(mail.app)
    with database().reading() as session:
        devices = house().vocabulary(session)["devices"]
        found = {
            key: bool(session.scalars(select(Standing.subscriber_id).where(devices.sql((key,)))).all())
            for key, _label in devices.options()
        }
        assert found == {"desktop": True, "mobile": True, "tablet": False}
        assert session.scalars(select(Event.data)).first() == {"ruleset": RULESET}
