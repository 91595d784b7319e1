"""What a dead sender left behind, brought into the ledger by whoever claims its shard next.

Rows in flight belong to the epoch before: its journal says which of them have a final reply, which were being handed
over (in doubt), and which were never begun. Without a journal (another host's) all of them are in doubt.
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import CrashPolicy
from app.delivery.journal import Stretch, read_notes
from app.delivery.ledger import write
from app.delivery.models import Delivery, DeliveryState
from app.delivery.results import Doubt, Reply, Results
from app.delivery.shards import in_stretch
from app.transport import Result


def recover(session: Session, stretch: Stretch, policy: CrashPolicy, folder: Path, now: datetime) -> Results:
    """Settle what is in flight in a shard just claimed, in the transaction of the claim."""
    results = _results(session, stretch, folder)
    if results:
        write(session, stretch, policy, results, now)
    return results


def _results(session: Session, stretch: Stretch, folder: Path) -> Results:
    results = Results()
    in_flight = _in_flight(session, stretch)
    if not in_flight:
        return results
    notes = read_notes(folder, Stretch(stretch.campaign_id, stretch.number, stretch.epoch - 1))
    for subscriber_id, attempts in in_flight.items():
        note = None if notes is None else notes.get(subscriber_id)
        if notes is None:
            results.doubtful.append(Doubt(subscriber_id, None))
        elif note and note.outcome is None:
            results.doubtful.append(Doubt(subscriber_id, note.at))
        elif note and note.outcome and note.outcome.result is Result.ACCEPTED:
            results.accept(subscriber_id, note.at)
        elif note and note.outcome:
            results.replies.append(Reply(subscriber_id, note.outcome, note.at, attempts))
        else:
            results.untried.append(subscriber_id)
    return results


def _in_flight(session: Session, stretch: Stretch) -> dict[int, int]:
    """Subscriber and number of tries of each mail in flight."""
    query = select(Delivery.subscriber_id, Delivery.attempts).where(
        in_stretch(stretch), Delivery.state == DeliveryState.IN_FLIGHT
    )
    return dict(session.execute(query).all())
