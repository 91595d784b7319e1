"""The command line: `letterbond …` or `python -m workers …`.

Each command reads the environment (docs/settings.md), runs one part in this process, and ends with 0, with
1 when a part would not live, or with 2 and one sentence when a setting is wrong.
"""

import sys
from pathlib import Path

import click

from app.config import Config, ConfigError
from app.queue import QUEUES

BIND = click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")


@click.group()
def commands() -> None:
    """Letterbond: email marketing that keeps people."""


def main() -> None:
    """Run a command; a wrong setting is one sentence, not a traceback."""
    try:
        commands()
    except ConfigError as error:
        print(f"letterbond: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


@commands.command()
@BIND
def run(bind: str) -> None:
    """Start everything in the foreground; Ctrl-C stops it."""
    from workers.supervisor import Supervisor

    sys.exit(Supervisor(Config.from_environment(), bind).run())


@commands.command()
@BIND
def web(bind: str) -> None:
    """Serve the pages, the API and the links in mails."""
    from app import create_app
    from workers import logs
    from workers import web as server

    logs.to_terminal()
    config = Config.from_environment()
    try:
        listening = server.listen(bind, config.port)
    except OSError as error:
        raise ConfigError(f"PORT: {config.port} cannot be used: {error.strerror}") from error
    server.serve(create_app(config), listening)


@commands.command()
@click.argument("queue", type=click.Choice(QUEUES))
def work(queue: str) -> None:
    """Do the jobs of one queue."""
    from app import create_app
    from workers import logs, runtime
    from workers.stopping import Stop

    logs.to_terminal()
    runtime.work(create_app(Config.from_environment(), pages=False), queue, Stop().listen())


@commands.command()
def timetable() -> None:
    """Ring for what is due; one per installation."""
    from app import create_app
    from workers import logs, schedule
    from workers.stopping import Stop

    logs.to_terminal()
    schedule.run(create_app(Config.from_environment(), pages=False), Stop().listen())


@commands.command()
@click.option("--port", default=2525, show_default=True, help="Port on the loopback.")
def mailbox(port: int) -> None:
    """Catch mail instead of delivering it."""
    from app.mailbox.store import Store
    from workers import catcher, logs
    from workers import web as server
    from workers.stopping import Stop

    logs.to_terminal()
    store = Store(Config.from_environment().mailbox)
    catcher.serve(store, server.listen("127.0.0.1", port), Stop().listen())


@commands.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def demo(file: Path | None) -> None:
    """Play the whole circle on the orders of a real shop (FILE: a full CDNOW_master.txt)."""
    from workers.demo.run import run as play

    sys.exit(play(file))


@commands.command()
def migrate() -> None:
    """Bring the database to the newest tables."""
    from app.migrate import upgrade

    upgrade(Config.from_environment().database_url)


@commands.group("api-key")
def api_key() -> None:
    """Keys for the API."""


@api_key.command()
@click.argument("name")
def create(name: str) -> None:
    """Make a key and print it; it is not shown again."""
    from app.accounts.keys import create_key
    from app.db import Database, utc_now

    database = Database(Config.from_environment().database_url)
    with database.transaction() as session:
        key, _row = create_key(session, name, utc_now())
    database.close()
    click.echo(key)


if __name__ == "__main__":
    main()
