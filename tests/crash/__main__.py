"""The full trials: `make crash`, or some of them: `make crash Q="Q1 Q4"`.

    python -m tests.crash [NAME …] [--seed N] [--database sqlite|postgresql] [--people N] [--short]

A line per trial; the exit status is 1 when a promise was broken. `--people` scales a trial down (its kills stay).
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import replace

from tests.crash.scenarios import POSTGRESQL, SCENARIOS, SQLITE, Scenario, Stand
from tests.crash.trial import Scale
from tests.crash.verdict import HEAD, Verdict


def main() -> int:
    """Run what is asked for; whether all promises were kept."""
    asked = _parse()
    names = {each.name.lower() for each in SCENARIOS}
    if unknown := [name for name in asked.names if name.lower() not in names]:
        print(f"There is no trial {unknown[0]!r}; there are {', '.join(each.name for each in SCENARIOS)}.")
        return 2
    print(f"commit {_commit()}, seed {asked.seed}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(HEAD, flush=True)
    stand = Stand()
    try:
        verdicts = _run_all(stand, asked)
    finally:
        stand.close()
    return int(not all(each.passed for each in verdicts))


def _run_all(stand: Stand, asked: argparse.Namespace) -> list[Verdict]:
    verdicts = []
    for scenario in SCENARIOS:
        if asked.names and scenario.name.lower() not in {name.lower() for name in asked.names}:
            continue
        if scenario.needs_root and os.geteuid() != 0:
            print(f"{scenario.name:<14}left out: it needs root and the program ip")
            continue
        for database in scenario.databases:
            if asked.database in {None, database}:
                verdicts.append(_run(stand, scenario, database, asked))
                print(verdicts[-1], flush=True)
    return verdicts


def _run(stand: Stand, scenario: Scenario, database: str, asked: argparse.Namespace) -> Verdict:
    began = time.monotonic()
    with stand.trial(database, asked.seed) as one:
        verdict = scenario.run(one, _scale(scenario, asked))
    verdict.seconds = verdict.seconds or time.monotonic() - began
    return verdict


def _scale(scenario: Scenario, asked: argparse.Namespace) -> Scale:
    scale = scenario.short if asked.short and scenario.short else scenario.full
    return replace(scale, people=min(asked.people, scale.people)) if asked.people else scale


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Trials of what Letterbond promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="trials; all without one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL))
    parser.add_argument("--people", type=int, help="at most so many readers")
    parser.add_argument("--short", action="store_true", help="the forms that run in make test")
    return parser.parse_args()


def _commit() -> str:
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
