"""What some customers of the demo answered when they were asked how likely they are to recommend the shop.

Invented, as CDNOW asked nobody: of six orders one is answered a few days later, kindlier the more often somebody had
bought by then. Always the same answers to the same orders.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path

from workers.demo.world import Purchase, person, write_csv

_OF_256_ORDERS = 43
# By how often somebody had bought: the answers that one of ten gives.
_FIRST_TIME = (10, 9, 9, 8, 8, 7, 7, 6, 4, 2)
_AGAIN = (10, 10, 9, 9, 9, 8, 8, 7, 6, 3)
_OFTEN = (10, 10, 10, 10, 9, 9, 9, 8, 8, 5)
_WORDS = {
    "en": {
        9: ("Carefully packed, and the rain recordings are a joy.", "Best record shop I know.", ""),
        7: ("Fine, but the parcel took a week.", "Good prices. A little more jazz, please.", ""),
        0: ("The sleeve was bent.", "Two weeks without a word, then the wrong record.", ""),
    },
    "de": {
        9: ("Liebevoll verpackt, und der Nachtzug läuft hier ständig.", "Mein liebster Plattenladen!", ""),
        7: ("Gut, aber das Paket war eine Woche unterwegs.", "Schöne Auswahl. Gern mehr Jazz.", ""),
        0: ("Die Hülle war geknickt.", "Zwei Wochen nichts gehört, dann die falsche Platte.", ""),
    },
}


def write_answers(file: Path, purchases: Iterable[Purchase], today: date) -> int:
    """A CSV as a survey tool would export it; how many rows."""
    rows = list(_answers(sorted(purchases, key=lambda row: row.day), today))
    write_csv(file, ("Email", "Score", "Comment", "Responded at"), iter(rows), ",")
    return len(rows)


def _answers(purchases: Iterable[Purchase], today: date) -> Iterator[tuple[object, ...]]:
    bought: Counter[int] = Counter()
    for number, row in enumerate(purchases):
        bought[row.customer] += 1
        dice = blake2b(f"{number} {row.customer}".encode(), digest_size=8, person=b"answers").digest()
        on = row.day + timedelta(days=2 + dice[1] % 8)
        if dice[0] < _OF_256_ORDERS and on < today:
            who, score = person(row.customer), _score(bought[row.customer], dice[2])
            at = datetime.combine(on, time(8 + dice[3] % 14, dice[4] % 60, dice[5] % 60))
            yield who.email, score, _comment(who.language, score, dice[6]), f"{at:%Y-%m-%d %H:%M:%S}"


def _score(times: int, die: int) -> int:
    given = _FIRST_TIME if times == 1 else _AGAIN if times < 4 else _OFTEN
    return given[die % len(given)]


def _comment(language: str, score: int, die: int) -> str:
    least = next(least for least in (9, 7, 0) if score >= least)
    words = _WORDS[language][least]
    return words[die % len(words)]
