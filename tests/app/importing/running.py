"""Imports in tests: from bytes to the end, in this process."""

import io
from datetime import datetime
from typing import Any

from app.db import reading, transaction
from app.importing import run, states, uploads
from app.importing.models import Import, ImportReject, ImportState

NOW = datetime.fromisoformat("2026-11-21T12:00:00+00:00")


def upload(content: bytes | str, kind: str = "subscribers", options: dict[str, Any] | None = None) -> int:
    """The id of a fresh import."""
    raw = content.encode() if isinstance(content, str) else content
    name = uploads.keep(io.BytesIO(raw))
    with transaction() as session:
        import_ = uploads.take_in(session, kind, name, "people.csv", NOW)
        if options is not None:
            states.set_options(session, import_.id, options)
    return import_.id


def work(import_id: int, size: int = run.BATCH, batches: int = 10**9) -> None:
    """Do what a worker does, in batches of `size`, at most so many."""
    reader = run.Reader()
    for _ in range(batches):
        with transaction() as session:
            if not run.advance(session, import_id, "test", uploads.uploads(), NOW, size, reader):
                return


def begin(import_id: int, state: ImportState = ImportState.RUNNING) -> None:
    with transaction() as session:
        {ImportState.RUNNING: states.start, ImportState.CHECKING: states.check}[state](session, import_id, NOW)


def bring_in(content: bytes | str, kind: str = "subscribers", size: int = run.BATCH, **options: Any) -> Import:
    """Upload and run."""
    import_id = upload(content, kind, options)
    begin(import_id)
    work(import_id, size)
    return get(import_id)


def dry_run(content: bytes | str, kind: str = "subscribers", size: int = run.BATCH, **options: Any) -> Import:
    import_id = upload(content, kind, options)
    begin(import_id, ImportState.CHECKING)
    work(import_id, size)
    return get(import_id)


def take_back(import_id: int, size: int = run.BATCH) -> Import:
    with transaction() as session:
        states.undo(session, import_id)
    work(import_id, size)
    return get(import_id)


def get(import_id: int) -> Import:
    with reading() as session:
        return states.find_import(session, import_id)


def books(import_: Import) -> tuple[int, int, int, int]:
    return import_.new, import_.changed, import_.unchanged, import_.rejected


def rejects(import_: Import) -> list[tuple[int, str]]:
    with reading() as session:
        found = session.query(ImportReject).filter_by(import_id=import_.id).order_by(ImportReject.line)
        return [(each.line, each.reason) for each in found]
