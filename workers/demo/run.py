"""From an empty folder to a shop with a history: everything that `make demo` does, in order."""

import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from app.config import Config
from workers.demo import circle, house, world
from workers.demo.client import Client, DemoFailed
from workers.demo.table import tables


def run(file: Path | None) -> int:
    """Play the circle on `file` (a CDNOW file; the sample by default); 0 when it closed, 1 when it did not."""
    console, started = Console(), time.monotonic()
    try:
        _play(Config.from_environment(), file or world.SAMPLE, console)
    except (DemoFailed, ValueError, OSError) as error:
        console.print(f"[red]The demo stopped:[/] {error}", highlight=False)
        return 1
    console.print(f"Done in {time.monotonic() - started:.0f} seconds.")
    return 0


def _play(config: Config, file: Path, console: Console) -> None:
    purchases = world.moved(world.read_purchases(file), datetime.now(UTC).date())
    crowd = world.people(purchases)
    console.print(f"{len(purchases):,} orders of {len(crowd):,} people, moved to {purchases[0].day.year} and after.")
    password = house.fresh_home(config.home)
    with house.running(password) as started, circle.Stages() as stages:
        client = Client(started.base_url, started.key)
        topic = client.get("/topics")["items"][0]["id"]
        shop = circle.Circle(client, config.home, purchases, crowd, {}, [], topic)
        for stage in circle.ALL:
            stage(shop, stages)
        found = list(tables(shop))
    for table in found:
        console.print(table)
    console.print(f"Now type [bold]make run[/] and open {config.base_url} · sign in as {house.USER} with {password}")
