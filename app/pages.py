"""What every page needs around its own content: error pages, CSRF, the sidebar, and words for templates."""

from typing import Any

from flask import Flask, Response, current_app, has_request_context, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_security import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.accounts.organisation import amount, this_organisation
from app.csrf import csrf
from app.errors import Invalid, Refused
from app.feature import house

Answer = tuple[str | Response, int]


def register(app: Flask) -> None:
    """Hang in the error pages, CSRF protection and the template context."""
    csrf.init_app(app)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(CSRFError, _csrf_failed)
    app.register_error_handler(HTTPException, _http_error)
    app.context_processor(_context)
    # Asked when the first time is written, which may be long before a template is.
    app.extensions["babel"].timezone_selector = _time_zone
    app.jinja_env.filters["amount"] = amount
    app.jinja_env.tests["endpoint"] = _has_page


def _time_zone() -> str | None:
    """Times on pages are the organisation's."""
    found = this_organisation() if has_request_context() else None
    return found.time_zone if found else None


def _context() -> dict[str, Any]:
    return {
        "navigation": _navigation(),
        "organisation": this_organisation(),
        "house": house(),
        "shell": _shell(),
        "base_url": current_app.extensions["letterbond.config"].base_url,
    }


def _navigation() -> list[dict[str, Any]]:
    """The sidebar's entries; the one whose pages are being looked at is active."""
    return [
        {
            "label": entry.label,
            "url": url_for(entry.endpoint),
            "icon": entry.icon,
            "active": _leads_here(url_for(entry.endpoint)),
            "shortcut": entry.shortcut,
            "children": (),
        }
        for entry in house().navigation
        if entry.is_shown()
    ]


def _leads_here(url: str) -> bool:
    """Whether the page being looked at is `url` or lies beneath it."""
    return request.path == url or (url != "/" and request.path.startswith(url))


def _shell() -> dict[str, Any]:
    """What the frame around a marketer's page offers."""
    if not current_user.is_authenticated:
        return {}
    return {
        "language_url": url_for("accounts.choose_language"),
        "search_url": _page_url("subscribers.index"),
        "new_campaign_url": _page_url("campaigns.new"),
        "sending_url": _page_url("sending.now"),
        "account": {
            "name": current_user.email.partition("@")[0],
            "email": current_user.email,
            "url": url_for("settings.index"),
            "sign_out_url": url_for("security.logout"),
        },
    }


def _has_page(endpoint: str) -> bool:
    """A leaf may have been taken out of the house."""
    return endpoint in current_app.view_functions


def _page_url(endpoint: str) -> str | None:
    return url_for(endpoint) if _has_page(endpoint) else None


def wants_json() -> bool:
    """API callers and scripts get JSON, people get a page."""
    return request.path.startswith("/api/")


def _refused(error: Refused) -> Answer:
    places = error.places if isinstance(error, Invalid) else {}
    return _answer(error.status, error.code, error.message, places)


def _csrf_failed(error: CSRFError) -> Answer:  # noqa: ARG001
    return _answer(400, "csrf", _("This page is too old to be sent. Reload it and try again."), {})


def _http_error(error: HTTPException) -> Answer | HTTPException:
    if error.code is None or error.code < 400:
        return error
    messages = {
        404: _("There is no such page."),
        403: _("You may not see this page."),
        405: _("This page cannot be used this way."),
        413: _("This is too large."),
        429: _("That was too often. Please try again in a while."),
        500: _("Something went wrong on our side. It has been noted in the log."),
    }
    message = messages.get(error.code) or str(error.description or error.name)
    return _answer(error.code, error.name.lower().replace(" ", "_"), message, {})


def _answer(status: int, code: str, message: str, places: dict[str, str]) -> Answer:
    if wants_json():
        return jsonify(error=code, message=message, places=places), status
    return render_template("_layout/error.html", status=status, message=message, places=places), status
