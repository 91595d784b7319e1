"""The architecture, asserted: rooms, floors, and a doorframe that every feature comes through."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ("app", "segments", "workers"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("dist", "data", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold(copy: Path) -> None:
    result = _lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "upward"),
    [
        ("segments/tier.py", "import app.db"),
        ("app/db.py", "import app.campaigns.models"),
        ("app/subscribers/signup.py", "import app.campaigns.models"),
        ("app/campaigns/schedule.py", "import app.delivery.models"),
        ("app/campaigns/schedule.py", "import workers.smtp"),
        ("app/outbox/post.py", "import smtplib"),
        ("app/reports/answers.py", "import app.surveys.kinds"),
        ("segments/score.py", "import flask"),
    ],
)
def test_a_planted_upward_import_is_found(copy: Path, file: str, upward: str) -> None:
    planted = copy / file
    planted.write_text(planted.read_text() + f"\n{upward}\n")
    result = _lint(copy)
    assert result.returncode != 0
    assert "BROKEN" in result.stdout


def test_a_new_folder_must_be_given_its_floor(copy: Path) -> None:
    (copy / "app" / "rewards").mkdir()
    (copy / "app" / "rewards" / "__init__.py").touch()
    assert _lint(copy).returncode != 0
