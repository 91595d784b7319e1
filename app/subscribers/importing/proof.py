"""What the importing person declared, beside each of the imported (TRUST L1, L5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.bulk import Every, insert_columns
from app.importing.models import Import
from app.subscribers.consent import wording_hash
from app.subscribers.importing.options import Options
from app.subscribers.models import ConsentRecord, TrackingMode


class Said(NamedTuple):
    """People side by side: their ids, their addresses, when and from which machine they agreed."""

    people: Sequence[int]
    addresses: Sequence[str]
    moments: Sequence[datetime] | Every
    machines: Sequence[str | None] | Every


def keep_proof(session: Session, import_: Import, options: Options, said: Said, tracking: TrackingMode) -> None:
    """Write a proof for each of these people; none where nobody said why they may be mailed."""
    count = len(said.people)
    if options.basis is None or not count:
        return
    wording = {"file": import_.file_name, "basis": options.basis, "tracking_basis": options.tracking_basis}
    columns = {
        "subscriber_id": said.people,
        "address": said.addresses,
        "basis": Every(options.basis),
        "tracking": Every(tracking),
        "tracking_basis": Every(options.tracking_basis),
        "import_id": Every(import_.id),
        "wording": Every(wording),
        "wording_hash": Every(wording_hash(wording)),
        "topic_ids": Every(options.topics),
        "answers": Every({}),
        "requested_at": said.moments,
        "requested_ip": said.machines,
        "confirmed_at": said.moments,
        "confirmed_ip": said.machines,
    }
    insert_columns(session, ConsentRecord, columns, count)
