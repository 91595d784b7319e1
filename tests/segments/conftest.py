"""Both databases for the tests of segments, loaded with the people of `tests.segments.people`."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from tests.postgres import create_database, running_postgres
from tests.segments import people


@pytest.fixture(scope="session")
def segments_postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = "sqlite://"
    else:
        url = create_database(request.getfixturevalue("segments_postgres"), "segments")
    made = create_engine(url)
    people.load(made)
    yield made
    made.dispose()
