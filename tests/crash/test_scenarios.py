"""The crash table in its short form: each promise once, on one database, judged by what the mail server accepted."""

from collections.abc import Iterator

import pytest

from tests.crash.scenarios import SCENARIOS, Scenario, Stand

_SHORT = [each for each in SCENARIOS if each.short]


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    stand = Stand()
    yield stand
    stand.close()


@pytest.mark.parametrize("scenario", _SHORT, ids=lambda each: each.name)
def test_the_promise_is_kept(scenario: Scenario, stand: Stand) -> None:
    assert scenario.short
    with stand.trial(scenario.short_on, seed=1) as one:
        verdict = scenario.run(one, scenario.short)
    assert not verdict.problems, verdict
