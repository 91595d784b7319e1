"""Several relays: who serves whom, shares, a relay that is away, and when nobody can take a mail."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.relay import Relay
from app.transport import MailObject, Outcome, Result
from tests.sink import Sink
from tests.workers.test_sending import MAILS, Book, Mails, mail, run, stored
from workers.smtp import SmtpTransport
from workers.smtp.breaker import Breaker

DOWN = Relay("smtp", "127.0.0.1", 1)


@pytest.fixture
def one() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def two() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def relay(sink: Sink, **options: object) -> Relay:
    return replace(sink.relay, connections=3, **options)  # type: ignore[arg-type]


def all_stored(*sinks: Sink) -> list[int]:
    return sorted(key for sink in sinks for key in stored(sink).elements())


def test_two_relays_share_the_work(one: Sink, two: Sink) -> None:
    _, book = run([relay(one), relay(two)], Mails(200))
    assert len(book.of(Result.ACCEPTED)) == 200
    assert all_stored(one, two) == list(range(200))
    assert one.messages
    assert two.messages


def test_weights_are_shares(one: Sink, two: Sink) -> None:
    run([relay(one, weight=3), relay(two, weight=1)], Mails(200))
    assert all_stored(one, two) == list(range(200))
    assert 130 <= len(one.messages) <= 170


def test_a_relay_serves_the_sender_domains_that_are_its_own(one: Sink, two: Sink) -> None:
    def made(key: int) -> MailObject:
        return mail(key, sender="b@Shop.example" if key % 2 else "b@blog.example")

    _, book = run([relay(one, domains=("shop.example",)), relay(two)], Mails(make=made))
    assert len(book.of(Result.ACCEPTED)) == MAILS
    assert {sender for sender, _, _ in one.messages} == {"b@Shop.example"}
    assert {sender for sender, _, _ in two.messages} == {"b@blog.example"}


def test_a_sender_that_no_relay_serves_is_said_so(one: Sink) -> None:
    mails, book = run([relay(one, domains=("blog.example",))])
    assert mails.taken == [0]
    assert book.ended[0] == Outcome(
        Result.UNREACHABLE, text="no relay of SMTP_URL serves the sender domain shop.example"
    )


@pytest.mark.parametrize("options", [{}, {"weight": 1}])
def test_while_one_relay_is_away_the_other_takes_its_mails(one: Sink, options: dict[str, int]) -> None:
    _, book = run([replace(DOWN, **options), relay(one, **options)])
    assert book.of(Result.ACCEPTED) == set(range(MAILS))


def test_a_relay_that_dies_in_between_leaves_its_mails_to_the_other(one: Sink, two: Sink) -> None:
    def made(key: int) -> MailObject:
        if key == 20:
            two.fault = lambda at, _recipient: "421 4.3.2 going down" if at in ("mail", "connect") else None
        return mail(key)

    _, book = run([relay(one), relay(two)], Mails(make=made))
    assert book.of(Result.ACCEPTED) == set(range(MAILS))
    assert all_stored(one, two) == list(range(MAILS))


def test_with_all_relays_away_it_is_unreachable() -> None:
    mails, book = run([DOWN, replace(DOWN, port=2)])
    assert mails.taken == [0]
    assert book.ended[0].result is Result.UNREACHABLE


def test_a_relay_that_comes_back_is_used_by_the_next_call() -> None:
    with Sink(lambda at, _recipient: "421 4.3.2 not now" if at == "connect" else None) as sink:
        transport = SmtpTransport(sink.relay, "test.example")
        book = Book()
        transport.send_many(book.of_each(Mails()))
        assert book.of(Result.UNREACHABLE) == {0}
        assert (book.ended[0].code, book.ended[0].enhanced) == (421, "4.3.2")
        sink.fault = lambda _at, _recipient: None
        book = Book()
        transport.send_many(book.of_each(Mails()))
        transport.close()
        assert book.of(Result.ACCEPTED) == set(range(MAILS))


def test_a_breaker_opens_after_failures_in_a_row_and_tries_again_with_one() -> None:
    breaker, trouble = Breaker(), Outcome(Result.UNREACHABLE, text="gone")
    for second in range(2):
        breaker.failed(trouble, second, second, for_good=False)
        assert not breaker.is_open(second)
        assert breaker.delay > 0
    breaker.failed(trouble, 0.5, 2, for_good=False)  # began before the one that has been counted
    assert not breaker.is_open(2)
    breaker.failed(trouble, 2, 2, for_good=False)
    assert breaker.is_open(2)
    assert breaker.trouble is trouble
    assert breaker.is_open(20)
    assert not breaker.is_open(40)
    assert breaker.is_on_trial
    breaker.failed(trouble, 40, 40, for_good=False)
    assert breaker.is_open(80)  # twice as long
    breaker.worked()
    assert not breaker.is_open(80)
    assert not breaker.is_on_trial


def test_what_cannot_get_better_opens_a_breaker_at_once() -> None:
    breaker = Breaker()
    breaker.failed(Outcome(Result.UNREACHABLE, text="wrong password"), 0, 0, for_good=True)
    assert breaker.is_open(1)
