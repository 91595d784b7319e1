"""Batches, kills, leases, cancelling: the books balance at every instant (TRUST Q13)."""

import io
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select, update

from app.config import Config
from app.db import reading, transaction
from app.errors import Conflict, Invalid, NotFound
from app.importing import run, states, uploads
from app.importing.jobs import go_on, ring
from app.importing.models import Import, ImportReject, ImportState
from app.subscribers.models import Standing, Status, Subscriber
from tests import make
from tests.app.importing.running import NOW, begin, books, bring_in, get, rejects, take_back, upload, work

ELSEWHERE = {"basis": "double_opt_in_elsewhere"}
WORKER = """
import sys
from app import create_app
from app.config import Config
app = create_app(Config.from_environment())
with app.app_context():
    from app.db import transaction, utc_now
    from app.importing import run, uploads
    while True:
        with transaction() as session:
            if not run.advance(session, int(sys.argv[1]), "worker", uploads.uploads(), utc_now(), 50):
                break
        print("batch", flush=True)
"""


def _rows(count: int, seed: int = 1) -> str:
    """About 3 % broken, 10 % repeats in other letters, 1 % of people who have left."""
    dice = random.Random(seed)
    lines = ["email;name;country"]
    for number in range(count):
        kind = dice.random()
        if kind < 0.03:
            lines.append(dice.choice([f"nobody{number};x;DE", f"p{number}@example.org;x;Mars", f"p{number}@x.org;x"]))
        elif kind < 0.13 and number:
            lines.append(f"P{dice.randrange(number)}@EXAMPLE.org;Someone;DE")
        elif kind < 0.14:
            lines.append(f"gone{dice.randrange(5)}@example.org;Gone;DE")
        else:
            lines.append(f'p{number}@example.org;"Anna\nNumber {number}";AT')
    return "\n".join(lines) + "\n"


def _gone() -> None:
    with transaction() as session:
        for number in range(5):
            make.subscriber(session, f"gone{number}@example.org", status=Status.UNSUBSCRIBED)


def _outcome(import_: Import) -> tuple[object, ...]:
    with reading() as session:
        columns = (Subscriber.address_key, Subscriber.first_name, Subscriber.last_name, Standing.status)
        people = session.execute(select(*columns).join(Standing).order_by(Subscriber.address_key)).all()
    return books(import_), rejects(import_), people


def test_the_books_balance_and_nobody_is_turned_back_on(app: APIFlask) -> None:
    """TRUST Q13: 3 % invalid, 10 % repeats, 1 % of people who have left."""
    _gone()
    done = bring_in(_rows(2000), **ELSEWHERE, size=300)
    assert done.rows == 2000 == done.new + done.changed + done.unchanged + done.rejected
    assert len(rejects(done)) == done.rejected > 60
    assert (done.state, done.position) == (ImportState.DONE, done.size)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == done.new + 5
        left = select(func.count()).select_from(Standing).where(Standing.status == Status.UNSUBSCRIBED)
        assert session.scalar(left) == 5


@pytest.mark.parametrize("seed", range(3))
def test_any_split_into_batches_gives_the_same_result(app: APIFlask, seed: int) -> None:
    _gone()
    whole = bring_in(_rows(150, seed), **ELSEWHERE)
    expected = _outcome(whole)
    assert take_back(whole.id).state is ImportState.UNDONE
    dice = random.Random(seed)
    import_id = upload(_rows(150, seed), options=ELSEWHERE)
    begin(import_id)
    while get(import_id).is_busy:
        work(import_id, size=dice.randint(1, 40), batches=1)
    assert _outcome(get(import_id)) == expected


def test_a_killed_worker_loses_nothing_and_doubles_nothing(app: APIFlask, config: Config, database_url: str) -> None:
    """TRUST Q13: kill -9 in mid-import; the next worker goes on behind the last batch."""
    _gone()
    import_id = upload(_rows(1200), options=ELSEWHERE)
    begin(import_id)
    work(import_id, size=1, batches=1)
    _free(import_id)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
        "LETTERBOND_HOME": str(config.home),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(import_id)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout
    for _ in range(3):
        assert worker.stdout.readline() == "batch\n"
    time.sleep(random.Random().random() / 20)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    middle = get(import_id)
    assert middle.state is ImportState.RUNNING
    assert 150 < middle.rows < 1200
    _free(import_id)
    work(import_id)
    resumed = _outcome(get(import_id))
    take_back(import_id)
    assert resumed == _outcome(bring_in(_rows(1200), **ELSEWHERE))


def _free(import_id: int) -> None:
    """What the clock does in a minute."""
    with transaction() as session:
        session.execute(update(Import).where(Import.id == import_id).values(lease_until=NOW - timedelta(days=9999)))


