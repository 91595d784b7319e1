"""The command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.accounts.keys import find_key
from app.config import SETTINGS
from app.db import Database, utc_now
from workers.__main__ import commands

ROOT = Path(__file__).parents[2]


def letterbond(home: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {"LETTERBOND_HOME": str(home), **settings}
    command = [sys.executable, "-m", "workers", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


def test_an_api_key_is_printed_once_and_valid(tmp_path: Path) -> None:
    """S17."""
    assert letterbond(tmp_path, "migrate").returncode == 0
    made = letterbond(tmp_path, "api-key", "create", "shop")
    assert made.returncode == 0
    key = made.stdout.strip()
    assert re.fullmatch(r"lb_\S{40,}", key)
    database = Database(f"sqlite:///{tmp_path / 'letterbond.db'}")
    with database.transaction() as session:
        row = find_key(session, key, utc_now())
        assert row
        assert row.name == "shop"
    database.close()
    assert key.encode() not in (tmp_path / "letterbond.db").read_bytes()


@pytest.mark.parametrize("command", ["run", "web", "work", "timetable", "mailbox", "migrate", "api-key"])
def test_every_command_explains_itself(command: str) -> None:
    said = CliRunner().invoke(commands, [command, "--help"])
    assert said.exit_code == 0
    assert "Usage:" in said.output


def test_there_is_no_worker_for_a_queue_that_does_not_exist(tmp_path: Path) -> None:
    made = letterbond(tmp_path, "work", "nothing")
    assert made.returncode == 2
    assert "'nothing' is not one of 'quick', 'long', 'send'" in made.stderr
