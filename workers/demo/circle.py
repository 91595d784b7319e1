"""The circle itself, stage by stage, each with a progress bar: people in, segments, campaigns, readers, reports."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.mailbox.store import Store
from workers.demo import readers
from workers.demo.answers import write_answers
from workers.demo.client import Client, DemoFailed
from workers.demo.world import PRODUCTS, Person, Purchase, write_orders, write_people

# A hit within a minute of sending proves no reader (TRUST 2.2, rule 7), so people wait as people do.
_MINUTE = 63
_THREADS = 6
_PATIENCE = 3600

SEGMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("German readers", {"field": "language", "op": "is", "value": "de"}),
    ("English readers", {"field": "language", "op": "is", "value": "en"}),
    ("Bought more than once", {"field": "orders", "op": "at_least", "value": 2}),
    ("Big spenders", {"field": "spent", "op": "at_least", "value": 200}),
    (
        "Once and never again",
        {
            "all": [
                {"field": "orders", "op": "equals", "value": 1},
                {"field": "last_order_at", "op": "not_within_days", "value": 365},
            ]
        },
    ),
    ("Would recommend us", {"field": "nps_group", "op": "is", "value": "promoter"}),
)
CAMPAIGNS = (
    ("November, deutsch", "newsletter.de", "German readers"),
    ("November, English", "newsletter.en", "English readers"),
)


@dataclass(slots=True)
class Circle:
    """What the stages hand on to one another."""

    client: Client
    home: Path
    purchases: list[Purchase]
    crowd: list[Person]
    segments: dict[str, int]
    campaigns: list[int]
    topic: int
    hits: int = 0


class Stages:
    """Progress bars, one a stage."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<28}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn()
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; call what it yields with how much is done."""
        task = self._bars.add_task(title, total=total)
        yield lambda done: self._bars.update(task, completed=done)
        self._bars.update(task, completed=total)


def bring_people_in(circle: Circle, stages: Stages) -> None:
    """One file for each way in which people may be tracked, as three lists from three older tools would be."""
    joined: dict[int, date] = {}
    for row in circle.purchases:
        joined[row.customer] = min(row.day, joined.get(row.customer, row.day))
    with stages.stage("People imported", len(circle.crowd)) as show:
        done = 0
        for tracking in ("personal", "aggregate", "none"):
            crowd = [who for who in circle.crowd if who.tracking == tracking]
            file = circle.home / f"people-{tracking}.csv"
            write_people(file, crowd, joined)
            options: dict[str, Any] = {"basis": "double_opt_in_elsewhere", "topics": [circle.topic]}
            options["tracking"] = tracking
            if tracking != "none":
                options["tracking_basis"] = "double_opt_in_elsewhere"
            _import(circle.client, "subscribers", file, options, partial(_add, show, done))
            done += len(crowd)


def bring_orders_in(circle: Circle, stages: Stages) -> None:
    """The products by API, the orders as the shop's CSV."""
    products = [
        {"key": key, "name": name, "price": cents / 100, "url": f"https://plattenladen.example/{key.lower()}"}
        for key, name, cents in PRODUCTS
    ]
    circle.client.put("/products", {"products": products})
    file = circle.home / "orders.csv"
    write_orders(file, circle.purchases)
    with stages.stage("Orders imported", len(circle.purchases)) as show:
        _import(circle.client, "orders", file, {}, show)


def bring_answers_in(circle: Circle, stages: Stages) -> None:
    """What a survey tool would have exported."""
    file = circle.home / "answers.csv"
    answers = write_answers(file, circle.purchases, datetime.now(UTC).date())
    with stages.stage("Answers imported", answers) as show:
        _import(circle.client, "answers", file, {}, show)


def make_segments(circle: Circle, stages: Stages) -> None:
    """Rules by API; who is in them is counted at once."""
    with stages.stage("Segments", len(SEGMENTS)) as show:
        for number, (name, rule) in enumerate(SEGMENTS, 1):
            circle.segments[name] = circle.client.post("/segments", {"name": name, "rule": rule})["id"]
            show(number)


def send_campaigns(circle: Circle, stages: Stages) -> None:
    """Two drafts, checked and released, then sent by the workers over SMTP."""
    at = datetime.now(UTC) + timedelta(seconds=3)
    for name, layout, segment in CAMPAIGNS:
        included = [circle.segments[segment]]
        draft = {"name": name, "layout": layout, "included": included, "topic_id": circle.topic}
        campaign = circle.client.post("/campaigns", draft)["id"]
        circle.client.post(f"/campaigns/{campaign}/schedule", {"at": at.isoformat()})
        circle.campaigns.append(campaign)
    with stages.stage("Mails sent", len(circle.crowd)) as show:
        _wait(lambda: _all_sent(circle, show), "the campaigns were not sent")