def test_two_workers_never_run_one_import(app: APIFlask) -> None:
    import_id = upload(_rows(100), options=ELSEWHERE)
    begin(import_id)
    with transaction() as session:
        assert run.advance(session, import_id, "first", uploads.uploads(), NOW, 10)
    with transaction() as session:
        assert not run.advance(session, import_id, "second", uploads.uploads(), NOW, 10)
        # Nor is the file read for nothing.
        assert run.free_import(session, import_id, "second") is None
        assert run.free_import(session, import_id, "first")
    assert get(import_id).rows == 10
    _free(import_id)
    with transaction() as session:
        assert run.advance(session, import_id, "second", uploads.uploads(), NOW, 10)
    assert get(import_id).rows == 20


def test_an_unclosed_quote_costs_one_row_of_the_import(app: APIFlask) -> None:
    done = bring_in('email,name\na@example.org,"Anna\nb@example.org,Berta\nc@example.org,Carla\n', **ELSEWHERE)
    assert books(done) == (2, 0, 0, 1)
    assert rejects(done) == [(2, "The quotation mark that opens in line 2 is never closed.")]


def test_a_nul_byte_is_shown_and_not_stored(app: APIFlask) -> None:
    done = bring_in(b"email,name\na\0@example.org,Anna\n", **ELSEWHERE)
    with reading() as session:
        assert session.scalars(select(ImportReject.row)).one() == "a␀@example.org,Anna"
    assert books(done) == (0, 0, 0, 1)


def test_a_file_that_breaks_off_fails_with_a_sentence_and_keeps_its_rows(app: APIFlask) -> None:
    done = bring_in("email\na@example.org\n".encode("utf-16-le") + b"x", **ELSEWHERE)
    assert (done.state, done.error) == (ImportState.FAILED, "The file breaks off in the middle of a letter.")
    assert books(done) == (1, 0, 0, 0)


def test_the_column_decides_what_a_date_means(app: APIFlask) -> None:
    rows = "a@example.org,03/04/1990\nb@example.org,25/12/1990\n"
    done = bring_in("email,birthday\n" + rows, **ELSEWHERE)
    assert (books(done), done.formats) == ((2, 0, 0, 0), {"1": "dmy"})
    undecided = bring_in("email,birthday\nc@example.org,03/04/1990\n", **ELSEWHERE)
    assert books(undecided) == (0, 0, 0, 1)
    assert "choose how this column writes dates" in rejects(undecided)[0][1]


@pytest.mark.parametrize("batches", [1, 10**9])
def test_a_column_is_asked_as_soon_as_a_cell_needs_it_and_not_before(app: APIFlask, batches: int) -> None:
    """Also by whoever goes on in the middle."""
    plain = bring_in("email,birthday\nx@example.org,25/12/1990\ny@example.org,13/01/1990\n", **ELSEWHERE)
    assert (books(plain), plain.formats) == ((2, 0, 0, 0), {})
    rows = "a@example.org,31.12.1990\nb@example.org,25/12/1990\nc@example.org,03/04/1990\nd@example.org,05/06/1990\n"
    import_id = upload("email,birthday\n" + rows, options=ELSEWHERE)
    begin(import_id)
    while get(import_id).is_busy:
        work(import_id, size=1, batches=batches)
    assert (books(get(import_id)), get(import_id).formats) == ((4, 0, 0, 0), {"1": "dmy"})
    with reading() as session:
        born = (
            select(Standing.birthday).join(Subscriber).where(Subscriber.email.in_(["c@example.org", "d@example.org"]))
        )
        assert session.scalars(born.order_by(Subscriber.id)).all() == [403, 605]


def test_what_was_chosen_by_hand_is_obeyed(app: APIFlask) -> None:
    import_id = upload("email,birthday\nc@example.org,03/04/1990\n", options=ELSEWHERE)
    with transaction() as session:
        states.set_mapping(session, import_id, {"0": "email", "1": "birthday"}, {"1": "mdy"})
    begin(import_id)
    work(import_id)
    with reading() as session:
        assert session.scalars(select(Standing.birthday)).one() == 304


def test_a_cancelled_import_stops_and_can_be_taken_back(app: APIFlask) -> None:
    import_id = upload(_rows(100), options=ELSEWHERE)
    begin(import_id)
    work(import_id, size=10, batches=1)
    with transaction() as session:
        states.cancel(session, import_id, NOW)
    work(import_id, size=10)
    assert (get(import_id).state, get(import_id).rows) == (ImportState.CANCELLED, 10)
    assert take_back(import_id).state is ImportState.UNDONE
    with reading() as session:
        assert not session.scalar(select(func.count()).select_from(Subscriber))


