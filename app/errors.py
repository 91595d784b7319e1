"""What a verb raises when it is asked for something that the rules forbid, and what a visitor sees then.

Expected endings are return values; these are for requests that must not be carried out. Views never catch them:
`app.create_app` maps each to one HTTP status and one page or JSON body.
"""


class Refused(Exception):
    """The request is understood and forbidden; the message says what to do instead."""

    status = 400
    code = "refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(Refused):
    """There is no such thing, or it is none of the caller's business."""

    status = 404
    code = "not_found"


class Conflict(Refused):
    """The thing has moved on since the caller looked."""

    status = 409
    code = "conflict"


class Invalid(Refused):
    """The input does not parse; `places` maps a field's path to what is wrong there."""

    status = 422
    code = "invalid"

    def __init__(self, message: str, places: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.places = places or {}


class TooMany(Refused):
    """Asked more often than allowed; try again later."""

    status = 429
    code = "too_many"
