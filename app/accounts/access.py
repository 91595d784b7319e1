"""Who may come in: every blueprint is made by one of these, and so declares its access (TRUST S16).

Marketers log in; visitors need not; machines show an API key. A request to a blueprint made otherwise is refused.
"""

from typing import Any, TypeVar

from apiflask import APIBlueprint, HTTPTokenAuth
from flask import Blueprint, Flask, abort, current_app, g, redirect, request, url_for
from flask_security import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app.accounts.keys import find_key
from app.accounts.users import User
from app.csrf import csrf
from app.db import reading, transaction, utc_now

AnyBlueprint = TypeVar("AnyBlueprint", bound=Blueprint)

api_auth = HTTPTokenAuth(scheme="Bearer", description="A key from Settings → API keys.")


def for_marketers(name: str, import_name: str, **options: Any) -> Blueprint:
    """Pages behind the login."""
    blueprint = Blueprint(name, import_name, **options)
    blueprint.before_request(_require_login)
    return _declare(blueprint, "marketers")


def for_visitors(name: str, import_name: str, **options: Any) -> Blueprint:
    """Pages for everybody who has the link."""
    return _declare(Blueprint(name, import_name, **options), "visitors")


def for_machines(name: str, import_name: str, **options: Any) -> APIBlueprint:
    """A part of `/api/v1`, behind an API key."""
    blueprint = APIBlueprint(name, import_name, url_prefix="/api/v1", **options)
    blueprint.before_request(api_auth.login_required(lambda: None))
    # A browser does not send the key by itself, so there is nothing to forge.
    csrf.exempt(blueprint)
    return _declare(blueprint, "machines")


def register(app: Flask) -> None:
    """Refuse what no blueprint has declared."""
    app.before_request(_refuse_undeclared)


def _declare(blueprint: AnyBlueprint, access: str) -> AnyBlueprint:
    blueprint.access = access  # type: ignore[attr-defined]
    # APIFlask asks every blueprint; only those for machines are part of the API's description.
    blueprint.enable_openapi = access == "machines"  # type: ignore[attr-defined]
    return blueprint


def _refuse_undeclared() -> None:
    if request.endpoint is None or request.endpoint == "static" or request.endpoint == "openapi.spec":
        return
    blueprint = current_app.blueprints.get(request.blueprint or "")
    if request.blueprint != "security" and not hasattr(blueprint, "access"):
        abort(403)


def _require_login() -> Response | None:
    if current_user.is_authenticated:
        return None
    with reading() as session:
        if not session.scalar(select(func.count()).select_from(User)):
            return redirect(url_for("accounts.needs_setup"))
    return redirect(url_for("security.login", next=request.full_path.rstrip("?")))


@api_auth.verify_token  # type: ignore[untyped-decorator]
def _verify(token: str) -> int | None:
    with transaction() as session:
        key = find_key(session, token, utc_now())
        g.api_key_id = key.id if key else None
    return g.api_key_id  # type: ignore[no-any-return]
