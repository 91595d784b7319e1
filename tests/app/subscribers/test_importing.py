"""People from files: what a file may change, what it never may, and taking it back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select, update

from app.audiences.models import LASTS, Membership
from app.db import reading, transaction
from app.events.models import Event
from app.events.record import happening, record
from app.importing.models import ImportState
from app.subscribers.kinds import IMPORTED
from app.subscribers.models import (
    ConsentRecord,
    Standing,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Suppression,
    SuppressionReason,
    Tag,
    TrackingMode,
)
from tests import make
from tests.app.importing.running import NOW, books, bring_in, dry_run, rejects, take_back

ELSEWHERE = {"basis": "double_opt_in_elsewhere"}


def _person(email: str) -> Subscriber:
    with reading() as session:
        return session.scalars(select(Subscriber).where(Subscriber.address_key == email)).one()


def _everything() -> dict[str, list[tuple[Any, ...]]]:
    """All that stands in the tables of people."""
    tables = (Subscriber, Standing, SubscriberTag, Subscription, ConsentRecord, Suppression, Event)
    with reading() as session:
        return {table.__tablename__: sorted(map(repr, session.execute(select(table.__table__)))) for table in tables}


def test_a_german_file_is_understood_as_it_is(app: APIFlask) -> None:
    file = (
        "E-Mail-Adresse;Vorname;Nachname;Land;Sprache;Geburtsdatum;Schlagworte\r\n"
        "Jörg@example.org;x;y;;;;\r\n"
        "anna@Straße.de;Anna;Müller;Österreich;Deutsch;17.05.1990;VIP, Messe\r\n"
    )
    done = bring_in(file.encode("cp1252"), **ELSEWHERE)
    assert books(done) == (1, 0, 0, 1)
    assert rejects(done)[0][0] == 2
    anna = _person("anna@xn--strae-oqa.de")
    standing = anna.standing
    assert (anna.first_name, anna.last_name) == ("Anna", "Müller")
    assert (standing.country, standing.language, standing.birthday, standing.birth_year) == ("AT", "de", 517, 1990)
    assert (standing.status, standing.confirmed_at, standing.tracking) == (Status.ACTIVE, NOW, TrackingMode.NONE)
    with reading() as session:
        assert session.scalars(select(Tag.name).order_by(Tag.name)).all() == ["Messe", "VIP"]


def test_without_a_basis_people_are_kept_but_cannot_be_mailed(app: APIFlask) -> None:
    """TRUST L5."""
    bring_in("email,status\na@example.org,active\n")
    assert _person("a@example.org").standing.status is Status.PENDING
    with reading() as session:
        assert not session.scalar(select(func.count()).select_from(ConsentRecord))


def test_a_basis_and_its_proof_are_kept_with_every_person(app: APIFlask) -> None:
    """TRUST L5: the proof columns of double opt-in elsewhere."""
    with transaction() as session:
        topic = make.topic(session).id
    options = {"topics": [topic], "tracking": "personal", "tracking_basis": "manual"}
    bring_in("email,optin_time,optin_ip\na@example.org,2020-02-03 10:00,192.0.2.7\n", **ELSEWHERE, **options)
    with reading() as session:
        proof = session.scalars(select(ConsentRecord)).one()
        assert (proof.basis, proof.tracking_basis) == ("double_opt_in_elsewhere", "manual")
        assert (proof.requested_at, proof.requested_ip) == (datetime(2020, 2, 3, 9, tzinfo=UTC), "192.0.2.7")
        assert (proof.topic_ids, proof.wording["file"]) == ([topic], "people.csv")
        assert session.scalars(select(Subscription.topic_id)).all() == [topic]
        assert session.scalars(select(Event.kind)).all() == [IMPORTED.code]
    assert _person("a@example.org").standing.tracking is TrackingMode.PERSONAL


@pytest.mark.parametrize("said", ["", "active", "subscribed", "pending"])
@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_whoever_left_is_never_turned_back_on(app: APIFlask, status: Status, said: str) -> None:
    """TRUST L5, L14: whatever the file says; what is known of the person may still be corrected."""
    with transaction() as session:
        make.subscriber(session, "gone@example.org", status=status)
        topic = make.topic(session).id
    file = f"email,status,first name\nGONE@example.org,{said},Berta\n"
    done = bring_in(file, **ELSEWHERE, topics=[topic], tracking="personal", tracking_basis="manual")
    assert books(done) == (0, 1, 0, 0)
    person = _person("gone@example.org")
    assert (person.first_name, person.standing.status) == ("Berta", status)
    with reading() as session:
        assert not session.scalar(select(func.count()).select_from(Subscription))
        assert not session.scalar(select(func.count()).select_from(ConsentRecord))


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_a_suppressed_address_is_not_taken(app: APIFlask, reason: SuppressionReason) -> None:
    """TRUST L14: the objection outlives the person's row."""
    tokens = app.extensions["letterbond.tokens"]
    with transaction() as session:
        address = tokens.address_hash("a@example.org")
        session.add(Suppression(address_hash=address, reason=reason, created_at=make.THEN))
    done = bring_in("email\nA@example.org\nb@example.org\n", **ELSEWHERE)
    assert books(done) == (1, 0, 0, 1)
    assert "suppression list" in rejects(done)[0][1]


