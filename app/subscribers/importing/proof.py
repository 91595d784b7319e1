"""What the importing person declared, beside each of the imported (TRUST L1, L5)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns, next_ids
from app.importing.models import Import
from app.subscribers.consent import wording_hash
from app.subscribers.importing.options import Options
from app.subscribers.models import ConsentRecord, TrackingMode

# The person, her address, when and from which machine she agreed.
Said = tuple[int, str, datetime, str | None]


def keep_proof(
    session: Session, import_: Import, options: Options, people: Sequence[Said], tracking: TrackingMode
) -> None:
    """Write a proof for each of these people; none where nobody said why they may be mailed."""
    if options.basis is None or not people:
        return
    wording = {"file": import_.file_name, "basis": options.basis, "tracking_basis": options.tracking_basis}
    ids, addresses, moments, machines = zip(*people, strict=True)
    columns = {
        "id": list(next_ids(session, ConsentRecord, len(people))),
        "subscriber_id": ids,
        "address": addresses,
        "basis": Every(options.basis),
        "tracking": Every(tracking),
        "tracking_basis": Every(options.tracking_basis),
        "import_id": Every(import_.id),
        "wording": Every(wording),
        "wording_hash": Every(wording_hash(wording)),
        "topic_ids": Every(options.topics),
        "answers": Every({}),
        "requested_at": moments,
        "requested_ip": machines,
        "confirmed_at": moments,
        "confirmed_ip": machines,
    }
    insert_columns(session, ConsentRecord, columns, len(people))
