"""What came before in a file: the same as a dictionary of everything would say."""

import random

import pytest

from app.importing import repeats
from app.importing.repeats import Repeats


@pytest.mark.parametrize("seed", range(5))
def test_repeats_are_those_that_a_dictionary_knows(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    # So few pages that most of the keys lie on the disk.
    monkeypatch.setattr(repeats, "_SETUP", repeats._SETUP.replace("16384", "40"))
    dice = random.Random(seed)
    scratch, seen, line = Repeats(), dict[str, list[int]](), 1
    for _ in range(40):
        keys = [f"k{dice.randrange(8000)}" for _ in range(dice.randrange(400))]
        lines = [line := line + dice.randint(1, 3) for _ in keys]
        expected = {}
        for place, (key, at) in enumerate(zip(keys, lines, strict=True)):
            before = seen.setdefault(key, [])
            if before:
                expected[place] = (len(before), before[0])
            before.append(at)
        assert scratch.count(keys, lines) == expected
