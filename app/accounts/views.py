"""Settings: organisation, sender identities, API keys, the own account."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_security import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.accounts.forms import KeyForm, SenderForm, SettingsForm
from app.accounts.keys import create_key, revoke_key
from app.accounts.models import ApiKey, Organisation, Sender
from app.accounts.users import User
from app.db import reading, transaction, utc_now
from app.errors import NotFound

blueprint = for_marketers("settings", __name__, url_prefix="/settings")


@blueprint.route("/", methods=["GET", "POST"])
def index() -> str | Response:
    """The organisation."""
    with transaction() as session:
        row = session.get_one(Organisation, 1)
        form = SettingsForm(obj=row, organisation=row.name)
        if form.validate_on_submit():
            row.name, row.locale = form.organisation.data.strip(), form.locale.data
            row.time_zone, row.currency = form.time_zone.data, form.currency.data
            row.cap_campaigns, row.cap_days = form.cap_campaigns.data, form.cap_days.data
            flash(_("Saved."), "success")
            return redirect(url_for(".index"))
    return _page("organisation", form=form)


@blueprint.get("/senders")
def senders() -> str:
    """The sender identities."""
    with reading() as session:
        return _page("senders", senders=session.scalars(select(Sender).order_by(Sender.id)).all())


@blueprint.route("/senders/new", methods=["GET", "POST"])
def new_sender() -> str | Response:
    """Another brand."""
    form = SenderForm()
    if not form.validate_on_submit():
        return _page("sender", form=form, sender=None)
    with transaction() as session:
        sender = Sender(created_at=utc_now())
        _fill(session, sender, form)
    return redirect(url_for(".senders"))


@blueprint.route("/senders/<int:sender_id>", methods=["GET", "POST"])
def sender(sender_id: int) -> str | Response:
    """Change a brand; campaigns that are being sent keep what they were compiled with."""
    with transaction() as session:
        row = session.get(Sender, sender_id)
        if row is None:
            raise NotFound(_("There is no such sender."))
        form = SenderForm(sender_name=row.name, sender_address=row.address, reply_to=row.reply_to, imprint=row.imprint)
        if form.validate_on_submit():
            _fill(session, row, form)
            return redirect(url_for(".senders"))
    return _page("sender", form=form, sender=row)


@blueprint.route("/api-keys", methods=["GET", "POST"])
def api_keys() -> str:
    """The keys, and a new one: its text is shown in this answer and never again."""
    form, text = KeyForm(), None
    with transaction() as session:
        if form.validate_on_submit():
            text, _row = create_key(session, form.name.data.strip(), utc_now())
        keys = session.scalars(select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc())).all()
    return _page("api_keys", form=form, keys=keys, text=text)


@blueprint.post("/api-keys/<int:key_id>/revoke")
def revoke(key_id: int) -> Response:
    """End a key."""
    with transaction() as session:
        revoke_key(session, key_id, utc_now())
    flash(_("The key no longer works."), "success")
    return redirect(url_for(".api_keys"))


@blueprint.get("/account")
def account() -> str:
    """The own account."""
    with reading() as session:
        return _page("account", user=session.get_one(User, current_user.id))


def _fill(session: Session, sender: Sender, form: SenderForm) -> None:
    sender.name, sender.address = form.sender_name.data.strip(), form.sender_address.data.strip()
    sender.reply_to, sender.imprint = (form.reply_to.data or "").strip() or None, form.imprint.data.strip()
    session.add(sender)
    flash(_("Saved."), "success")


def _page(name: str, **values: Any) -> str:
    return render_template(f"accounts/{name}.html", section=name, **values)
