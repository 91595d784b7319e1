"""Pages over the caught mail: the list, one mail, its HTML in a frame, its source."""

from dataclasses import dataclass

from flask import Response, current_app, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.access import for_marketers
from app.errors import NotFound
from app.headers import as_mail
from app.intake import whole
from app.mailbox.reading import Parsed, parse
from app.mailbox.store import Mail, Store

blueprint = for_marketers("mailbox", __name__, url_prefix="/mailbox")

_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class _Page:
    """What the pagination macro asks for."""

    first: int
    last: int
    total: int
    previous_url: str | None
    next_url: str | None


@blueprint.get("/")
def index() -> str:
    """The list, newest first."""
    words = request.args.get("q", "").strip()
    number = max(1, request.args.get("page", 1, type=whole))
    mails, total = _store().search(words, (number - 1) * _PER_PAGE, _PER_PAGE)
    return render_template("mailbox/index.html", mails=mails, words=words, page=_page(number, total, words))


@blueprint.get("/<int:mail_id>")
def mail(mail_id: int) -> str:
    """One mail."""
    row, parsed, _raw = _get(mail_id)
    return render_template("mailbox/mail.html", mail=row, parsed=parsed)


@blueprint.get("/<int:mail_id>/html")
def html(mail_id: int) -> Response:
    """Its HTML, for the frame. Only pictures inside the mail are loaded: our own pixel would count as an open."""
    _row, parsed, _raw = _get(mail_id)
    return as_mail(parsed.html, images="data:")


@blueprint.get("/<int:mail_id>/source")
def source(mail_id: int) -> Response:
    """The bytes as they came."""
    _row, _parsed, raw = _get(mail_id)
    return Response(raw, mimetype="text/plain")


def _store() -> Store:
    return Store(current_app.extensions["letterbond.config"].mailbox)


def _get(mail_id: int) -> tuple[Mail, Parsed, bytes]:
    found = _store().get(mail_id)
    if found is None:
        raise NotFound(_("There is no such mail."))
    return found[0], parse(found[1]), found[1]


def _page(number: int, total: int, words: str) -> _Page:
    last = min(total, number * _PER_PAGE)
    return _Page(
        first=min(total, (number - 1) * _PER_PAGE + 1),
        last=last,
        total=total,
        previous_url=url_for(".index", q=words or None, page=number - 1) if number > 1 else None,
        next_url=url_for(".index", q=words or None, page=number + 1) if last < total else None,
    )
