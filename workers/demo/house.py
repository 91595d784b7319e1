"""A Letterbond to show: a home of its own, started as everybody starts it, and set up through its first page."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from workers.demo.client import DemoFailed

USER = "demo@letterbond.example"
_MARK = "demo"
_STARTED = re.compile(r"running at (\S+)(?:.*?(/setup/\S+))?")
_IMPRINT = (
    "Plattenladen am Fluss GmbH\nUferweg 12, 21335 Lüneburg\nGeschäftsführerin: Käthe Böhm\n"
    "hallo@plattenladen.example, +49 4131 555 0100\nHRB 4711, Amtsgericht Lüneburg, USt-IdNr. DE 123 456 789"
)


@dataclass(frozen=True, slots=True)
class Running:
    """A started Letterbond and a key to its API."""

    base_url: str
    key: str
    password: str


def fresh_home(home: Path) -> str:
    """Make room for a demo and give its password; what an earlier demo left goes, anything else is an error."""
    mark = home / _MARK
    if (home / "letterbond.db").exists() and not mark.exists():
        raise DemoFailed(
            f"{home} holds an installation that is not the demo's. "
            "Choose another place: LETTERBOND_HOME=var/demo make demo"
        )
    if mark.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(9)
    mark.write_text(f"{USER} {password}\n")
    return password


@contextmanager
def running(password: str) -> Iterator[Running]:
    """Start everything with `letterbond run`, set it up, and stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workers", "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        base_url, setup = _wait_until_started(process)
        if not setup:
            raise DemoFailed("The database has users already: the demo wants an empty one.")
        _set_up(base_url + setup, password)
        yield Running(base_url, _make_key(), password)
    finally:
        process.terminate()
        process.wait()


def _wait_until_started(process: "subprocess.Popen[str]") -> tuple[str, str | None]:
    said = []
    for line in process.stdout or ():
        if found := _STARTED.search(line):
            # What it says later is in its logs; read it all the same, or it would wait for a reader.
            Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            return found[1], found[2]
        said.append(line.strip())
    raise DemoFailed("Letterbond did not start: " + " ".join(said))


def _set_up(url: str, password: str) -> None:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with browser.open(url) as page:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
    if token is None:
        raise DemoFailed("The setup page shows no form.")
    given = {
        "csrf_token": token[1],
        "email": USER,
        "password": password,
        "organisation": "Plattenladen am Fluss",
        "locale": "en",
        "time_zone": "Europe/Berlin",
        "currency": "USD",
        "sender_name": "Plattenladen am Fluss",
        "sender_address": "hallo@plattenladen.example",
        "imprint": _IMPRINT,
    }
    with browser.open(url, urlencode(given).encode()) as answer:
        if "/setup/" in answer.url:
            raise DemoFailed("The setup was not accepted.")


def _make_key() -> str:
    command = [sys.executable, "-m", "workers", "api-key", "create", "demo"]
    made = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    found = re.search(r"lb_\S+", made.stdout)
    if found is None:
        raise DemoFailed("No API key was made: " + made.stderr)
    return found[0]