def test_no_step_can_be_taken_twice(app: APIFlask) -> None:
    done = bring_in("email\na@example.org\n", **ELSEWHERE)
    with transaction() as session, pytest.raises(Conflict):
        states.start(session, done.id, NOW)
    take_back(done.id)
    with transaction() as session, pytest.raises(Conflict):
        states.undo(session, done.id)


def test_the_timetable_goes_on_with_what_nobody_finished_and_deletes_what_nobody_needs(app: APIFlask) -> None:
    import_id = upload("email\na@example.org\n", options=ELSEWHERE)
    file = uploads.uploads() / get(import_id).file
    begin(import_id)
    ring()
    queued = app.extensions["letterbond.redis"].lrange("rq:queue:long", 0, -1)
    assert len(queued) == 1
    assert file.exists()
    go_on(import_id)
    assert get(import_id).state is ImportState.DONE
    ring()
    assert not file.exists()


READER = """
import sys
from pathlib import Path
from app.importing.blocks import read_block
from app.importing.reading import records
from app.importing.sniffing import sniff
file = Path(sys.argv[1])
layout = sniff(file)
count = sum(1 for _ in records(file, layout.encoding, layout.delimiter, layout.start))
place, is_last = layout.start, False
while not is_last:
    block = read_block(file, layout.encoding, layout.delimiter, place, 1000)
    place, is_last, count = block.end, block.is_last, count + len(block.cells)
# Not what `resource` says, which begins with the memory of whoever started this.
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(count, peak)
"""


def test_memory_stays_flat(tmp_path: Path) -> None:
    """TRUST Q13: four times the rows take no more memory."""
    peaks = []
    for count in (40_000, 160_000):
        file = tmp_path / f"{count}.csv"
        with file.open("w", encoding="cp1252") as stream:
            stream.write("email;name\n")
            stream.writelines(f"person{number}@example.org;Jörg Müller {number}\n" for number in range(count))
        answer = subprocess.run([sys.executable, "-c", READER, file], capture_output=True, text=True, check=True)
        read, peak = map(int, answer.stdout.split())
        assert read == 2 * count
        peaks.append(peak)
    # Kilobytes; the rows between them are ten thousand. When garbage is collected moves it by four.
    assert peaks[1] - peaks[0] < 6_000


def test_a_spoilt_header_and_file_name_are_stored(app: APIFlask) -> None:
    """PostgreSQL takes neither NUL nor half a letter."""
    name = uploads.keep(io.BytesIO(b"email,na\0me,c\x81\nanna@example.org,Anna,x\n"))
    with transaction() as session:
        import_ = uploads.take_in(session, "subscribers", name, "../../etc/na\0me\udcff.csv", NOW)
    assert get(import_.id).header == ["email", "name", "c"]
    assert get(import_.id).file_name == "../../etc/name.csv"
    assert (uploads.uploads() / get(import_.id).file).exists()


def test_a_file_of_a_kind_that_is_not_there_does_not_stay(app: APIFlask) -> None:
    name = uploads.keep(io.BytesIO(b"email\nanna@example.org\n"))
    with pytest.raises(NotFound), transaction() as session:
        uploads.take_in(session, "elephants", name, "people.csv", NOW)
    assert list(uploads.uploads().iterdir()) == []


def test_a_format_that_there_is_not_is_refused_before_a_worker_meets_it(app: APIFlask) -> None:
    import_id = upload("email,birthday\nanna@example.org,1/2/1990\n")
    mapping = get(import_id).mapping
    with pytest.raises(Invalid, match="ymd"), transaction() as session:
        states.set_mapping(session, import_id, mapping, {"1": "ymd"})
    # What was chosen for a date is left behind when the column becomes another.
    with transaction() as session:
        states.set_mapping(session, import_id, mapping, {"0": "dmy", "1": ",", "7": "mdy"})
    assert get(import_id).formats == {}
    begin(import_id)
    work(import_id)
    assert get(import_id).state is ImportState.DONE


def test_orders_of_impossible_size_cost_their_row_alone(app: APIFlask) -> None:
    with transaction() as session:
        make.subscriber(session, "anna@example.org")
    lines = ["9999999999999999,1", "5,99999999999999999999", '"1\n2",1', "5,1"]
    rows = "".join(f"anna@example.org,2026-01-01,{line}\n" for line in lines)
    done = bring_in("email,date,amount,quantity\n" + rows, kind="orders")
    assert (done.state, books(done)) == (ImportState.DONE, (1, 0, 0, 3))
