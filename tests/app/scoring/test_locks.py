"""A rebuild and a batch of events want the same rows: they wait in one order, and neither is given up."""

import threading

from apiflask import APIFlask

from app.db import transaction, utc_now
from app.events.record import happening, record
from app.scoring.defaults import defaults
from app.scoring.jobs import keep_scores
from app.scoring.points import decay_of, score_clocks, today
from app.scoring.rebuild import rebuild_step, want_rebuild
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

    def finish() -> None:
        with app.app_context():
            keep_scores()

    with transaction() as session:
        hold(session, [person])
        finishing = threading.Thread(target=finish)
        finishing.start()
        finishing.join(0.3)
        record(session, [happening(CONFIRMED, person, now)])
    finishing.join(20)
    assert not finishing.is_alive()
    with transaction() as session:
        assert session.get_one(Standing, person).score == worth
        assert score_clocks(session)[0].rebuild_wanted_at is None
