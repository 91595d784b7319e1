"""Limits: the same arithmetic in Redis and in one process, R4, and mails that wait without holding up others."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from app.relay import Relay
from app.transport import MailObject, Outcome, Result
from tests.sink import Sink
from tests.workers.test_sending import Book, Mails, check, mail
from workers.smtp import SmtpTransport
from workers.smtp.limits import PAUSE, Allowance, Limits, LocalLimits, SharedLimits
from workers.smtp.mx import MxHosts
from workers.smtp.providers import Providers, wants_less


@pytest.fixture
def shared(valkey: str) -> Iterator[SharedLimits]:
    client = Redis.from_url(valkey)
    client.flushall()
    yield SharedLimits(client)
    client.close()


@pytest.fixture(params=["alone", "shared"])
def limits(request: pytest.FixtureRequest) -> Limits:
    return LocalLimits() if request.param == "alone" else request.getfixturevalue("shared")


def test_a_bucket_gives_out_its_rate(limits: Limits) -> None:
    allowance = Allowance(per_second=0.01)
    assert limits.take("a", allowance) == 0.0
    assert 90 < limits.take("a", allowance) <= 100
    _let_pass(limits, seconds=100)
    assert limits.take("a", allowance) == 0.0
    assert limits.take("b", allowance) == 0.0
    assert Allowance(per_second=50).burst == 5


def _let_pass(limits: Limits, seconds: float) -> None:
    if isinstance(limits, LocalLimits):
        limits._states["a"].at = (limits._states["a"].at or 0) - seconds
    else:
        assert isinstance(limits, SharedLimits)
        limits._script.registered_client.hincrbyfloat("letterbond:limit:a", "at", -seconds)


def test_places_are_free_again_when_they_are_given_back(limits: Limits) -> None:
    allowance = Allowance(at_once=2)
    assert limits.take("a", allowance, "one") == limits.take("a", allowance, "two") == 0.0
    assert limits.take("a", allowance, "three") > 0
    limits.give("a", "one", allowance, succeeded=True)
    assert limits.take("a", allowance, "three") == 0.0


def test_a_group_that_was_slowed_down_rests_and_then_grows_by_one_with_each_success(limits: Limits) -> None:
    """R4."""
    allowance = Allowance(at_once=3)
    assert limits.take("a", allowance, "0") == 0.0
    limits.slow_down("a")
    assert PAUSE - 2 < limits.take("a", allowance, "1") <= PAUSE
    _end_pause(limits)
    limits.give("a", "0", allowance, succeeded=False)
    assert limits.take("a", allowance, "1") == 0.0
    assert limits.take("a", allowance, "2") > 0
    limits.give("a", "1", allowance, succeeded=True)
    assert limits.take("a", allowance, "2") == limits.take("a", allowance, "3") == 0.0
    assert limits.take("a", allowance, "4") > 0
    limits.give("a", "2", allowance, succeeded=True)
    assert limits.take("a", allowance, "4") == limits.take("a", allowance, "5") == 0.0
    assert limits.take("a", allowance, "6") > 0  # the allowance itself


def _end_pause(limits: Limits) -> None:
    if isinstance(limits, LocalLimits):
        limits._states["a"].paused_until = 0.0
    else:
        assert isinstance(limits, SharedLimits)
        limits._script.registered_client.hset("letterbond:limit:a", "paused_until", 0)


def test_two_processes_share_connections_fairly(valkey: str) -> None:
    client = Redis.from_url(valkey)
    client.flushall()
    first, second = SharedLimits(client), SharedLimits(client)
    second._process = "elsewhere:1"
    allowance = Allowance(at_once=4)
    assert [first.take("r", allowance, f"a{own}", own=own) for own in range(4)] == [0.0] * 4
    assert second.take("r", allowance, "b0", own=0) > 0
    assert first.renew("r", ["a0", "a1", "a2", "a3"]) == 2
    for place in ("a2", "a3"):
        first.give("r", place, allowance, succeeded=False)
    assert first.take("r", allowance, "a2", own=2) > 0
    assert second.take("r", allowance, "b0", own=0) == second.take("r", allowance, "b1", own=1) == 0.0
    client.close()


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from(["a", "b", "c", "d"])),
        st.tuples(st.just("give"), st.sampled_from(["a", "b", "c", "d"])),
        st.tuples(st.just("fail"), st.sampled_from(["a", "b", "c", "d"])),
        st.tuples(st.just("slow"), st.just("")),
    ),
    max_size=25,
)


@given(steps=_STEPS, at_once=st.integers(1, 3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_and_one_process_count_alike(shared: SharedLimits, steps: list[tuple[str, str]], at_once: int) -> None:
    shared._script.registered_client.flushall()
    alone, allowance = LocalLimits(), Allowance(at_once=at_once)
    for step, place in steps:
        match step:
            case "take":
                took = [limits.take("a", allowance, place) == 0.0 for limits in (alone, shared)]
                assert took[0] == took[1]
            case "slow":
                for limits in (alone, shared):
                    limits.slow_down("a")
                    _end_pause(limits)
            case _:
                for limits in (alone, shared):
                    limits.give("a", place, allowance, succeeded=step == "give")


def test_without_redis_each_process_counts_for_itself() -> None:
    gone = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    limits, allowance = SharedLimits(gone), Allowance(at_once=1)
    assert limits.take("a", allowance, "one") == 0.0
    assert limits.take("a", allowance, "two") > 0
    limits.give("a", "one", allowance, succeeded=True)
    assert limits.take("a", allowance, "two") == 0.0
    assert limits.renew("a", ["two"]) == 1


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("anna@gmail.com", "gmail"),
        ("anna@GoogleMail.com", "gmail"),
        ("anna@workspace.example", "gmail"),
        ("anna@web.de", "gmx"),
        ("anna@gmx.net", "gmx"),
        ("anna@t-online.de", "t-online"),
        ("anna@hotmail.de", "outlook"),
        ("anna@aol.com", "yahoo"),
        ("anna@me.com", "icloud"),
        ("anna@kaeserei.example", None),
    ],
)
def test_a_provider_is_all_domains_whose_mail_it_takes(address: str, name: str | None) -> None:
    hosts = {"workspace.example": ("aspmx.l.google.com",)}
    found = Providers(lambda domain: hosts.get(domain, ())).of(address)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("text", "is_too_fast"),
    [
        ("4.7.28 Gmail has detected an unusual rate of unsolicited mail", True),
        ("4.7.0 Too many connections", True),
        ("4.7.650 The mail server [1.2.3.4] has been temporarily rate limited due to IP reputation", True),
        ("4.2.0 Greylisted, please try again in 300 seconds", False),
        ("4.2.2 mailbox full", False),
    ],
)
def test_a_provider_that_wants_less_is_understood(text: str, is_too_fast: bool) -> None:
    provider = Providers().of("anna@gmail.com")
    assert wants_less(Outcome(Result.DEFERRED, 451, None, text), provider) is is_too_fast
    assert not wants_less(Outcome(Result.BOUNCED, 550, None, text), provider)


def test_mx_hosts_are_asked_once_and_nobody_waits() -> None:
    asked = Counter[str]()

    def ask(domain: str) -> tuple[str, ...]:
        asked[domain] += 1
        return ("mx.one.example",)

    hosts = MxHosts(ask)
    assert hosts("one.example") == ()
    hosts.close()
    assert hosts("one.example") == ("mx.one.example",)
    assert asked == {"one.example": 1}


def test_where_no_resolver_answers_it_is_not_asked_again_and_again() -> None:
    asked: list[str] = []
    hosts = MxHosts(lambda domain: asked.append(domain))  # type: ignore[func-returns-value]
    for number in range(3):
        hosts(f"d{number}.example")
    hosts._thread.submit(lambda: None).result(5)
    hosts("d9.example")
    hosts.close()
    assert asked == ["d0.example", "d1.example", "d2.example"]


def _run(sink: Sink, mails: Mails, limits: Limits | None = None, **options: object) -> Book:
    relay = Relay("smtp", "localhost", sink.port, **options)  # type: ignore[arg-type]
    book = Book()
    transport = SmtpTransport(relay, "test.example", limits=limits, providers=Providers())
    transport.send_many(book.of_each(mails))
    transport.close()
    check(sink, mails, book)
    return book


def test_a_provider_that_has_had_enough_holds_up_nobody_else() -> None:
    """Every second mail goes to a provider that is paused: all others go out, none of its own is begun."""
    limits = LocalLimits()
    limits.slow_down("provider:gmail")
    with Sink() as sink:
        mails = Mails(60, lambda key: mail(key, "gmail.com" if key % 2 else "example.org"))
        book = _run(sink, mails, limits)
        assert book.of(Result.ACCEPTED) == {key for key in range(60) if key % 2 == 0}
        assert book.of(Result.HELD_BACK) == {key for key in range(60) if key % 2}
        assert not set(book.begun) & book.of(Result.HELD_BACK)


def test_a_few_wait_for_their_provider() -> None:
    """gmail gets 83 a second, 8 of them at once; the rest of a small batch waits a moment."""
    with Sink() as sink:
        book = _run(sink, Mails(25, lambda key: mail(key, "gmail.com")))
        assert book.of(Result.ACCEPTED) == set(range(25))


def test_a_provider_that_says_too_fast_gets_nothing_more_for_now() -> None:
    """R4."""
    with Sink(lambda at, _recipient: "421 4.7.28 unusual rate" if at == "dot" else None) as sink:
        book = _run(sink, Mails(40, lambda key: mail(key, "gmail.com")))
        asked = sum(line.startswith("RCPT") for line in sink.commands)
        assert asked <= 2 * 5  # what was under way when the first said so
        assert len(book.of(Result.HELD_BACK)) >= 30


def test_a_relay_that_shapes_by_itself_is_not_held_back() -> None:
    limits = LocalLimits()
    limits.slow_down("provider:gmail")
    with Sink() as sink:
        book = _run(sink, Mails(30, lambda key: mail(key, "gmail.com")), limits, provider_limits=False)
        assert len(book.of(Result.ACCEPTED)) == 30


def test_no_limit_holds_back_a_single_mail_that_somebody_waits_for() -> None:
    limits = LocalLimits()
    limits.slow_down("provider:gmail")
    with Sink() as sink:
        transport = SmtpTransport(sink.relay, "test.example", limits=limits, providers=Providers())
        outcome = transport.send(MailObject(1, "b@shop.example", "anna@gmail.com", b"Subject: 1\r\n\r\nHi\r\n"))
        transport.close()
        assert outcome.result is Result.ACCEPTED


def test_a_relay_gets_no_more_a_second_than_the_operator_says() -> None:
    with Sink() as sink:
        began = time.monotonic()
        book = _run(sink, Mails(30), per_second=40.0)
        assert len(book.of(Result.ACCEPTED)) == 30
        # 4 at once, then one every 25 ms: a lower bound holds on any machine.
        assert time.monotonic() - began > 26 / 40 * 0.95


def test_connections_of_all_workers_together_stay_below_the_cap(valkey: str) -> None:
    client = Redis.from_url(valkey)
    client.flushall()
    with Sink() as sink:
        relay = Relay("smtp", "localhost", sink.port, connections=2)
        for number in range(2):
            transport = SmtpTransport(relay, "test.example", limits=SharedLimits(client))
            book = Book()
            transport.send_many(book.of_each(Mails(20)))
            assert len(book.of(Result.ACCEPTED)) == 20
            assert sink.connections <= 2 * (number + 1)
            transport.close()
    assert client.keys("letterbond:limit:relay:*:places") == []
    client.close()
