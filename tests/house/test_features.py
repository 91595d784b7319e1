"""What the list of features promises of each of them."""

import re
from pathlib import Path

import pytest
from apiflask import APIFlask

from app import create_app
from app.config import SETTINGS, Config
from app.feature import House
from app.features import FEATURES
from app.queue import QUEUES

ROOT = Path(__file__).parents[2]
LEAVES = ("reports", "mailbox", "prediction", "surveys")


def test_every_folder_is_listed() -> None:
    folders = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert folders | {"health"} == {feature.name for feature in FEATURES}


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_leaf_can_be_taken_out(config: Config, leaf: str) -> None:
    app = create_app(config, House(tuple(feature for feature in FEATURES if feature.name != leaf)))
    answer = app.test_client().get("/login")
    assert answer.status_code == 200
    app.extensions["letterbond.database"].close()
    app.extensions["letterbond.redis"].close()


def test_every_job_has_a_queue_that_workers_serve(app: APIFlask) -> None:
    supervisor = (ROOT / "workers" / "parts.py").read_text() + (ROOT / "workers" / "supervisor.py").read_text()
    for queue in QUEUES:
        assert f'"{queue}"' in supervisor or "QUEUES" in supervisor, queue
    for timed in House(FEATURES).timetable:
        assert timed.job.queue in QUEUES


def test_every_event_kind_is_documented() -> None:
    documented = (ROOT / "docs" / "events.md").read_text()
    for kind in House(FEATURES).kinds.values():
        assert f"| {kind.code} | `{kind.name}` |" in documented, kind


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert set(documented) == set(SETTINGS)


def test_every_job_is_short() -> None:
    for file in (ROOT / "app").glob("*/jobs.py"):
        for body in re.split(r"^def ", file.read_text(), flags=re.MULTILINE)[1:]:
            lines = [line for line in body.splitlines()[1:] if line.strip() and not line.startswith(("@", "_"))]
            assert len(lines) <= 14, f"{file}: {body.splitlines()[0]}"
