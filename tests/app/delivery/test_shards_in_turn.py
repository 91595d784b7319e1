"""How a sender goes from shard to shard: a mail that hangs holds up neither other shards nor other campaigns."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.campaigns.models import CampaignState
from app.db import transaction, utc_now
from app.delivery import launch, send
from app.delivery.models import Delivery, DeliveryState, Shard
from app.delivery.stint import Stint
from app.transport import Handover, MailObject, Outcome, Result
from tests.app.delivery.conftest import drain, state_of, states
from tests.app.delivery.pipe import ACCEPTED, Pipe
from tests.sink import HANG, Sink
from workers.smtp import SmtpTransport
from workers.smtp.times import Times


class HangingPipe(Pipe):
    """Keeps the first mail until `until` says so, which is asked two hundred times at most."""

    def __init__(self, until: Callable[[], bool]) -> None:
        super().__init__(width=1)
        self._until, self._asked = until, 0
        self._first: tuple[MailObject, Handover] | None = None

    def _answer(self) -> bool:
        self._first, self._asked = self._first or next(iter(self._held), None), self._asked + 1
        time.sleep(0.01)
        first = self._first
        if first is None or first not in self._held or self._asked > 200 or self._until():
            return super()._answer()
        self._held.remove(first)
        answered = super()._answer()
        self._held = [first]
        return answered


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SHARD_SIZE", 5)


@pytest.fixture
def hanging_sink(app: APIFlask) -> Iterator[Sink]:
    """A server that never answers the first reader's mail; we wait two seconds for it."""

    def fault(phase: str, recipient: str) -> str | None:
        return HANG if phase == "dot" and recipient == "person1@example.org" else None

    with Sink(fault) as sink:
        times = Times(dot=2)
        app.extensions["letterbond.transport"] = lambda: SmtpTransport(sink.relay, "test.example", times=times)
        yield sink


def use(app: APIFlask, pipe: Pipe) -> None:
    app.extensions["letterbond.transport"] = lambda: pipe


def counted(campaign_id: int) -> dict[str, int]:
    return dict(Counter(states(campaign_id).values()))


@pytest.mark.usefixtures("small_shards")
def test_all_other_shards_are_sent_while_one_mail_hangs(app: APIFlask, launched: Callable[..., int]) -> None:
    """Q8: the shard of the mail that hangs stays ours, the others are finished meanwhile."""
    seen: list[int] = []

    def all_others_are_done() -> bool:
        with transaction() as session:
            seen.append(len(session.scalars(select(Shard).where(Shard.is_done)).all()))
        return seen[-1] == 3

    campaign_id = launched(people=20)
    pipe = HangingPipe(all_others_are_done)
    use(app, pipe)
    drain(campaign_id)
    assert seen[-1] == 3
    assert pipe.taken[-1] == "person1@example.org"
    assert len(pipe.taken) == len(set(pipe.taken)) == 20
    assert state_of(campaign_id) is CampaignState.SENT


@pytest.mark.usefixtures("small_shards")
def test_over_real_connections_the_others_do_not_wait_either(hanging_sink: Sink, launched: Callable[..., int]) -> None:
    campaign_id = launched(people=40)
    drain(campaign_id)
    assert len({recipient for _sender, recipient, _content in hanging_sink.messages}) == 39
    with transaction() as session:
        doubtful = session.scalars(select(Delivery).where(Delivery.state != DeliveryState.SENT)).one()
        assert "no answer in time" in (doubtful.reply or "")


@pytest.mark.usefixtures("small_shards")
def test_when_its_turn_is_over_other_campaigns_are_sent_beside_what_hangs(
    app: APIFlask, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits ten minutes for one mail of somebody else's campaign."""
    campaign_id = launched(people=5)
    other = launched(people=0, name="Another")
    seen: list[dict[str, int]] = []

    def the_other_is_sent() -> bool:
        seen.append(counted(other))
        return seen[-1] == {"sent": 5}

    pipe = HangingPipe(the_other_is_sent)
    use(app, pipe)
    monkeypatch.setattr(send, "TURN", timedelta(seconds=0.5))
    drain(campaign_id)
    assert seen[-1] == {"sent": 5}
    assert counted(campaign_id) == {"sent": 5}
    assert Counter(pipe.taken) == dict.fromkeys((f"person{number}@example.org" for number in range(1, 6)), 2)


@pytest.mark.usefixtures("small_shards")
def test_without_anything_that_hangs_a_turn_ends_in_time(
    app: APIFlask, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = launched(people=12)
    use(app, Pipe())
    monkeypatch.setattr(send, "TURN", timedelta(0))
    drain(campaign_id)
    assert counted(campaign_id) == {"queued": 12}
    monkeypatch.undo()
    drain(campaign_id)
    assert counted(campaign_id) == {"sent": 12}


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(("place", "name"), [(send, "take"), (Stint, "begin")])
def test_a_database_that_is_away_as_the_next_shard_is_taken_breaks_nothing_off(
    app: APIFlask, launched: Callable[..., int], monkeypatch: pytest.MonkeyPatch, place: object, name: str
) -> None:
    """Q4: mails are under way then; they would be in doubt."""
    campaign_id = launched(people=20)
    works, answers = getattr(place, name), iter([True, False, False])

    def shaky(*arguments: object, **options: object) -> object:
        if next(answers, True):
            return works(*arguments, **options)
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(place, name, shaky)
    monkeypatch.setattr(send, "_LOOK_SECONDS", 0.01)
    pipe = HangingPipe(lambda: counted(campaign_id).get("sent", 0) == 19)
    use(app, pipe)
    drain(campaign_id)
    assert next(answers, None) is None
    assert counted(campaign_id) == {"sent": 20}
    assert len(pipe.taken) == len(set(pipe.taken)) == 20


@pytest.mark.usefixtures("small_shards")
def test_a_shard_taken_ahead_is_given_back_when_the_relay_is_in_trouble(
    app: APIFlask, launched: Callable[..., int]
) -> None:
    campaign_id = launched(people=20)

    def says(mail: MailObject) -> Outcome:
        return Outcome(Result.UNREACHABLE, text="gone") if mail.recipient == "person7@example.org" else ACCEPTED

    use(app, Pipe(says))
    drain(campaign_id)
    with transaction() as session:
        shards = session.scalars(select(Shard)).all()
        assert {shard.owner for shard in shards} == {None}
        # Only those that the relay turned away wait.
        waiting = [shard for shard in shards if shard.lease_until and shard.lease_until > utc_now()]
        assert 1 <= len(waiting) <= 2
        assert session.scalars(select(Delivery).where(Delivery.state == DeliveryState.IN_FLIGHT)).all() == []
