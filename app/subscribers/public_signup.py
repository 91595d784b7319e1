"""The signup form and the confirmation, for everybody.

What these pages answer never depends on whether an address is known (TRUST S12). A form is taken from whoever shows its
signed token and took longer than a machine would; anybody else, such as a plain form on another site, gets the hosted
form with her entries in it and presses its button once more.
"""

from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any

from flask import Response, current_app, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.access import for_visitors
from app.accounts.models import Sender
from app.csrf import csrf
from app.db import reading, transaction, utc_now
from app.errors import NotFound
from app.i18n import speak
from app.outbox.jobs import deliver
from app.queue import enqueue
from app.subscribers.addresses import parse_address
from app.subscribers.custom_fields import custom_fields
from app.subscribers.forms import SignupFields, answers_of, signup_fields
from app.subscribers.limits import check_limits
from app.subscribers.links import read_confirm
from app.subscribers.models import ConsentRecord, SignupForm
from app.subscribers.signup import SignupRequest, confirm, sign_up
from app.tokens import Purpose

blueprint = for_visitors("signup", __name__)
csrf.exempt(blueprint)

# Nobody reads two boxes and types an address in less time.
FILL_TIME = timedelta(seconds=2)
TOKEN_LIFE = timedelta(hours=24)
# What is done for known and unknown addresses differs by some milliseconds; the answer takes the same time.
ANSWER_SECONDS = 0.2


@blueprint.after_request
def _keep_no_copy(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/f/<key>")
def form_page(key: str) -> str:
    """The form."""
    with reading() as session:
        row = _form(session, key)
        return _show(session, row, _fields(session, row))


@blueprint.post("/f/<key>")
def submit(key: str) -> str:
    """Take the form; the page says the same for every address."""
    now, started = utc_now(), monotonic()
    with transaction() as session:
        row = _form(session, key)
        fields = _fields(session, row)
        if fields.website.data:
            return _sent(session, row)
        if not fields.validate() or not _was_filled_in_by_a_person(row, fields, now):
            return _show(session, row, fields)
        check_limits(request.remote_addr)
        sign_up(session, row, _request(session, fields), now)
        page = _sent(session, row)
    enqueue(deliver)
    sleep(max(0.0, ANSWER_SECONDS - (monotonic() - started)))
    return page


@blueprint.get("/confirm/<token>")
def confirm_page(token: str) -> str:
    """A button; scanners that open the link confirm nothing (TRUST L2, T7)."""
    with reading() as session:
        proof = session.get(ConsentRecord, _record_id(token))
        return _confirm_page(session, proof, "ask")


@blueprint.post("/confirm/<token>")
def confirmed(token: str) -> str:
    """Confirm, and say what came of it."""
    with transaction() as session:
        record_id = _record_id(token)
        outcome = confirm(session, record_id, utc_now(), request.remote_addr)
        return _confirm_page(session, session.get(ConsentRecord, record_id), outcome.value)


def _form(session: Session, key: str) -> SignupForm:
    row = session.scalar(select(SignupForm).where(SignupForm.key == key, SignupForm.archived_at.is_(None)))
    if row is None:
        raise NotFound(_("There is no such form."))
    speak(row.language)
    return row


def _fields(session: Session, row: SignupForm) -> SignupFields:
    return signup_fields(row, custom_fields(session))()


def _show(session: Session, row: SignupForm, fields: SignupFields) -> str:
    fields.token.data = _tokens().sign(Purpose.FORM, row.id, int(utc_now().timestamp()))
    sender = session.get_one(Sender, row.sender_id)
    return render_template("subscribers/public/form.html", form=row, fields=fields, sender=sender)


def _sent(session: Session, row: SignupForm) -> str:
    return render_template("subscribers/public/sent.html", form=row, sender=session.get_one(Sender, row.sender_id))


def _was_filled_in_by_a_person(row: SignupForm, fields: SignupFields, now: datetime) -> bool:
    match _tokens().read(Purpose.FORM, fields.token.data or ""):
        case (form_id, shown_at) if form_id == row.id:
            return bool(FILL_TIME.total_seconds() <= now.timestamp() - shown_at <= TOKEN_LIFE.total_seconds())
    return False


def _request(session: Session, fields: SignupFields) -> SignupRequest:
    return SignupRequest(
        address=parse_address(fields.email.data),
        typed=fields.email.data.strip(),
        wants_tracking=fields.tracking.data,
        answers=answers_of(fields, custom_fields(session)),
        page_url=(request.referrer or request.url)[:2000],
        ip=request.remote_addr,
    )


def _record_id(token: str) -> int:
    found = read_confirm(_tokens(), token)
    if found is None:
        raise NotFound(_("There is no such page."))
    return found


def _confirm_page(session: Session, proof: ConsentRecord | None, outcome: str) -> str:
    form = session.get(SignupForm, proof.form_id) if proof and proof.form_id else None
    speak(proof.language if proof else None)
    sender_id = form.sender_id if form else select(Sender.id).order_by(Sender.id).limit(1).scalar_subquery()
    sender = session.scalar(select(Sender).where(Sender.id == sender_id))
    outcome = outcome if proof else "expired"
    return render_template("subscribers/public/confirm.html", outcome=outcome, form=form, sender=sender)


def _tokens() -> Any:
    return current_app.extensions["letterbond.tokens"]
