"""Security headers on every answer (TRUST S8): a strict policy, loosened by a view only for what it must show."""

from flask import Flask, Response

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src-elem 'self'; style-src-attr 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

# A mail shown in a frame: its own styles, no scripts, no forms, an origin of its own.
MAIL_POLICY = "default-src 'none'; img-src {images}; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


def register(app: Flask) -> None:
    """Add the headers that an answer does not carry yet."""

    @app.after_request
    def _protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response


def as_mail(html: str, images: str = "* data:") -> Response:
    """An answer that holds a mail's HTML, to be framed by `<iframe sandbox>` (UI 1.4)."""
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY.format(images=images)
    return response
