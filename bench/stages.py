"""Where a sender's CPU goes, by samples of its stacks (py-spy): reading, composing, SMTP, journal, ledger.

A sample belongs to the stage of its deepest frame that has one: SQLAlchemy under `message.py` is reading, under
`ledger.py` it is the ledger.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

_RATE = 200
_STAGES = (
    ("journal", re.compile(r"app/delivery/journal")),
    ("ledger", re.compile(r"app/delivery/(ledger|clerk|results|batch|shards|recover|watch|brake|reap|trouble|bounce)")),
    ("read", re.compile(r"merge_context|merge_tags|app/delivery/message")),
    ("sign", re.compile(r"app/dkim|app/accounts/signing")),
    ("compose", re.compile(r"app/(campaigns/|mail|quoted|encoded_words|tokens)|jinja2|markupsafe|<template>")),
    ("SMTP", re.compile(r"workers/smtp|smtplib|asyncio/|uvloop|ssl\.py")),
    ("pipeline", re.compile(r"app/delivery/(send|pipeline|jobs)")),
)


class Sampler:
    """Samples one process until it ends."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._file = folder / f"stacks-{pid}"
        program = Path(sys.executable).parent / "py-spy"
        options = ["--format", "raw", "--rate", str(_RATE), "--nonblocking", "--full-filenames", "--output", self._file]
        command = [program, "record", "--pid", str(pid), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def shares(self) -> dict[str, float]:
        """The share of each stage, the largest first; call it when the process has ended."""
        self._process.wait(60)
        counted: Counter[str] = Counter()
        for line in self._file.read_text().splitlines():
            stack, _, times = line.rpartition(" ")
            # Reading a process that runs on, py-spy now and then takes something else for a stack.
            if times.isdecimal():
                counted[_stage(stack)] += int(times)
        return {stage: times / counted.total() for stage, times in counted.most_common()}


def _stage(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        for name, pattern in _STAGES:
            if pattern.search(frame):
                return name
    return "other"
