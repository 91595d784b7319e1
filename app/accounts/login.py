"""Logging in: Flask-Security on our own session, with argon2id and our pages."""

from flask import Flask, current_app, request
from flask_babel import gettext as _
from flask_security import Security, SQLAlchemySessionUserDatastore
from sqlalchemy.orm import Session, scoped_session

from app.accounts import access
from app.accounts.users import Role, User
from app.errors import Invalid

_MAX_INPUT = 1000


def register(app: Flask) -> None:
    """Hang the login in; users are read and changed through a session that ends with the request."""
    session: scoped_session[Session] = scoped_session(
        lambda: Session(app.extensions["letterbond.database"].engine, expire_on_commit=False)  # type: ignore[arg-type]
    )
    app.config.update(
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a hash
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_LENGTH_MIN=10,
        SECURITY_LOGIN_URL="/login",
        SECURITY_LOGOUT_URL="/logout",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_CHANGE_URL="/settings/password",
        SECURITY_POST_CHANGE_VIEW="/settings",
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_LOGIN_USER_TEMPLATE="accounts/login.html",
        SECURITY_CHANGE_PASSWORD_TEMPLATE="accounts/password.html",  # noqa: S106 - a file name
        SECURITY_REMEMBER_COOKIE_SAMESITE="Lax",
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_USE_REGISTER_V2=True,
        REMEMBER_COOKIE_HTTPONLY=True,
    )
    app.extensions["letterbond.users"] = SQLAlchemySessionUserDatastore(session, User, Role)
    Security(app, app.extensions["letterbond.users"])
    # Only the cookie logs in: looking for tokens in every address and body would read bodies that were refused.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    access.register(app)

    app.before_request(_refuse_endless_passwords)

    @app.teardown_appcontext
    def _end(_error: BaseException | None) -> None:
        session.remove()


def _refuse_endless_passwords() -> None:
    """The hash function has a limit, and Flask-Security lets its error through."""
    if request.blueprint == "security" and any(len(value) > _MAX_INPUT for value in request.form.values()):
        raise Invalid(_("This is too long."))


def users() -> SQLAlchemySessionUserDatastore:
    """Flask-Security's view of the users."""
    found: SQLAlchemySessionUserDatastore = current_app.extensions["letterbond.users"]
    return found
