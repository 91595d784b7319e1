"""Reading ahead in a second process: the same import, whatever becomes of that process."""

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.db import database, reading
from app.importing import run, uploads
from app.importing.models import ImportReject, ImportState
from app.subscribers.models import Standing, Subscriber
from tests.app.importing.running import NOW, begin, books, bring_in, get, take_back, upload

OPTIONS = {"basis": "double_opt_in_elsewhere", "tags": ["fair"]}
# More than a pipe holds, so that the second process waits in the middle of it.
FILE = "email,name,birthday,optin_time,tags,status\n" + "".join(
    f"p{number % 390}@example.org,Anna {number:0150},{number % 28 + 1}.5.1990,2020-02-03 10:00,vip;press,active\n"
    + ('x@example.org,"Ber"ta,,,,\n' if number % 9 == 0 else "")
    for number in range(400)
)


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LARGE", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def _outcome(import_id: int) -> tuple[object, ...]:
    with reading() as session:
        people = select(Subscriber.address_key, Subscriber.last_name, Standing.birthday, Standing.confirmed_at)
        everybody = session.execute(people.join(Standing).order_by(Subscriber.address_key)).all()
        refused = select(ImportReject.line, ImportReject.reason, ImportReject.row).where(
            ImportReject.import_id == import_id
        )
        rejects = session.execute(refused.order_by(ImportReject.line)).all()
    done = get(import_id)
    return books(done), rejects, everybody, done.state


@pytest.mark.parametrize("dies", [False, True])
def test_a_second_process_makes_no_difference(app: APIFlask, *, dies: bool) -> None:
    import_id = upload(FILE, options=OPTIONS)
    begin(import_id)
    reader, busy, ahead = run.Reader(reads_ahead=True), True, []
    while busy:
        with database().bulk() as session:
            busy = run.advance(session, import_id, "test", uploads.uploads(), NOW, 40, reader)
        ahead.append(reader._ahead is not None)
        if dies and reader._ahead and len(ahead) == 3:
            reader._ahead._process.kill()
            reader._ahead._process.join()
    reader.close()
    assert all(ahead) is not dies
    assert ahead[0]
    outcome = _outcome(import_id)
    assert outcome[-1] is ImportState.DONE
    take_back(import_id)
    assert outcome == _outcome(bring_in(FILE, **OPTIONS).id)


def test_a_file_that_is_gone_is_said_to_be_gone(app: APIFlask) -> None:
    import_id = upload(FILE, options=OPTIONS)
    begin(import_id)
    (uploads.uploads() / get(import_id).file).unlink()
    with database().bulk() as session:
        run.advance(session, import_id, "test", uploads.uploads(), NOW, 40, reader := run.Reader(reads_ahead=True))
    reader.close()
    assert (get(import_id).state, get(import_id).rows) == (ImportState.FAILED, 0)
    assert "Upload it again" in (get(import_id).error or "")
