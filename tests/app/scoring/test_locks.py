"""Who scores anew and a batch of events want the same rows: they wait in one order, and neither is given up."""

import threading
from collections.abc import Callable

from apiflask import APIFlask
from sqlalchemy import select

from app.db import transaction, utc_now
from app.events.record import happening, record
from app.scoring.defaults import defaults
from app.scoring.jobs import keep_scores
from app.scoring.models import Tier
from app.scoring.points import decay_of, score_clocks, today
from app.scoring.rebuild import rebuild_step, want_rebuild
from app.scoring.saving import current_plan, save_plan
from app.subscribers.hold import hold
from app.subscribers.kinds import CONFIRMED
from app.subscribers.models import Standing
from tests import make


def test_the_last_step_of_a_rebuild_waits_for_a_batch_that_holds_people(app: APIFlask) -> None:
    now = utc_now()
    with transaction() as session:
        defaults(session, now)
        # A score that is wrong, so that the rebuild has her row to change.
        person = make.subscriber(session, score=4711).id
        want_rebuild(session, now)
    with transaction() as session:
        clock = score_clocks(session, changing=True)[0]
        assert rebuild_step(session, clock, now)
        worth = 1000 * decay_of(clock).factor(today(now))

    with transaction() as session:
        hold(session, [person])
        finishing = meanwhile(app, keep_scores)
        record(session, [happening(CONFIRMED, person, now)])
    finishing()
    with transaction() as session:
        assert session.get_one(Standing, person).score == worth
        assert score_clocks(session)[0].rebuild_wanted_at is None


def test_a_tier_is_removed_while_people_move_into_it_and_others_wait_for_them(app: APIFlask) -> None:
    """The second batch holds somebody who came into the tier after its removal had begun."""
    now = utc_now()
    with transaction() as session:
        defaults(session, now)
        person = make.subscriber(session).id
    with transaction() as session:
        record(session, [happening(CONFIRMED, person, now) for _ in range(3)])
        gone = session.scalars(select(Tier.id).where(Tier.name == "Reader")).one()
        assert session.get_one(Standing, person).tier_id == gone
        removing = meanwhile(app, lambda: remove(gone))
        following = meanwhile(app, lambda: confirm(person))
    removing()
    following()
    with transaction() as session:
        clock = score_clocks(session)[0]
        assert session.get_one(Standing, person).score == 4000 * decay_of(clock).factor(today(now))
        left = session.scalars(select(Tier.name).order_by(Tier.threshold)).all()
        assert (left, session.get_one(Standing, person).tier_id) == (["New", "Regular", "Loyal"], gone + 1)


def test_a_tier_is_removed_while_a_rebuild_is_put_in_force(app: APIFlask) -> None:
    now = utc_now()
    with transaction() as session:
        defaults(session, now)
        low, high = (make.subscriber(session, score=4711).id for _ in range(2))
    with transaction() as session:
        record(session, [happening(CONFIRMED, each, now) for each in (low, low, high, high)])
        gone = session.scalars(select(Tier.id).where(Tier.name == "Reader")).one()
        want_rebuild(session, now)
        assert rebuild_step(session, score_clocks(session, changing=True)[0], now)
    with transaction() as session:
        hold(session, [high])
        finishing, removing = meanwhile(app, keep_scores), meanwhile(app, lambda: remove(gone))
        record(session, [happening(CONFIRMED, high, now)])
    finishing()
    removing()
    with transaction() as session:
        worth = 1000 * decay_of(score_clocks(session)[0]).factor(today(now))
        assert [session.get_one(Standing, each).score for each in (low, high)] == [2 * worth, 3 * worth]
        assert gone not in session.scalars(select(Tier.id)).all()


def remove(tier_id: int) -> None:
    with transaction() as session:
        plan = current_plan(session)
        assert plan
        tiers = [tier for tier in plan.tiers if tier.id != tier_id]
        save_plan(session, plan.model_copy(update={"tiers": tiers}), utc_now())


def confirm(person: int) -> None:
    """As the ingest of hits does: it holds people before it says what happened."""
    with transaction() as session:
        hold(session, [person])
        record(session, [happening(CONFIRMED, person, utc_now())])


def meanwhile(app: APIFlask, work: Callable[[], None]) -> Callable[[], None]:
    """Begin something that has to wait; call what is returned for its end."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            with app.app_context():
                work()
        except Exception as error:  # noqa: BLE001 - told at the end
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.3)

    def end() -> None:
        thread.join(20)
        assert not thread.is_alive()
        assert raised == []

    return end
