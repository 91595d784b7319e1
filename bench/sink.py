"""A mail server that takes everything, writes down what it took before it says so, and goes wrong on demand.

    python -m bench.sink --port 2525 --log accepted.tsv --fault "dot:lose:0.01" --seed 7

It is the judge of every trial: what it accepted is what was sent, whatever a ledger says. It prints the address it
listens on, then nothing; on SIGTERM its counts as JSON. On SIGHUP it reads the faults of `--faults FILE` again and cuts
the connections that hang. Fast enough not to be what is measured: about 25 µs of CPU for a mail of 35 KB.
"""

import argparse
import asyncio
import json
import re
import signal
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.sink_dialogue import Dialogue
from bench.sink_faults import Fault, Faults
from bench.sink_log import Fsync, Log
from bench.sink_session import Session

_EXTENSIONS = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 36700160")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sink behaves. Times are seconds, `slow` is bytes a second, 0 means without."""

    log: Path
    host: str = "127.0.0.1"
    port: int = 0
    fsync: Fsync = Fsync.BATCH
    pipelining: bool = True
    latency: float = 0.0
    slow: float = 0.0
    greylist: float = 0.0
    connections: int = 0
    per_connection: int = 0
    security: str = "smtp"
    certificate: Path | None = None
    resets_tls: bool = False
    login: str = ""
    marks: re.Pattern[bytes] | None = None
    contents: Path | None = None
    faults: tuple[Fault, ...] = ()
    faults_file: Path | None = None
    seed: int = 0


class Sink:
    """The server: its clients, its log, its counts."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings, self.loop = settings, loop
        self.certificate = _context(settings.certificate)
        self.keeps = settings.contents is not None
        self.counts: Counter[str] = Counter()
        self._log = Log(settings.log, settings.fsync)
        self._contents = settings.contents.open("ab", buffering=0) if settings.contents else None
        self._clients: set[Dialogue] = set()
        self._owed: list[Dialogue] = []
        self._grey: dict[str, float] = {}
        self._faults: Faults | None = None
        self.read_faults()

    def read_faults(self) -> None:
        """Take the faults of the settings and of their file, and free the clients that hang."""
        file = self.settings.faults_file
        more = file.read_text().splitlines() if file and file.exists() else []
        faults = (*self.settings.faults, *(Fault.parse(line) for line in more if line.strip()))
        self._faults = Faults(faults, self.settings.seed) if faults else None
        for client in self._clients:
            client.wake()

    def strike(self, phase: str, recipient: str) -> str:
        """The fault of this moment; empty for none."""
        fault = self._faults.strike(phase, recipient) if self._faults else ""
        if fault:
            self.counts[f"{phase} {fault}"] += 1
        return fault

    def enter(self, client: Dialogue) -> bool:
        """Count a client; False if there are too many."""
        self._clients.add(client)
        self.counts["connections"] += 1
        self.counts["peak"] = max(self.counts["peak"], len(self._clients))
        return not self.settings.connections or len(self._clients) <= self.settings.connections

    def leave(self, client: Dialogue) -> None:
        """Forget a client."""
        self._clients.discard(client)

    def offers(self, client: Dialogue) -> list[str]:
        """What EHLO announces."""
        given = ["PIPELINING"] if self.settings.pipelining else []
        given += ["STARTTLS"] if self.settings.security == "smtp+starttls" and not client.is_secure else []
        given += ["AUTH PLAIN"] if self.settings.login else []
        return [*given, *_EXTENSIONS]

    def is_grey(self, recipient: str) -> bool:
        """Whether this recipient must wait: the first try opens the door after a while."""
        if not self.settings.greylist:
            return False
        since = self._grey.setdefault(recipient, time.monotonic())
        is_grey = time.monotonic() - since < self.settings.greylist
        self.counts["greylisted"] += is_grey
        return is_grey

    def keep(
        self, at: float, recipient: str, message_id: str, size: int, ending: str, marks: str, content: bytes
    ) -> None:
        """Put a mail into the next commit."""
        self.counts["accepted"] += 1
        self._log.add(at, recipient, message_id, size, ending, marks)
        if self._contents:
            self._contents.write(f"{recipient} {len(content)}\n".encode() + content)

    def owe(self, client: Dialogue) -> None:
        """Remember that a client waits for replies."""
        if not self._owed:
            self.loop.call_soon(self._commit)
        self._owed.append(client)

    def _commit(self) -> None:
        self._log.commit()
        owed, self._owed = self._owed, []
        for client in dict.fromkeys(owed):
            client.flush()


def _context(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def serve(settings: Settings) -> None:
    """Listen, say where, and take mail until SIGTERM."""
    loop = asyncio.get_running_loop()
    sink, stop = Sink(settings, loop), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGHUP, sink.read_faults)
    tls = sink.certificate if settings.security == "smtps" else None
    server = await loop.create_server(lambda: Session(sink), settings.host, settings.port, ssl=tls, backlog=1024)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"listening on {host}:{port}", flush=True)
    await stop.wait()
    server.close()
    print(json.dumps(sink.counts), flush=True)


def parse(words: Sequence[str] | None = None) -> Settings:
    """Settings from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description="A mail server for trials.")
    add = parser.add_argument
    add("--log", type=Path, required=True, help="file for a line per accepted mail")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 for any")
    add("--fsync", type=Fsync, choices=list(Fsync), default=Fsync.BATCH)
    add("--no-pipelining", dest="pipelining", action="store_false")
    add("--latency", type=float, default=0.0, help="seconds before each group of replies")
    add("--slow", type=float, default=0.0, help="read so many bytes a second")
    add("--greylist", type=float, default=0.0, help="seconds that a new recipient waits")
    add("--connections", type=int, default=0, help="most at a time")
    add("--per-connection", type=int, default=0, help="mails on one connection, then 421")
    add("--security", choices=("smtp", "smtp+starttls", "smtps"), default="smtp")
    add("--certificate", type=Path, help="PEM file with key and certificate")
    add("--resets-tls", action="store_true", help="cut each TLS handshake")
    add("--login", default="", help="user:password")
    add("--marks", type=lambda text: re.compile(text.encode()), help="regular expression: what to log of the content")
    add("--contents", type=Path, help="file for the contents")
    add("--fault", dest="faults", type=Fault.parse, action="append", default=[], help="PHASE:WHAT:RATE[:DOMAIN]")
    add("--faults", dest="faults_file", type=Path, help="file of faults, read again on SIGHUP")
    add("--seed", type=int, default=0)
    given = vars(parser.parse_args(words))
    return Settings(**{**given, "faults": tuple(given["faults"])})


def main() -> None:
    """Run."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parse()))


if __name__ == "__main__":
    main()
