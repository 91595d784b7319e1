"""Workers of their own (`letterbond work`, `letterbond timetable`) go without what only pages need."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from apiflask import APIFlask

from app.config import SETTINGS, Config
from app.db import transaction
from app.reports import monthly
from tests import make

ROOT = Path(__file__).parents[2]
# Of the pages and the API, of the login, of compiling and checking campaigns, of signing, of counting.
_OF_PAGES = {"apiflask", "flask_security", "flask_wtf", "marshmallow", "passlib", "pydantic", "wtforms"}
_LATE = {"cssselect", "duckdb", "lxml", "numpy", "premailer", "scipy", "xlsxwriter"}
_WORK = """
import json, sys
from datetime import UTC, datetime
from app import create_app
from app.config import Config
from app.db import transaction
from workers import runtime
from workers.stopping import Stop

app = create_app(Config.from_environment(), pages=False)
runtime.equip(app, Stop())
print(json.dumps(sorted(sys.modules)))
with app.app_context():
    for line in app.extensions["letterbond.house"].timetable:
        line.job()
        print(json.dumps(line.job.name), flush=True)
    from app.reports import monthly
    with transaction() as session:
        print(monthly.post_due(session, datetime(2026, 12, 1, 9, tzinfo=UTC)))
"""


def test_a_worker_does_all_that_is_due_and_loads_no_pages_for_it(app: APIFlask, config: Config) -> None:
    """The app of this test shares all modules with the others: that of a worker is asked in a process of its own."""
    with transaction() as session:
        make.sender(session)
        monthly.subscribe(session, make.user(session).id, datetime(2026, 10, 10, tzinfo=UTC))
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {
        "DATABASE_URL": config.database_url,
        "LETTERBOND_HOME": str(config.home),
        "REDIS_URL": config.redis_url,
        "SECRET_KEY": config.secret_key,
    }
    command = [sys.executable, "-c", _WORK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    first, *jobs, posted = map(json.loads, done.stdout.splitlines())
    assert not {name.partition(".")[0] for name in first} & (_OF_PAGES | _LATE)
    assert not [name for name in first if name.startswith("app.") and name.endswith("views")]
    assert "cryptography.hazmat.primitives.asymmetric.rsa" not in first
    assert posted == 1  # by somebody who knows of users only then
    assert jobs == [line.job.name for line in app.extensions["letterbond.house"].timetable]
