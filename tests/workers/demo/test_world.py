"""The demo's shop: real orders in, none lost, always the same people."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from workers.demo.answers import write_answers
from workers.demo.world import SAMPLE, moved, people, person, read_purchases, write_orders


def test_the_sample_holds_every_order() -> None:
    purchases = read_purchases(SAMPLE)
    assert len(purchases) == 6919
    assert len(people(purchases)) == 2357
    assert sum(row.cents for row in purchases) == 24_409_194


def test_a_full_file_has_one_column_less(tmp_path: Path) -> None:
    file = tmp_path / "master.txt"
    file.write_text(" customer_id  date number_of_cds  dollar_value\n 00001 19970101  1   11.77\n")
    (row,) = read_purchases(file)
    assert (row.customer, row.day, row.quantity, row.cents) == (1, date(1997, 1, 1), 1, 1177)


@pytest.mark.parametrize("line", ["00001 19971301 1 11.77", "00001 19970101 one 11.77", "00001 19970101"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "broken.txt"
    file.write_text(line)
    with pytest.raises(ValueError, match="line 1"):
        read_purchases(file)


def test_the_last_order_was_yesterday_and_all_are_as_far_apart_as_they_were() -> None:
    purchases = read_purchases(SAMPLE)
    later = moved(purchases, date(2026, 11, 21))
    assert max(row.day for row in later) == date(2026, 11, 20)
    assert {new.day - old.day for new, old in zip(later, purchases, strict=True)} == {timedelta(days=10370)}


def test_a_number_is_always_the_same_person() -> None:
    assert person(4) == person(4)
    assert person(4).email == "reader00004@people.example"


def test_the_shop_export_keeps_the_sum(tmp_path: Path) -> None:
    purchases = read_purchases(SAMPLE)[:100]
    file = tmp_path / "orders.csv"
    write_orders(file, purchases)
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    assert round(sum(float(row[2]) for row in rows) * 100) == sum(row.cents for row in purchases)


def test_some_answer_kindly_and_none_tomorrow(tmp_path: Path) -> None:
    today = date(2026, 11, 21)
    file = tmp_path / "answers.csv"
    number = write_answers(file, moved(read_purchases(SAMPLE), today), today)
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == number > 900
    assert max(row["Responded at"] for row in rows) < "2026-11-21"
    assert {int(row["Score"]) for row in rows} <= set(range(11))
    score = 100 * sum((int(row["Score"]) > 8) - (int(row["Score"]) < 7) for row in rows) / number
    assert 10 < score < 60
