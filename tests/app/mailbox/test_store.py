"""The file of caught mail."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.mailbox.store import Caught, Store, subject

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "mailbox.db")


def caught(recipient: str, title: str = "Hello") -> Caught:
    return Caught(NOON, "b@shop.example", recipient, f"Subject: {title}\r\n\r\nText\r\n".encode())


def test_the_newest_mail_comes_first_page_by_page(store: Store) -> None:
    store.add([caught(f"p{number}@example.org") for number in range(7)])
    mails, total = store.search(offset=0, limit=3)
    assert [mail.recipient for mail in mails] == ["p6@example.org", "p5@example.org", "p4@example.org"]
    assert total == 7
    assert [mail.recipient for mail in store.search(offset=6, limit=3)[0]] == ["p0@example.org"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ANNA", ["anna@example.org"]),
        ("sale", ["bert@example.org"]),
        ("50%", ["bert@example.org"]),
        ("%", ["bert@example.org"]),
        ("_", []),
        ("' OR 1=1 --", []),
    ],
)
def test_a_search_looks_at_recipient_and_subject(words: str, found: list[str], store: Store) -> None:
    """S5: what is typed is a value, never a pattern and never SQL."""
    store.add([caught("anna@example.org"), caught("bert@example.org", "Sale, 50% off")])
    mails, total = store.search(words)
    assert [mail.recipient for mail in mails] == found
    assert total == len(found)


def test_a_mail_is_given_back_as_it_came(store: Store) -> None:
    store.add([caught("anna@example.org")])
    mail, raw = store.get(1) or pytest.fail("it is there")
    assert (mail.id, mail.received_at, mail.sender, mail.subject) == (1, NOON, "b@shop.example", "Hello")
    assert raw == caught("anna@example.org").raw
    assert store.get(2) is None


def test_since_gives_what_came_later_in_order(store: Store) -> None:
    store.add([caught("a@example.org"), caught("b@example.org"), caught("c@example.org")])
    assert [mail.recipient for mail, _ in store.since(1)] == ["b@example.org", "c@example.org"]


def test_a_batch_is_stored_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    """Q5."""
    store.close()
    connection = sqlite3.connect(tmp_path / "mailbox.db")
    connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON content WHEN NEW.mail_id > 1 BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    connection.close()
    with pytest.raises(OSError, match="x"):
        store.add([caught("a@example.org"), caught("b@example.org")])
    assert store.search() == ([], 0)
    store.add([caught("a@example.org")])
    assert store.search()[1] == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"Subject: Hello\r\n\r\nSubject: no\r\n", "Hello"),
        (b"To: a\r\nsubject:  =?utf-8?q?K=C3=A4se?=\r\n\r\n", "Käse"),
        (b"Subject: one\r\n two\r\nTo: a\r\n\r\n", "one two"),
        (b"Subject: =?utf-8?b?8J+OgQ==?= =?utf-8?q?_f=C3=BCr_dich?=\r\n\r\n", "🎁 für dich"),
        (b"Subject: =?nonsense?q?x?=\r\n\r\n", "=?nonsense?q?x?="),
        (b"Subject: \xff\r\n\r\n", "\ufffd"),
        (b"Subject:\r\n\r\n", ""),
        (b"\r\nSubject: in the body\r\n", ""),
        (b"", ""),
    ],
)
def test_the_subject_is_read_from_any_bytes(headers: bytes, expected: str) -> None:
    assert subject(headers) == expected
