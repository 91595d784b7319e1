"""Sending, end to end: real senders, real ledger, a real mail server beside them on the same machine.

    python -m bench send [--messages 20000] [--senders 2] [--database sqlite] [--scenario 34k …] [--json FILE]

In charge of: the scenarios and the table. Not of: what is compared (`yardsticks.py`) and how one run is measured
(`sending.py`).
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.letters import letter_7k, letter_34k
from bench.sending import DATABASES, Plan, Run, run
from bench.yardsticks import Yardstick, blaster, has_compiler, naive

PLANS = {
    "34k": Plan(letter_34k),
    "34k-rsa2048": Plan(letter_34k, dkim="rsa"),
    "34k-ed25519": Plan(letter_34k, dkim="ed25519"),
    "7k": Plan(letter_7k),
    "34k-rtt50": Plan(letter_34k, latency=0.05, connections=128, share=0.5),
    "7k-queued10k": Plan(letter_7k, orders=0, queued=10_000),
    "7k-queued1m": Plan(letter_7k, orders=0, queued=1_000_000),
}
# Premailer for each person: a hundred take two seconds.
_NAIVE_MESSAGES = 100
_BLASTER_MESSAGES = 40_000
_HEAD = (
    f"{'scenario':<14}{'database':<12}{'messages':>9}{'per s':>9}{'sender µs':>11}{'sink µs':>9}{'db µs':>8}"
    f"{'peak MB':>9}{'× naive':>9}{'blaster':>9}{'launch s':>10}"
)


def main(words: Sequence[str]) -> int:
    """Measure what is asked for."""
    asked = _parse(words)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {asked.senders} senders, sink on the same machine")
    with tempfile.TemporaryDirectory(prefix="letterbond-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        limits, naives = _yardsticks(folder, asked)
        found = {}
        print(_HEAD, flush=True)
        for scenario in asked.scenario:
            plan = PLANS[scenario]
            for database in asked.database:
                done = run(plan, database, folder, asked.senders, asked.messages, stages=asked.stages)
                key = plan.letter().name
                print(_line(scenario, database, done, naives[key], limits.get(key)), flush=True)
                found[f"{scenario} {database}"] = _as_json(done, naives[key], limits.get(key))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _yardsticks(folder: Path, asked: argparse.Namespace) -> tuple[dict[str, Yardstick], dict[str, Yardstick]]:
    letters = {plan.letter().name: plan.letter() for plan in (PLANS[name] for name in asked.scenario)}
    naives = {name: naive(folder, letter, _NAIVE_MESSAGES) for name, letter in letters.items()}
    limits = {}
    if has_compiler():
        limits = {name: blaster(folder, letter, _BLASTER_MESSAGES) for name, letter in letters.items()}
    else:
        print("there is no C compiler (cc): the share of the blaster's rate is left out")
    for kind, measured in (("blaster", limits), ("naive", naives)):
        for name, each in measured.items():
            cost = f"{each.cpu_us:,.1f} µs, sink {each.sink_cpu_us:.1f} µs"
            print(f"{kind} {name}: {each.per_second:,.0f} messages/s, {cost} a message")
    return limits, naives


def _ratio_to_naive(done: Run, yardstick: Yardstick) -> float:
    """Per core: messages for one second of CPU, the sink's and the database's share counted on both sides."""
    return (yardstick.cpu_us + yardstick.sink_cpu_us) / done.cpu_us


def _line(scenario: str, database: str, done: Run, low: Yardstick, high: Yardstick | None) -> str:
    share = f"{done.per_second / high.per_second:>9.1%}" if high else f"{'':>9}"
    numbers = f"{done.messages:>9,}{done.per_second:>9,.0f}{done.sender_us:>11,.0f}{done.sink_us:>9,.0f}"
    costs = f"{done.database_us:>8,.0f}{done.peak_mb:>9,.0f}{_ratio_to_naive(done, low):>9,.1f}"
    stages = "".join(f"\n    {name:<10}{part * done.sender_us:>8,.0f} µs" for name, part in done.stages.items())
    return f"{scenario:<14}{database:<12}{numbers}{costs}{share}{done.launch_seconds:>10.2f}{stages}"


def _as_json(done: Run, low: Yardstick, high: Yardstick | None) -> dict[str, float | None]:
    return {
        "messages_per_second": round(done.per_second, 1),
        "cpu_us_per_message": round(done.sender_us, 1),
        "peak_rss_mb": round(done.peak_mb, 1),
        "ratio_to_naive": round(_ratio_to_naive(done, low), 2),
        "ratio_to_blaster": round(done.per_second / high.per_second, 4) if high else None,
    }


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench send", description="Sending, end to end.")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--senders", type=int, default=2)
    parser.add_argument("--database", choices=DATABASES, nargs="+", default=list(DATABASES))
    parser.add_argument("--scenario", choices=PLANS, nargs="+", default=list(PLANS))
    parser.add_argument("--stages", action="store_true", help="sample one sender: where its CPU goes")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args(words)
