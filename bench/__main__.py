"""Measures on this machine: `python -m bench`, or some of it: `python -m bench render spool`.

`python -m bench send` sends, which takes minutes and has options of its own; it is no part of the rest.
"""

import sys
from collections.abc import Callable, Iterator

from bench import journal, render, segment, spool
from bench.measure import HEAD, Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "render": render.figures,
    "segment": segment.figures,
    "journal": journal.figures,
    "spool": spool.figures,
}


def main(wanted: list[str]) -> int:
    """Print a line for each figure of the wanted benchmarks, or of all."""
    if wanted[:1] == ["send"]:
        from bench import send

        return send.main(wanted[1:])
    if unknown := [name for name in wanted if name not in BENCHMARKS]:
        print(f"There is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    print(HEAD)
    for name in wanted or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
