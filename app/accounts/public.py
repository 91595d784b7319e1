"""Before the login: the first-run setup and the choice of language."""

from urllib.parse import urlsplit

from flask import current_app, redirect, render_template, request, url_for
from flask_security import current_user, login_user
from werkzeug.wrappers import Response

from app.accounts.access import for_visitors
from app.accounts.forms import SetupForm
from app.accounts.login import users
from app.accounts.setup import FirstRun, check_setup_token, set_up
from app.accounts.users import User
from app.db import reading, transaction, utc_now
from app.feature import house
from app.i18n import LOCALES, choose_locale, speak

blueprint = for_visitors("accounts", __name__)


@blueprint.get("/setup")
def needs_setup() -> str:
    """Where somebody lands who opens an installation that nobody has set up."""
    return render_template("accounts/needs_setup.html")


@blueprint.route("/setup/<token>", methods=["GET", "POST"])
def setup(token: str) -> str | Response:
    """The first-run page."""
    tokens = current_app.extensions["letterbond.tokens"]
    with reading() as session:
        check_setup_token(session, tokens, token)
    form = SetupForm(locale=choose_locale())
    if not form.validate_on_submit():
        return render_template("accounts/setup.html", form=form)
    with transaction() as session:
        check_setup_token(session, tokens, token)
        admin = set_up(session, _first_run(form), utc_now())
        house().write_defaults(session, utc_now())
    user = users().find_user(id=admin.id)
    assert user is not None
    login_user(user)
    return redirect(url_for("outbox.test_mail"))


@blueprint.post("/language")
def choose_language() -> Response:
    """Speak another language from now on."""
    wanted = request.form.get("language", "")
    if wanted in LOCALES and current_user.is_authenticated:
        with transaction() as session:
            session.get_one(User, current_user.id).locale = wanted
    speak(wanted)
    return redirect(_back(request.form.get("next", "/")))


def _first_run(form: SetupForm) -> FirstRun:
    fields = {name: form[name].data.strip() for name in FirstRun.__dataclass_fields__ if name != "password"}
    return FirstRun(password=form.password.data, **fields)


def _back(target: str) -> str:
    """Only a path of this site: a form must not send people elsewhere."""
    parts = urlsplit(target)
    safe = not parts.scheme and not parts.netloc and target.startswith("/") and "\\" not in target
    return target if safe and not target.startswith("//") else "/"
