"""Where the rows of a report come from: any reader that executes a SELECT."""

from collections.abc import Iterable
from typing import Any, Protocol

from sqlalchemy import Executable


class Rows(Protocol):
    """A session is one; so is a columnar reader of the same tables (`columnar`)."""

    def execute(self, statement: Executable, /) -> Iterable[Any]:
        """The rows of a SELECT."""
