"""What a form was made from, in a few characters: who saves it later learns whether somebody else has saved since.

In charge of the mark and of the refusal. Where the thing is locked and read is its owner's business.
"""

import json
from hashlib import sha256
from typing import Any

from flask_babel import gettext as _

from app.errors import Conflict


def mark_of(data: Any) -> str:
    """The same for the same JSON, whatever the order of its keys."""
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def expect_mark(seen: str | None, data: Any) -> None:
    """Conflict if the form was made from anything else than this; nothing is asked of who has no mark."""
    if seen and seen != mark_of(data):
        raise Conflict(
            _(
                "Somebody else has changed this since you opened the page. Save again to put yours in its place, or "
                "reload the page to see theirs."
            )
        )
