"""Each notation with its meaning, and the ones that have two."""

from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.importing.values import (
    DateOrder,
    DecimalSign,
    Habits,
    date_evidence,
    number_evidence,
    only_one,
    parse_amount,
    parse_day,
    parse_flag,
    parse_moment,
    parse_number,
    parse_whole,
)

BERLIN = Habits(zone=ZoneInfo("Europe/Berlin"))
UNKNOWN = Habits()


@pytest.mark.parametrize(
    "text", ["2026-12-31", "31.12.2026", "31. 12. 2026", "31/12/2026", "12/31/2026", "20261231", " 2026/12/31 "]
)
def test_a_day_is_read_in_every_notation_that_has_one_meaning(text: str) -> None:
    assert parse_day(text, UNKNOWN) == date(2026, 12, 31)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "31.02.2026", "2026-13-01", "31.12.26", "0000-01-01", "2026123", "1/2", "99999999"]
)
def test_what_is_no_date_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Invalid, match="is not a date like"):
        parse_day(text, UNKNOWN)


def test_a_date_with_two_meanings_is_read_as_its_column_says_or_not_at_all() -> None:
    assert parse_day("03/04/2026", Habits(DateOrder.DAY_FIRST)) == date(2026, 4, 3)
    assert parse_day("03/04/2026", Habits(DateOrder.MONTH_FIRST)) == date(2026, 3, 4)
    with pytest.raises(Invalid, match="may mean two days"):
        parse_day("03/04/2026", UNKNOWN)
    with pytest.raises(Invalid, match="is not a date"):
        parse_day("12/31/2026", Habits(DateOrder.DAY_FIRST))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01", datetime(2026, 5, 31, 22, tzinfo=UTC)),
        ("01.06.2026 10:30", datetime(2026, 6, 1, 8, 30, tzinfo=UTC)),
        ("01.12.2026, 10:30 Uhr", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
        ("2026-06-01T10:30:15Z", datetime(2026, 6, 1, 10, 30, 15, tzinfo=UTC)),
        ("2026-06-01 10:30:15.123 +05:30", datetime(2026, 6, 1, 5, 0, 15, tzinfo=UTC)),
        ("2026-06-01T10:30:15-0800", datetime(2026, 6, 1, 18, 30, 15, tzinfo=UTC)),
        ("12/31/2026 12:05 AM", datetime(2026, 12, 30, 23, 5, tzinfo=UTC)),
        ("12/31/2026 1:05 pm", datetime(2026, 12, 31, 12, 5, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_in_the_organisations(text: str, expected: datetime) -> None:
    assert parse_moment(text, BERLIN) == expected


@pytest.mark.parametrize("text", ["2026-06-01 25:00", "2026-06-01 13:00 pm", "10:30", "2026-06-01T10:30+99:00"])
def test_a_wrong_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_moment(text, BERLIN)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1.234,56", 123456),
        ("1,234.56", 123456),
        ("1234.5", 123450),
        ("1234,5", 123450),
        ("€ 12", 1200),
        ("12,00 EUR", 1200),
        ("12,00\u00a0€", 1200),
        ("EUR 1 234,50", 123450),
        ("1'234.50", 123450),
        ("1.234.567", 123456700),
        ("-3", -300),
        ("-€ 3,10", -310),
        ("€-3,10", -310),
        ("3,10-", -310),
        ("(3.10)", -310),
        ("−3", -300),
        ("12.3400", 1234),
        ("0", 0),
    ],
)
def test_money_is_read_in_every_notation_that_has_one_meaning(text: str, minor: int) -> None:
    assert parse_amount(text, UNKNOWN) == minor


def test_money_with_two_meanings_is_read_as_its_column_says_or_not_at_all() -> None:
    assert parse_amount("1.234", Habits(sign=DecimalSign.COMMA)) == 123400
    with pytest.raises(Invalid, match="more than two decimal places"):
        parse_amount("1.234", Habits(sign=DecimalSign.POINT))
    with pytest.raises(Invalid, match="may mean two numbers"):
        parse_amount("1.234", UNKNOWN)


@pytest.mark.parametrize(
    "text", ["twelve", "1.2.3", "1,,2", "--3", "1.23,45,6", "", "€", "1" * 30, "NaN", "1e5", "0.123,00"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_amount(text, UNKNOWN)


def test_another_currency_is_refused() -> None:
    with pytest.raises(Invalid, match="is not in EUR"):
        parse_amount("$12", UNKNOWN)
    assert parse_amount("$12", Habits(currency="USD")) == 1200
    assert parse_amount("12 CHF", Habits(currency="CHF")) == 1200


def test_a_number_against_the_habit_of_its_column_is_refused() -> None:
    with pytest.raises(Invalid, match="does not fit"):
        parse_amount("12.5", Habits(sign=DecimalSign.COMMA))


@given(minor=st.integers(-(10**12), 10**12))
def test_money_written_in_either_style_is_read_back(minor: int) -> None:
    english = f"{minor / 100:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert parse_amount(english, UNKNOWN) == parse_amount(german, UNKNOWN) == minor


def test_numbers_are_whole_where_they_can_be() -> None:
    assert (parse_number("3,0", UNKNOWN), parse_number("3,5", UNKNOWN)) == (3, 3.5)
    assert parse_whole("1 000", UNKNOWN) == 1000
    with pytest.raises(Invalid, match="whole number"):
        parse_whole("1,5", UNKNOWN)


def test_flags_speak_both_languages() -> None:
    assert [parse_flag(word, UNKNOWN) for word in ("Ja", "yes", "1", "nein", "NO", "0")] == [True] * 3 + [False] * 3
    with pytest.raises(Invalid, match="neither yes nor no"):
        parse_flag("vielleicht", UNKNOWN)


def test_a_column_decides_for_its_cells_unless_it_contradicts_itself() -> None:
    assert only_one(map(date_evidence, ["03/04/2026", "13/04/2026 10:00", "x"])) is DateOrder.DAY_FIRST
    assert only_one(map(date_evidence, ["03/04/2026", "05/05/2026"])) is None
    assert only_one(map(date_evidence, ["13/04/2026", "04/13/2026"])) is None
    assert only_one(map(number_evidence, ["1.234", "€ 1,50", "7"])) is DecimalSign.COMMA
    assert only_one(map(number_evidence, ["1.234", "7"])) is None


@pytest.mark.parametrize("text", ["12\n345", "12\r\n34", "1\n", "\n"])
def test_a_cell_of_several_lines_is_no_number(text: str) -> None:
    assert number_evidence(text) is None
    if text.strip() == "1":
        assert parse_amount(text, UNKNOWN) == 100
    else:
        with pytest.raises(Invalid):
            parse_amount(text, UNKNOWN)


@given(text=st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_amount, parse_number, parse_whole, parse_day, parse_moment):
        with suppress(Invalid):
            read(text, UNKNOWN)
    number_evidence(text)
    date_evidence(text)


@pytest.mark.parametrize("text", ["9" * 14, "99999999999999999999", "9.999.999.999.999,99"])
def test_money_beyond_counting_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="too large"):
        parse_amount(text, UNKNOWN)


def test_numbers_are_as_large_as_the_database_and_floats_can_hold() -> None:
    assert parse_number("4006381333931", UNKNOWN) == 4_006_381_333_931
    with pytest.raises(Invalid, match="too large"):
        parse_whole("9" * 19, UNKNOWN)