def read_mails(circle: Circle, stages: Stages) -> None:
    """Machines at once, people after a minute, on every mail that the mailbox caught."""
    mails = [readers.read_mail(raw, mail.recipient) for mail, raw in Store(circle.home / "mailbox.db").since(0)]
    orders = Counter(row.customer for row in circle.purchases)
    bought = {who.email: orders[who.number] for who in circle.crowd}
    visitor = Client(circle.client.base_url)
    with stages.stage("Machines look at mails", len(mails)) as show:
        circle.hits += _each(mails, lambda mail: readers.machines(mail, visitor), show)
    with stages.stage("A minute passes", _MINUTE) as show:
        for second in range(_MINUTE):
            show(second)
            time.sleep(1)
    with stages.stage("People read and click", len(mails)) as show:
        circle.hits += _each(mails, lambda mail: readers.people(mail, visitor, bought.get(mail.recipient, 0)), show)
    if not circle.hits:
        raise DemoFailed("Nobody could open or click anything.")


def count_events(circle: Circle, stages: Stages) -> None:
    """Wait until every hit that was made is counted, and none twice."""
    with stages.stage("Hits counted", circle.hits) as show:
        _wait(lambda: _all_counted(circle, show), f"not all of {circle.hits} hits were counted")
    if _hits(circle) != circle.hits:
        raise DemoFailed(f"{circle.hits} hits were made, {_hits(circle)} were counted.")


def _all_counted(circle: Circle, show: Callable[[int], None]) -> bool:
    counted = _hits(circle)
    show(counted)
    return counted >= circle.hits


def _hits(circle: Circle) -> int:
    reports = [circle.client.get(f"/reports/campaigns/{campaign}") for campaign in circle.campaigns]
    return sum(row["opens"] + row["clicks"] for report in reports for row in report["hits"])


def _import(client: Client, kind: str, file: Path, options: dict[str, Any], show: Callable[[int], None]) -> None:
    made = client.upload(f"/imports?kind={kind}&file_name={file.name}", file.read_bytes())
    path = f"/imports/{made['id']}"
    client.put(f"{path}/options", {"options": options})
    client.post(f"{path}/run")

    def finished() -> bool:
        state = client.get(path)
        show(state["rows"])
        if state["state"] in {"failed", "cancelled"} or state["rejected"]:
            raise DemoFailed(f"The import of {file.name}: {state['state']}, {state['rejected']} rows rejected.")
        return bool(state["state"] == "done")

    _wait(finished, f"the import of {file.name} did not end")


def _add(show: Callable[[int], None], before: int, rows: int) -> None:
    show(before + rows)


def _all_sent(circle: Circle, show: Callable[[int], None]) -> bool:
    books = [circle.client.get(f"/campaigns/{campaign}/books") for campaign in circle.campaigns]
    states = [circle.client.get(f"/campaigns/{campaign}") for campaign in circle.campaigns]
    show(sum(book["sent"] for book in books))
    if paused := [row["pause_reason"] for row in states if row["state"] == "paused"]:
        raise DemoFailed(f"A campaign was paused: {paused[0]}")
    return all(row["state"] == "sent" for row in states)


def _each(mails: list[readers.Mail], deed: Callable[[readers.Mail], int], show: Callable[[int], None]) -> int:
    hits = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for done, count in enumerate(pool.map(deed, mails), 1):
            hits += count
            if done % 50 == 0:
                show(done)
    return hits


def _wait(done: Callable[[], bool], failure: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > until:
            raise DemoFailed(f"Waited for an hour, but {failure}.")
        time.sleep(0.3)


def look_ahead(circle: Circle, stages: Stages) -> None:
    """What customers will do, from the orders."""
    with stages.stage("Purchases predicted", 1):
        circle.client.post("/reports/prediction")
        _wait(lambda: not circle.client.get("/reports/prediction")["is_wanted"], "the prediction was not made")


ALL: Iterable[Callable[[Circle, Stages], None]] = (
    bring_people_in,
    bring_orders_in,
    bring_answers_in,
    make_segments,
    send_campaigns,
    read_mails,
    count_events,
    look_ahead,
)
