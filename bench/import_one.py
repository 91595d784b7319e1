"""One import as a worker does it, measured from inside: `python -m bench.import_one ID`; used by `bench.import`.

A process of its own, so that its memory is that of a worker and of nothing else. Writes a line of JSON.
"""

import json
import os
import sys
import time
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from app import create_app
from app.config import Config
from app.feature import house
from app.importing.jobs import go_on
from bench.processes import peak_mb


def main() -> int:
    """Do the import of this id, as the environment says where."""
    app = create_app(Config.from_environment(), pages=False)
    with app.app_context():
        # A worker loads what files may hold with its first import, and once.
        assert house().importers
        began, cpu = time.perf_counter(), _cpu_seconds()
        go_on(int(sys.argv[1]))
        seconds = time.perf_counter() - began
        app.extensions["letterbond.database"].close()
    # Not ru_maxrss of its own, which begins with that of whoever started it.
    megabytes = [peak_mb(os.getpid()), getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024]
    print(json.dumps({"seconds": seconds, "cpu": _cpu_seconds() - cpu, "megabytes": megabytes}))
    return 0


def _cpu_seconds() -> float:
    """Of this process and of the one that reads ahead."""
    usage = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


if __name__ == "__main__":
    sys.exit(main())
