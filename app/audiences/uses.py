"""Which other segments use a segment: its page says so, and its owner thinks twice before changing it."""

from collections.abc import Iterator

from flask import url_for
from sqlalchemy.orm import Session

from app.audiences.segment import users_of
from app.feature import Use


def segment_uses(session: Session, segment_id: int) -> Iterator[Use]:
    """Those whose rules name it."""
    for each in users_of(session, segment_id):
        yield Use(each.name, url_for("audiences.show", segment_id=each.id))
