"""Undo instead of "are you sure": a message with a button that takes back what was just done."""

from flask import flash


def flash_undo(message: str, url: str) -> None:
    """Say `message` on the next page, with a button that POSTs to `url`."""
    # The layout's toasts take the pair apart; flash() itself keeps whatever JSON can hold.
    flash((message, url), "undo")  # type: ignore[arg-type]