def test_a_file_may_say_that_somebody_has_left(app: APIFlask) -> None:
    with transaction() as session:
        topic = make.topic(session).id
        for name in ("left", "bounced", "angry"):
            person = make.subscriber(session, f"{name}@example.org")
            session.add(Subscription(topic_id=topic, subscriber_id=person.id, subscribed_at=make.THEN))
    before = _everything()
    file = "email,status\nleft@example.org,abgemeldet\nbounced@example.org,bounced\nangry@example.org,spam\n"
    done = bring_in(file, existing="keep")
    assert books(done) == (0, 3, 0, 0)
    states = [_person(f"{name}@example.org").standing.status for name in ("left", "bounced", "angry")]
    assert states == [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED]
    with reading() as session:
        assert not session.scalars(select(Subscription).where(Subscription.ended_at.is_(None))).all()
        assert session.scalar(select(func.count()).select_from(Suppression)) == 2
    take_back(done.id)
    assert _everything() == before


def test_a_pending_person_becomes_active_by_a_file_with_a_basis_only(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, "a@example.org", status=Status.PENDING, confirmed_at=None)
    bring_in("email\na@example.org\n")
    assert _person("a@example.org").standing.status is Status.PENDING
    bring_in("email\na@example.org\n", **ELSEWHERE)
    assert _person("a@example.org").standing.status is Status.ACTIVE


def test_somebody_who_left_a_topic_is_not_subscribed_to_it_again(app: APIFlask) -> None:
    with transaction() as session:
        topic, person = make.topic(session).id, make.subscriber(session, "a@example.org").id
        ended = {"subscribed_at": make.THEN, "ended_at": make.THEN}
        session.add(Subscription(topic_id=topic, subscriber_id=person, **ended))
    done = bring_in("email\na@example.org\n", **ELSEWHERE, topics=[topic])
    assert books(done) == (0, 0, 1, 0)
    with reading() as session:
        assert session.scalars(select(Subscription.ended_at)).one() == make.THEN


def test_a_topic_that_is_gone_is_left_out(app: APIFlask) -> None:
    with transaction() as session:
        topic = make.topic(session).id
    done = bring_in("email\na@example.org\n", **ELSEWHERE, topics=[topic, topic + 1])
    assert books(done) == (1, 0, 0, 0)
    with reading() as session:
        assert session.scalars(select(Subscription.topic_id)).all() == [topic]
        assert session.scalars(select(ConsentRecord.topic_ids)).one() == [topic]


def test_empty_cells_change_nothing_and_filled_ones_as_was_chosen(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, "a@example.org", first_name="Anna", country="DE")
    file = "email,first name,last name,country\na@example.org,Berta,Weber,\n"
    assert books(bring_in(file, existing="keep")) == (0, 1, 0, 0)
    person = _person("a@example.org")
    assert (person.first_name, person.last_name, person.standing.country) == ("Anna", "Weber", "DE")
    assert books(bring_in(file, existing="update")) == (0, 1, 0, 0)
    assert _person("a@example.org").first_name == "Berta"
    assert books(bring_in(file, existing="update")) == (0, 0, 1, 0)


