"""The crash table in its short form: each promise once, on one database, judged by what the mail server accepted."""

from collections.abc import Iterator

import pytest

from tests.crash.nursery import Nursery
from tests.crash.scenarios import SCENARIOS, Scenario, trial

_SHORT = [each for each in SCENARIOS if each.short]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.mark.parametrize("scenario", _SHORT, ids=lambda each: each.name)
def test_the_promise_is_kept(scenario: Scenario, nursery: Nursery) -> None:
    assert scenario.short
    with trial(scenario.short_on, nursery, seed=1) as one:
        verdict = scenario.run(one, scenario.short)
    assert not verdict.problems, verdict
