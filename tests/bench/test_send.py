"""The sending benchmark runs and writes the figures that others read."""

import json
from pathlib import Path

import pytest

from bench import send


def test_the_figures_are_written_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "_NAIVE_MESSAGES", 2)
    monkeypatch.setattr(send, "_BLASTER_MESSAGES", 200)
    file = tmp_path / "figures.json"
    words = ["--messages", "40", "--senders", "1", "--database", "sqlite", "--scenario", "7k", "--json", str(file)]
    assert send.main(words) == 0
    ((name, figures),) = json.loads(file.read_text()).items()
    assert name == "7k sqlite"
    wanted = {"messages_per_second", "cpu_us_per_message", "peak_rss_mb", "ratio_to_naive", "ratio_to_blaster"}
    assert set(figures) == wanted
    assert all(figures[key] > 0 for key in wanted - {"ratio_to_blaster"})
