"""Settings → Sender identities → signature: the DKIM keys of a sender's domain."""

from flask import current_app, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.accounts.models import KeyState, Sender, SigningKey
from app.accounts.signing import create_signing_key, is_published, keys_of, signing_domain, txt_records, use
from app.db import reading, transaction, utc_now
from app.errors import NotFound

blueprint = for_marketers("signing", __name__, url_prefix="/settings/senders/<int:sender_id>/signature")


@blueprint.get("/")
def index(sender_id: int) -> str:
    """The keys, and the records to publish."""
    with reading() as session:
        sender = _sender(session, sender_id)
        keys = {state: [key for key in keys_of(session, sender) if key.state is state] for state in KeyState}
        return render_template(
            "accounts/signature.html", section="senders", sender=sender, domain=signing_domain(sender), keys=keys
        )


@blueprint.post("/new")
def create(sender_id: int) -> Response:
    """A key to replace the one in use, or the first one."""
    with transaction() as session:
        sender = _sender(session, sender_id)
        if not any(key.state is KeyState.WAITING for key in keys_of(session, sender)):
            create_signing_key(session, sender, utc_now())
    return _back(sender_id)


@blueprint.post("/<int:key_id>/check")
def check(sender_id: int, key_id: int) -> Response:
    """Look whether the record is published, and sign with the key if so."""
    with reading() as session:
        key = _key(session, sender_id, key_id)
    look_up = current_app.extensions.get("letterbond.txt_records", txt_records)
    if not is_published(key, look_up):
        flash(
            _("The record of %(host)s is not there yet. It can take an hour after you publish it.", host=key.host),
            "warning",
        )
        return _back(sender_id)
    with transaction() as session:
        is_new = use(session, _key(session, sender_id, key_id), utc_now())
    flash(
        _("The record is published. Mail from %(domain)s is signed from now on.", domain=key.domain)
        if is_new
        else _("The record of %(host)s is published.", host=key.host),
        "success",
    )
    return _back(sender_id)


@blueprint.post("/<int:key_id>/use")
def use_key(sender_id: int, key_id: int) -> Response:
    """Sign with the key though nobody has looked: where this machine cannot ask DNS."""
    with transaction() as session:
        key = _key(session, sender_id, key_id)
        if use(session, key, utc_now()):
            flash(_("Mail from %(domain)s is signed from now on.", domain=key.domain), "success")
    return _back(sender_id)


@blueprint.post("/<int:key_id>/discard")
def discard(sender_id: int, key_id: int) -> Response:
    """Forget a key that signs nothing."""
    with transaction() as session:
        key = _key(session, sender_id, key_id)
        if key.state is not KeyState.ACTIVE:
            session.delete(key)
            flash(_("The key is gone. Its record can be taken out of DNS."), "success")
    return _back(sender_id)


def _sender(session: Session, sender_id: int) -> Sender:
    sender = session.get(Sender, sender_id)
    if sender is None:
        raise NotFound(_("There is no such sender."))
    return sender


def _key(session: Session, sender_id: int, key_id: int) -> SigningKey:
    domain = signing_domain(_sender(session, sender_id))
    key = session.get(SigningKey, key_id)
    if key is None or key.domain != domain:
        raise NotFound(_("There is no such key."))
    return key


def _back(sender_id: int) -> Response:
    return redirect(url_for(".index", sender_id=sender_id))
