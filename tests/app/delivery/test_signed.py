"""A campaign's mails carry the signature of their sender's domain."""

from collections.abc import Callable

import dkim
from sqlalchemy import select

from app.accounts.models import Sender
from app.accounts.signing import create_signing_key, use
from app.campaigns.models import Campaign
from app.db import transaction, utc_now
from tests.app.delivery.conftest import drain
from tests.sink import Sink


def test_each_mail_is_signed_as_it_arrives(sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=3)
    with transaction() as session:
        sender = session.get_one(Sender, session.scalar(select(Campaign.sender_id).where(Campaign.id == campaign_id)))
        key = create_signing_key(session, sender, utc_now())
        assert use(session, key, utc_now())
        names = {f"{key.host}.".encode(): key.record.encode()}
    drain(campaign_id)
    assert len(sink.messages) == 3
    for _sender, _recipient, content in sink.messages:
        assert dkim.verify(content, dnsfunc=lambda name, timeout=5: names.get(name))
