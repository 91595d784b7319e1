"""Reading CSV: the corpus, the places to go on from, and files that are broken in every known way (TRUST Q13)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.blocks import read_block
from app.importing.reading import MAX_CELL, Place, UnreadableError, records
from app.importing.sniffing import samples, sniff

CORPUS = Path(__file__).parents[2] / "data" / "csv-spectrum"
Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(content: bytes) -> Path:
        file = tmp_path / "file.csv"
        file.write_bytes(content)
        return file

    return _write


def _cells(file: Path, delimiter: str = ",", encoding: str = "utf-8") -> list[list[str]]:
    return [record.cells for record in records(file, encoding, delimiter)]


@pytest.mark.parametrize("csv", sorted(CORPUS.glob("*.csv")), ids=lambda csv: csv.stem)
def test_the_corpus_is_read_as_its_json_says(csv: Path) -> None:
    header, *rows = _cells(csv)
    expected = json.loads(csv.with_suffix(".json").read_text())

    def unbroken(row: dict[str, str]) -> dict[str, str]:
        return {name: value.replace("\r\n", "\n") for name, value in row.items()}

    assert [unbroken(dict(zip(header, row, strict=True))) for row in rows] == [unbroken(row) for row in expected]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encoding_and_delimiter_are_found(write: Write, encoding: str, delimiter: str) -> None:
    lines = [["E-Mail", "Vorname", "Betrag"], ["jörg@example.org", "Jörg", "1,5"], ["b@example.org", "Bärbel", "2,5"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in lines)
    layout = sniff(write(text.encode(encoding)))

    assert (layout.delimiter, layout.header) == (delimiter, lines[0])
    assert [sample.cells for sample in samples(write(text.encode(encoding)), layout)] == lines[1:]


def test_a_mark_of_utf16_is_believed(write: Write) -> None:
    layout = sniff(write("﻿name\nÄ\n".encode("utf-16-be")))
    assert (layout.encoding, layout.header, layout.start.line) == ("utf-16-be", ["name"], 1)


def test_a_megabyte_of_ascii_before_the_first_umlaut_does_not_deceive(write: Write) -> None:
    file = write(b"email,name\n" + b"a@example.org,Anna\n" * 70_000 + "b@example.org,J\xf6rg\n".encode("cp1252"))
    layout = sniff(file)
    assert layout.encoding == "cp1252"
    assert [*records(file, layout.encoding, layout.delimiter, layout.start)][-1].cells == ["b@example.org", "Jörg"]


def test_excels_separator_line_is_obeyed_and_not_taken_for_the_header(write: Write) -> None:
    layout = sniff(write(b"sep=;\r\nemail;name\r\na@example.org;x,y,z\r\n"))
    assert (layout.delimiter, layout.header, layout.start.line) == (";", ["email", "name"], 2)


@pytest.mark.parametrize("first", ["a@example.org,Anna", "1,2", "19970101,11.77", "Anna,€ 12"])
def test_a_first_row_of_values_is_no_header(write: Write, first: str) -> None:
    layout = sniff(write(f"{first}\n{first}\n".encode()))
    assert layout.header == ["Column 1", "Column 2"]
    assert layout.start == Place()


def test_a_header_alone_and_a_list_of_one_column_are_understood(write: Write) -> None:
    assert sniff(write(b"email,name\n")).header == ["email", "name"]
    assert sniff(write(b"email\na@example.org\n")).header == ["email"]


def test_an_empty_file_is_refused(write: Write) -> None:
    with pytest.raises(UnreadableError, match="empty"):
        sniff(write(b"\n \n"))


def test_lines_are_counted_as_an_editor_counts_them(write: Write) -> None:
    file = write(b'a,b\n"x\ny\nz",1\n\n,\nc,d\r\ne,f\rg,h\n')
    found = [(record.line, record.cells) for record in records(file, "utf-8", ",")]
    assert found == [
        (1, ["a", "b"]),
        (2, ["x\ny\nz", "1"]),
        (7, ["c", "d"]),
        (8, ["e", "f"]),
        (9, ["g", "h"]),
    ]


def test_an_unclosed_quote_costs_its_own_line_alone(write: Write) -> None:
    """TRUST Q13: the line where it opened is named; what stands before and after is kept."""
    file = write(b'a,1\nb,"2\nc,3\nd,4\n')
    found = list(records(file, "utf-8", ","))
    assert [record.cells for record in found] == [["a", "1"], [], ["c", "3"], ["d", "4"]]
    assert found[1].line == 2
    assert found[1].problem == "The quotation mark that opens in line 2 is never closed."


def test_the_line_of_a_quote_that_opens_in_a_long_record_is_found(write: Write) -> None:
    file = write(b'5" disk,"two\nlines","never\nc,3\n')
    broken, rest = records(file, "utf-8", ",")
    assert broken.problem == "The quotation mark that opens in line 2 is never closed."
    assert (rest.line, rest.cells) == (3, ["c", "3"])


def test_an_unclosed_quote_far_from_the_end_is_noticed(write: Write) -> None:
    file = write(b'b,"2\n' + b"c,3\n" * 100_000)
    found = list(records(file, "utf-8", ","))
    assert len(found) == 100_001
    assert found[0].problem
    assert all(record.cells == ["c", "3"] for record in found[1:])


def test_an_overlong_cell_is_refused_and_the_next_row_is_read(write: Write) -> None:
    file = write(b"a,b\n" + b"x" * (MAX_CELL + 1) + b",1\nc,d\n")
    first, long, last = records(file, "utf-8", ",")
    assert (first.problem, last.cells, last.line) == (None, ["c", "d"], 3)
    assert long.problem == f"A cell is longer than {MAX_CELL} characters."


def test_a_quote_in_mid_cell_and_a_nul_spoil_their_own_row(write: Write) -> None:
    file = write(b'a,1\n"b "x" y",2\nc\0,3\nd,4\n')
    found = list(records(file, "utf-8", ","))
    assert [bool(record.problem) for record in found] == [False, True, True, False]
    assert "NUL" in str(found[2].problem)


def test_bytes_that_are_no_letters_spoil_their_own_row(write: Write) -> None:
    found = list(records(write(b"a,1\nb\x81,2\nc\xe4,3\n"), "cp1252", ","))
    assert [bool(record.problem) for record in found] == [False, True, False]
    assert found[2].cells == ["cä", "3"]


def test_utf16_that_breaks_off_says_so_after_the_good_rows(write: Write) -> None:
    reader = records(write("a,1\nb,2\n".encode("utf-16-le") + b"c"), "utf-16-le", ",")
    assert next(reader).cells == ["a", "1"]
    with pytest.raises(UnreadableError, match="breaks off"):
        list(reader)


CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)


@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=8), data=st.data())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_reading_may_stop_after_any_record_and_go_on(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, rows: list[list[str]], data: st.DataObject
) -> None:
    text = "".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    file = tmp_path_factory.mktemp("csv") / "any.csv"
    file.write_bytes(text.encode(encoding))
    whole = list(records(file, encoding, ";"))
    assert [record.cells for record in whole] == [row for row in rows if any(cell.strip() for cell in row)]
    if whole:
        stop = data.draw(st.integers(0, len(whole) - 1))
        assert list(records(file, encoding, ";", whole[stop].end)) == whole[stop + 1 :]


def _by_blocks(file: Path, encoding: str, size: int) -> tuple[list[tuple[object, ...]], str | None]:
    place, found = Place(), []
    while True:
        block = read_block(file, encoding, ",", place, size)
        rows = zip(block.lines, block.cells, block.raws, strict=True)
        found += [(*row, block.problems.get(at)) for at, row in enumerate(rows)]
        place = block.end
        if block.is_last:
            return found, block.error


@given(
    content=st.text(st.sampled_from('ab"",,\n\r \0ä😀'), max_size=40),
    size=st.integers(1, 5),
    rest=st.binary(max_size=3),
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le"])
def test_blocks_are_the_records_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, content: str, size: int, rest: bytes
) -> None:
    file = tmp_path_factory.mktemp("csv") / "any.csv"
    file.write_bytes(content.encode(encoding, "ignore") + rest)
    single, error = [], None
    try:
        for record in records(file, encoding, ","):
            single.append((record.line, record.cells, record.raw, record.problem))  # noqa: PERF401 - it may break off
    except UnreadableError as unreadable:
        error = str(unreadable)
    found, broke = _by_blocks(file, encoding, size)
    # Of a record that cannot be taken, the cells say nothing.
    assert [(line, problem or cells, raw) for line, cells, raw, problem in found] == [
        (line, problem or cells, raw) for line, cells, raw, problem in single
    ]
    assert broke == error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 9, "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "not a text file"),
        (bytes(5000), "not a text file"),
        ("email\nanna@example.org\n".encode("utf-32"), "not a text file"),
    ],
)
def test_a_file_that_is_no_csv_is_called_what_it_is(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        sniff(write(content))


def test_a_byte_that_broke_costs_its_row_and_no_umlaut_of_the_others(write: Write) -> None:
    file = write("email,name\na@x.example,Jörg\nb@x.example,Bärbel\n".encode() + b"c@x.example,\xc3\nd@x.example,D\n")
    layout = sniff(file)
    found = list(records(file, layout.encoding, layout.delimiter, layout.start))
    assert layout.encoding == "utf-8"
    assert [record.cells[1] for record in found if not record.problem] == ["Jörg", "Bärbel", "D"]
    assert [record.line for record in found if record.problem] == [4]
    assert list(records(file, layout.encoding, layout.delimiter, found[2].end)) == found[3:]


def test_the_columns_of_a_spoilt_header_can_be_stored(write: Write) -> None:
    assert sniff(write(b"email,na\0me,\0,c\x81\n")).header == ["email", "name", "Column 3", "c"]
