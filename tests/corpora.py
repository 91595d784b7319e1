"""Real data that no one here wrote: the samples in tests/data, and the whole sets where they are at hand."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "tests" / "data"
WHOLE = ROOT.parent / "shared" / "corpora"


def corpus(name: str) -> Path:
    """The whole set if it lies beside the project, else the sample that ships with the tests."""
    whole = WHOLE / name
    return whole if whole.is_dir() else SAMPLES / name


def naughty_strings() -> list[str]:
    strings: list[str] = json.loads((corpus("naughty-strings") / "blns.json").read_text(encoding="utf-8"))
    return strings


def html_templates() -> list[Path]:
    return sorted(corpus("html-templates").rglob("*.html"))


def sample_templates() -> list[Path]:
    return sorted((SAMPLES / "html-templates").rglob("*.html"))
