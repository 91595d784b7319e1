"""How long one person's mail takes: `python -m bench.render [layout]`. Prints microseconds of CPU; asserts nothing."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

from app.campaigns.compile import compile_edition
from app.campaigns.layouts import layouts
from app.campaigns.merge_tags import example_context
from app.campaigns.render import DirectUrls, Renderer
from app.mail import Message, bulk_headers, message_id, to_bytes

ROUNDS, SERIES = 400, 7


def microseconds(work: Callable[[], object], rounds: int) -> str:
    """Median (least) of several series, in CPU time of this process."""
    series = []
    for _ in range(SERIES):
        started = time.process_time()
        for _ in range(rounds):
            work()
        series.append((time.process_time() - started) / rounds * 1e6)
    return f"{median(series):9.0f} ({min(series):.0f})"


def main(name: str) -> None:
    layout = next(layout for layout in layouts() if layout.name == name)
    edition = compile_edition(layout.subject, layout.preheader, layout.html)
    renderer, urls = Renderer(edition), DirectUrls(edition.links, pixel="https://news.example/o/abc")
    context = example_context() | {"tier": "Loyal", "language": layout.language}
    context["products"] = [
        {"name": f"Tea no. {number}", "url": f"https://shop.example/{number}", "price": number} for number in range(4)
    ]
    rendered = renderer.render(context, urls)
    message = Message(
        sender_name="Teehaus Lindenhof",
        sender_address="post@shop.example",
        recipient="anna@example.org",
        envelope_sender="b+1@bounce.example",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to=None,
        message_id=message_id(1, 1, "shop.example"),
        date=datetime.now(UTC),
        headers=bulk_headers("https://news.example/u/abc", "news.example"),
    )
    print(f"{name}: {len(rendered.html.encode()):,} bytes of HTML, {len(to_bytes(message)):,} on the wire")
    print("                  µs of CPU, median (min)")
    print("compile an edition", microseconds(lambda: compile_edition(layout.subject, "", layout.html), 3))
    print("render a mail     ", microseconds(lambda: renderer.render(context, urls), ROUNDS))
    print("write its bytes   ", microseconds(lambda: to_bytes(replace(message)), ROUNDS))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "newsletter.de")
