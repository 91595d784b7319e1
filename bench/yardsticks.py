"""What sending is measured by: the physical limit above, the naive way below; in the same minute, to the same sink.

The limit is a C program that pushes one pre-built message through epoll (`blaster.c`), compiled when it is asked for.
The naive way is what one writes in an afternoon: render the template, premailer, EmailMessage, smtplib; no ledger, one
process, one connection.
"""

import json
import smtplib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from shutil import which
from typing import Any

from jinja2 import Environment
from premailer import Premailer

from app.campaigns.filters import FILTERS
from app.campaigns.layouts import Layout
from app.campaigns.sandbox import INTERNAL
from bench.letters import person_values
from bench.processes import cpu_seconds
from bench.sink_process import SinkProcess

_SOURCE = Path(__file__).parent / "blaster.c"
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Messages a second, and microseconds of CPU a message: the client's and the sink's."""

    per_second: float
    cpu_us: float
    sink_cpu_us: float


def has_compiler() -> bool:
    """Whether the blaster can be built here."""
    return which("cc") is not None


def blaster(folder: Path, letter: Layout, messages: int) -> Yardstick:
    """The physical limit, for this letter's finished size."""
    program, file = folder / "blaster", folder / "message"
    subprocess.run(["cc", "-O2", "-o", program, _SOURCE], check=True)
    file.write_bytes(naive_message(letter)(1).as_bytes(policy=SMTP) + b".\r\n")
    with SinkProcess(_fresh(folder)) as sink:
        before = cpu_seconds(sink.pid)
        words = [program, str(sink.port), str(_CONNECTIONS), str(messages), file]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout)
        return Yardstick(
            found["messages"] / found["seconds"],
            found["cpu_seconds"] / messages * 1e6,
            (cpu_seconds(sink.pid) - before) / messages * 1e6,
        )


def naive(folder: Path, letter: Layout, messages: int) -> Yardstick:
    """The naive way."""
    compose = naive_message(letter)
    with SinkProcess(_fresh(folder)) as sink:
        before, began, started = cpu_seconds(sink.pid), time.process_time(), time.perf_counter()
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            for number in range(1, messages + 1):
                client.send_message(compose(number))
        return Yardstick(
            messages / (time.perf_counter() - started),
            (time.process_time() - began) / messages * 1e6,
            (cpu_seconds(sink.pid) - before) / messages * 1e6,
        )


def naive_message(letter: Layout) -> Callable[[int], EmailMessage]:
    """What makes the mail of reader `number` the naive way."""
    environment = Environment(autoescape=True)
    environment.filters.update(FILTERS | INTERNAL)
    subject, html = environment.from_string(letter.subject), environment.from_string(letter.html)

    def compose(number: int) -> EmailMessage:
        values: dict[str, Any] = person_values(number)
        token = f"https://news.shop.example/c/{number:040}"
        values |= {"unsubscribe_url": f"{token}/u", "preferences_url": f"{token}/p"}
        page = Premailer(html.render(values), allow_network=False, disable_validation=True).transform()
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = "Teehaus Lindenhof <post@shop.example>", values["email"]
        mail["Subject"], mail["Message-ID"] = subject.render(values), f"<naive.{number}@shop.example>"
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail.set_content("Hello\n" * 200, cte="quoted-printable")
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        return mail

    return compose


def _fresh(folder: Path) -> Path:
    place = folder / f"sink-{time.monotonic_ns()}"
    place.mkdir()
    return place
