"""The uploaded files: kept until their import has ended, then deleted, for they hold people's data.

Not in charge of: reading them (`reading.py`).
"""

import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import Invalid, NotFound
from app.feature import house
from app.importing.columns import recognise
from app.importing.models import BUSY, Import, ImportState
from app.importing.reading import Place, UnreadableError
from app.importing.sniffing import Layout, samples, sniff

_CHUNK = 1 << 20
_NO_TEXT = re.compile("[\0-\x1f\ud800-\udfff]")
# An upload that nobody went on with.
_FORGOTTEN = timedelta(days=7)
_WAITING = (ImportState.UPLOADED, ImportState.CHECKED)


def uploads() -> Path:
    """Where they lie."""
    folder: Path = current_app.extensions["letterbond.config"].uploads
    return folder


def keep(stream: IO[bytes]) -> str:
    """Write an upload to disk, in pieces, and name it."""
    name = f"{secrets.token_hex(16)}.csv"
    with (uploads() / name).open("wb") as file:
        while chunk := stream.read(_CHUNK):
            file.write(chunk)
    return name


def take_in(session: Session, kind: str, file: str, file_name: str, now: datetime) -> Import:
    """A new import of a kept file, its columns recognised; Invalid (and the file gone) when nothing can be read."""
    importer = house().importers.get(kind)
    path = uploads() / file
    if importer is None:
        path.unlink()
        raise NotFound(_("Nothing of this kind can be imported."))
    try:
        layout = sniff(path)
    except UnreadableError as error:
        path.unlink()
        raise Invalid(str(error), {"file": str(error)}) from error
    import_ = Import(
        kind=kind,
        file_name=_NO_TEXT.sub("", file_name)[-300:],
        file=file,
        size=path.stat().st_size,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        header=layout.header,
        mapping=recognise(layout.header, importer.columns(session)),
        options=importer.options().model_dump(mode="json"),
        start_position=layout.start.position,
        start_line=layout.start.line,
        position=layout.start.position,
        line=layout.start.line,
        created_at=now,
    )
    session.add(import_)
    session.flush()
    return import_


def first_rows(import_: Import, count: int = 5) -> list[list[str]]:
    """A few rows, to be shown beside the columns' names."""

    start = Place(import_.start_position, import_.start_line)
    layout = Layout(import_.encoding, import_.delimiter, import_.header, start)
    try:
        return [record.cells for record in samples(uploads() / import_.file, layout, count)]
    except (FileNotFoundError, UnreadableError):
        return []


def clear_away(session: Session, now: datetime) -> list[Path]:
    """Give up forgotten uploads, and name the files that no import needs any more, to be deleted after the commit."""
    forgotten = (Import.state.in_(_WAITING), Import.created_at < now - _FORGOTTEN)
    session.execute(update(Import).where(*forgotten).values(state=ImportState.CANCELLED, finished_at=now))
    needless = (Import.state.not_in((*BUSY, *_WAITING)), Import.file != "")
    files = session.scalars(select(Import.file).where(*needless)).all()
    session.execute(update(Import).where(*needless).values(file=""))
    return [uploads() / file for file in files]
