"""Hits between the web process and the database: kept through kills, counted exactly once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import database, transaction
from app.events import ingest as ingesting
from app.events.buffer import Record, Spool
from app.events.ingest import ingest
from app.events.models import SpoolOffset
from app.events.spooled import spool_files
from app.shop.models import Product


def line(record: Record) -> bytes:
    return json.dumps(record).encode() + b"\n"


FAR = datetime(2100, 1, 1, tzinfo=UTC)


def keep(session: Session, records: Sequence[Record], around: Sequence[Record]) -> None:
    """Write each record's number into a table: taken twice, its unique key would complain."""
    session.add_all(Product(key=str(record[1]), name="hit") for record in records)


def taken() -> list[int]:
    with transaction() as session:
        return sorted(int(key) for key in session.scalars(select(Product.key)))


@pytest.fixture
def spool(app: APIFlask, tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def test_each_record_is_taken_once_in_batches(app: APIFlask, spool: Spool, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(ingesting, "BATCH", 7)
    for n in range(50):
        assert spool.append(line([n, n, "ünïcödé"]))
    assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 50
    assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 0
    assert taken() == list(range(50))


def test_a_file_read_to_its_end_is_removed_and_its_writer_begins_another(
    app: APIFlask, spool: Spool, tmp_path: Path
) -> None:
    """T5: no address lies around longer than about a minute after it was read."""
    spool.append(line([0, 0]))
    ingest(database(), tmp_path / "spool", list, keep, FAR)
    assert list((tmp_path / "spool").iterdir()) == []
    spool.append(line([0, 1]))
    assert len(list((tmp_path / "spool").iterdir())) == 1
    ingest(database(), tmp_path / "spool", list, keep, FAR)
    assert taken() == [0, 1]
    with transaction() as session:
        assert session.scalars(select(SpoolOffset)).all() == []


def test_what_is_too_new_waits(app: APIFlask, spool: Spool, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for n, age in enumerate((30, 20, 1)):
        spool.append(line([int((now - timedelta(seconds=age)).timestamp() * 1000), n]))
    assert ingest(database(), tmp_path / "spool", list, keep, now - timedelta(seconds=10)) == 2
    assert len(list((tmp_path / "spool").iterdir())) == 1
    assert ingest(database(), tmp_path / "spool", list, keep, now + timedelta(seconds=10)) == 1
    assert taken() == [0, 1, 2]


def test_a_take_that_fails_leaves_the_batch_for_the_next_time(app: APIFlask, spool: Spool, tmp_path: Path) -> None:
    spool.append(line([0, 0]))

    def fail(session: Session, records: Sequence[Record], around: Sequence[Record]) -> None:
        keep(session, records, around)
        session.flush()
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        ingest(database(), tmp_path / "spool", list, fail, FAR)
    assert taken() == []
    assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 1


def test_an_ingest_killed_between_commit_and_deletion_has_counted_all(
    app: APIFlask, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is still there, read to its end, or gone and its offset is left: neither is counted again."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for n, last_step in enumerate(("app.events.spooled.SpoolFile.remove_if_read", "app.events.ingest.delete")):
        spool.append(line([0, 2 * n]))
        spool.append(line([0, 2 * n + 1]))
        with monkeypatch.context() as killed:
            killed.setattr(last_step, die)
            with pytest.raises(KeyboardInterrupt):
                ingest(database(), tmp_path / "spool", list, keep, FAR)
        assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 0
    assert taken() == [0, 1, 2, 3]


def test_lines_that_arrived_together_are_kept_together(app: APIFlask, spool: Spool, tmp_path: Path) -> None:
    assert spool.append(b"".join(line([0, n]) for n in range(5)))
    assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 5
    assert taken() == [0, 1, 2, 3, 4]


def test_several_ingests_at_once_take_nothing_twice(
    app: APIFlask, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "BATCH", 5)
    for n in range(200):
        spool.append(line([0, n]))
    own = database()
    totals: list[int] = []
    folder = tmp_path / "spool"
    threads = [threading.Thread(target=lambda: totals.append(ingest(own, folder, list, keep, FAR))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ingest(own, tmp_path / "spool", list, keep, FAR)
    assert taken() == list(range(200))
    assert sum(totals) == 200


def test_a_line_that_the_disk_cut_off_costs_itself_alone(app: APIFlask, spool: Spool, tmp_path: Path) -> None:
    """Q5: a full disk in the middle of a record."""
    spool.append(line([0, 0]))
    [file] = (tmp_path / "spool").iterdir()
    with file.open("ab") as stream:
        stream.write(b'[0, 1, "cut')
    spool._torn = True
    spool.append(line([0, 2]))
    assert ingest(database(), tmp_path / "spool", list, keep, FAR) == 2
    assert taken() == [0, 2]


def test_what_is_seen_is_the_time_around_a_stretch_in_all_files(app: APIFlask, tmp_path: Path, monkeypatch) -> None:
    """Hits of one burst may lie in the files of two processes, in two batches, and in what was taken long before."""
    monkeypatch.setattr(ingesting, "BATCH", 2)
    first, second = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    for n in range(4):
        first.append(line([n * 20_000, n]))
        second.append(line([n * 20_000 + 500, 10 + n]))
    seen: list[set[int]] = []

    def see(records: Iterable[Record]) -> set[int]:
        return {record[1] for record in records}

    def look(session: Session, records: Sequence[Record], found: set[int]) -> None:
        seen.append(found)

    # So long ago that no file is removed.
    ingest(database(), tmp_path / "spool", see, look, FAR - timedelta(days=365 * 80), timedelta(seconds=1))
    # Half a minute at a time, a second around it, and all of it in the company of the other file.
    assert seen == [{0, 10, 1, 11}, {2, 12, 3, 13}] * 2


def test_what_is_seen_may_be_limited_to_lines_with_a_mark(app: APIFlask, tmp_path: Path) -> None:
    """But what is taken is seen in any case: it has been read."""
    first, second = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    first.append(line([5_000, 1, "c"]) + line([6_000, 2, "o"]))
    second.append(line([4_000, 3, "o"]) + line([5_500, 4, "c"]) + line([6_100, 5, "c"]) + line([6_200, 6, "o"]))
    seen: dict[int, set[int]] = {}

    def look(session: Session, records: Sequence[Record], around: list[Record]) -> None:
        seen[records[0][1]] = {record[1] for record in around}

    long_ago = FAR - timedelta(days=365 * 80)
    assert ingest(database(), tmp_path / "spool", list, look, long_ago, timedelta(seconds=1), b'"c"') == 6
    assert seen == {1: {1, 2, 4, 5}, 3: {3, 4, 5, 6, 1}}
    [own] = [each for each in spool_files(tmp_path / "spool") if b"4000" in each.path.read_bytes()]
    assert [record[1] for record in own.between(0, 10_000, mark=b'"c"')] == [4, 5]


def test_a_stretch_of_time_is_found_in_a_long_file(app: APIFlask, spool: Spool, tmp_path: Path) -> None:
    for start in range(0, 40_000, 1_000):
        spool.append(b"".join(line([n * 10, n, "x" * 60]) for n in range(start, start + 1_000)))
    [file] = spool_files(tmp_path / "spool")
    assert [record[1] for record in file.between(123_400, 123_450)] == [12340, 12341, 12342, 12343, 12344, 12345]
    assert [record[1] for record in file.between(-5, 5)] == [0]
    assert [record[1] for record in file.between(399_990, 10**9)] == [39_999]
    # What was read already is not read again, and what lies around it is.
    read = file.batches(0, 7, FAR)[200:210]
    between = [record[1] for record in file.between(13_950, 14_750, read)]
    assert between == [record[1] for record in file.between(13_950, 14_750)]
    assert between[0] < read[0].records[0][1] < read[-1].records[-1][1] < between[-1]
    sizes = [len(batch.records) for batch in file.batches(0, 1_000, FAR)]
    assert sizes == [1_000] * 3


WRITER = """
import sys
from pathlib import Path
from app.events.buffer import Spool
spool, n = Spool(Path(sys.argv[1])), int(sys.argv[2])
while True:
    spool.append(b"[0, %d]\\n" % n)
    print(n, flush=True)
    n += 1
"""


def test_kill_9_of_writer_and_reader_loses_and_doubles_nothing(app: APIFlask, tmp_path: Path) -> None:
    """Every hit whose writer got so far as to answer is in the database, once."""
    answered: set[int] = set()
    for round_ in range(3):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "spool"), str(round_ * 1_000_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            answered |= {int(writer.stdout.readline()) for _ in range(300)}
            reader = os.fork()
            if reader == 0:
                _read_forever(app, tmp_path / "spool")
            time.sleep(0.15)
            os.kill(reader, signal.SIGKILL)
            os.waitpid(reader, 0)
            writer.kill()
            rest = writer.stdout.read().splitlines()
            answered |= {int(line) for line in rest[:-1]}
    ingest(database(), tmp_path / "spool", list, keep, FAR)
    assert answered <= set(taken())


def _read_forever(app: APIFlask, folder: Path) -> None:
    """In a child that is going to be killed: with a database connection of its own."""
    from app.db import Database

    own = Database(app.extensions["letterbond.config"].database_url)
    ingesting.BATCH = 20
    while True:
        ingest(own, folder, list, keep, FAR)