def test_the_same_address_in_other_letters_is_a_repeat_and_said_so(app: APIFlask) -> None:
    done = bring_in("email\na@example.org\n\nA@Example.ORG\na+b@example.org\n", **ELSEWHERE)
    assert books(done) == (2, 0, 0, 1)
    assert rejects(done) == [(4, "The same address is in line 2 already.")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,Anna,DE,2000-01-01", "not an email address"),
        (",Anna,DE,2000-01-01", "is empty"),
        ("a@example.org,Anna,Atlantis,2000-01-01", "country"),
        ("a@example.org,Anna,DE,31.02.2000", "birthday|date"),
        ("a@example.org,Anna,DE", "3 cells"),
        (f"a@example.org,{'x' * 201},DE,2000-01-01", "200 characters"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_good_ones_go_in(app: APIFlask, row: str, reason: str) -> None:
    done = bring_in(f"email,first name,country,birthday\n{row}\nb@example.org,Berta,AT,1990-05-17\n", **ELSEWHERE)
    assert books(done) == (1, 0, 0, 1)
    [(line, said)] = rejects(done)
    assert line == 2
    assert any(part in said for part in reason.split("|"))


@pytest.mark.parametrize(
    "name", ["😀 Anna", "x" * 200, "{{ 7*7 }}", "=HYPERLINK(1)", "'=1", "محمد", "<b>Anna</b>", "O'Brien; DROP TABLE"]
)
def test_odd_names_are_taken_as_they_are(app: APIFlask, name: str) -> None:
    bring_in(f'email,first name\na@example.org,"{name}"\n', **ELSEWHERE)
    assert _person("a@example.org").first_name == name


def test_names_in_one_column_are_split(app: APIFlask) -> None:
    bring_in("email,name\na@example.org,Anna Maria Weber\nb@example.org,Berta\n", **ELSEWHERE)
    found = [_person(f"{each}@example.org") for each in "ab"]
    assert [(each.first_name, each.last_name) for each in found] == [("Anna Maria", "Weber"), ("Berta", None)]


def test_a_dry_run_says_what_would_happen_and_changes_nothing(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, "a@example.org")
        make.subscriber(session, "b@example.org")
    before = _everything()
    file = "email,first name\na@example.org,Berta\nb@example.org,Anna\nc@example.org,Carla\nC@example.org,x\nbad,x\n"
    checked = dry_run(file, size=2, **ELSEWHERE)
    assert (checked.state, books(checked)) == (ImportState.CHECKED, (1, 1, 1, 2))
    assert _everything() == before
    assert books(bring_in(file, size=3, **ELSEWHERE)) == books(checked)


def test_undoing_restores_everything_bit_for_bit(app: APIFlask) -> None:
    with transaction() as session:
        topic = make.topic(session).id
        make.subscriber(session, "a@example.org", attributes={"x": "1"}, country="DE", birthday=517)
        make.subscriber(session, "p@example.org", status=Status.PENDING, confirmed_at=None, first_name=None)
        make.subscriber(session, "same@example.org")
    before = _everything()
    file = (
        "email,first name,country,birthday,tags\na@example.org,Berta,AT,1990-01-02,vip\n"
        "p@example.org,Paul,,,\nnew@example.org,Neu,CH,,vip\nsame@example.org,,,,\n"
    )
    done = bring_in(file, size=2, **ELSEWHERE, topics=[topic], tags=["fair"])
    assert books(done) == (1, 3, 0, 0)
    undone = take_back(done.id, size=2)
    assert (undone.state, undone.stayed) == (ImportState.UNDONE, {})
    assert _everything() == before


def test_who_got_mail_or_acted_or_left_since_stays(app: APIFlask) -> None:
    done = bring_in("email\nmailed@example.org\nacted@example.org\nfree@example.org\n", **ELSEWHERE)
    with transaction() as session:
        ids = {each.email.partition("@")[0]: each.id for each in session.scalars(select(Subscriber))}
        session.execute(update(Standing).where(Standing.subscriber_id == ids["mailed"]).values(sent=1))
        kind = next(kind for kind in app.extensions["letterbond.house"].kinds.values() if kind.name == "confirmed")
        record(session, [happening(kind, ids["acted"], NOW)])
    undone = take_back(done.id)
    assert undone.stayed == {"mailed": 1, "acted": 1}
    with reading() as session:
        assert set(session.scalars(select(Subscriber.id))) == {ids["mailed"], ids["acted"]}


def test_being_in_a_segment_keeps_nobody(app: APIFlask) -> None:
    done = bring_in("email\na@example.org\n", **ELSEWHERE)
    with transaction() as session:
        segment = make.segment(session, {"all": []}).id
        person = session.scalars(select(Subscriber.id)).one()
        joined = {"segment_id": segment, "subscriber_id": person, "joined_at": NOW, "left_at": LASTS}
        session.add(Membership(**joined))
    assert take_back(done.id).stayed == {}
    with reading() as session:
        assert not session.scalars(select(Membership)).all()


def test_undoing_leaves_alone_what_was_changed_again(app: APIFlask) -> None:
    """TRUST L14: least of all does it bring somebody back who left meanwhile."""
    with transaction() as session:
        pending = make.subscriber(session, "a@example.org", status=Status.PENDING, confirmed_at=None)
    done = bring_in("email,first name\na@example.org,Berta\n", **ELSEWHERE)
    with transaction() as session:
        gone = {"status": Status.UNSUBSCRIBED, "ended_at": NOW}
        session.execute(update(Standing).where(Standing.subscriber_id == pending.id).values(gone))
    undone = take_back(done.id)
    person = _person("a@example.org")
    assert undone.stayed == {"edited": 1}
    assert (person.first_name, person.standing.status) == ("Anna", Status.UNSUBSCRIBED)


def test_personal_tracking_needs_a_reason_of_its_own(app: APIFlask) -> None:
    """TRUST L8."""
    with pytest.raises(ValueError, match="basis of its own"):
        bring_in("email\na@example.org\n", **ELSEWHERE, tracking="personal")
