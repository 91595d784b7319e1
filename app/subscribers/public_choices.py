"""Leaving and choosing, for whoever has the link from a mail: no login, no session, no scripts.

GET, HEAD and OPTIONS change nothing: software opens the links of mails (TRUST R12, T7). Not in charge of: what leaving
means (`lifecycle`).
"""

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
from app.subscribers.forms import LANGUAGE_NAMES, PreferencesForm, options
from app.subscribers.lifecycle import resubscribe, set_tracking, unsubscribe
from app.subscribers.links import UnsubscribeLink, read_preferences, read_unsubscribe, unsubscribe_url
from app.subscribers.models import ConsentRecord, SignupForm, Status, Subscriber, Topic, TrackingMode
from app.subscribers.profile import change_profile
from app.subscribers.topics import set_topics, topic_ids_of, topics

blueprint = for_visitors("choices", __name__)
# The link is the proof of who asks; RFC 8058 §3.1 forbids its POST to carry anything else.
csrf.exempt(blueprint)


@blueprint.after_request
def _keep_no_copy(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/u/<token>")
def leave_page(token: str) -> str:
    """One button."""
    with reading() as session:
        return _leave_page(session, *_leaver(session, token), "ask")


@blueprint.post("/u/<token>")
def leave(token: str) -> str:
    """Leave: by the mail program's own button (RFC 8058 §3.2) or by ours; any other POST gets the page."""
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    scope = "topic" if one_click else request.form.get("leave")
    with transaction() as session:
        link, person = _leaver(session, token)
        if scope not in {"topic", "all"}:
            return _leave_page(session, link, person, "ask")
        unsubscribe(
            session,
            person.id,
            utc_now(),
            topic_id=link.topic_id if scope == "topic" else None,
            campaign_id=link.campaign_id,
            how="one-click" if one_click else "page",
        )
        return _leave_page(session, link, person, "done")


@blueprint.post("/u/<token>/undo")
def come_back(token: str) -> str:
    """ "That was a mistake"."""
    with transaction() as session:
        link, person = _leaver(session, token)
        is_back = resubscribe(session, person.id, utc_now(), topic_id=link.topic_id or None)
        return _leave_page(session, link, person, "back" if is_back else "late")


@blueprint.route("/preferences/<token>", methods=["GET", "POST"])
def preferences(token: str) -> str:
    """Topics, name, language, tracking."""
    opened = transaction if request.method == "POST" else reading
    with opened() as session:
        person = _reader(session, token)
        form = _preferences_form(session, person)
        is_saved = form.validate_on_submit() and _save(session, person, form)
        tokens = current_app.extensions["letterbond.tokens"]
        leave_url = unsubscribe_url(tokens, "", person.id, person.token_epoch)
        return _page(session, "preferences", person, form=form, is_saved=is_saved, leave_url=leave_url)


@blueprint.get("/tracking-off/<token>")
def tracking_page(token: str) -> str:
    """One button."""
    with reading() as session:
        return _page(session, "tracking", _reader(session, token), outcome="ask")


@blueprint.post("/tracking-off/<token>")
def tracking_off(token: str) -> str:
    """No longer learn anything from this person's opens and clicks (TRUST L10)."""
    with transaction() as session:
        person = _reader(session, token)
        set_tracking(session, person.id, TrackingMode.NONE, utc_now(), how="link", ip=request.remote_addr)
        return _page(session, "tracking", person, outcome="done")


def _leaver(session: Session, token: str) -> tuple[UnsubscribeLink, Subscriber]:
    link = read_unsubscribe(current_app.extensions["letterbond.tokens"], token)
    person = session.get(Subscriber, link.subscriber_id) if link else None
    # Whoever was erased wants out, and is: her old links say so for ever (TRUST R14).
    if link is None or person is None or not _may_use(person, link.token_epoch, also_erased=True):
        raise NotFound(_("There is no such page."))
    return link, person


def _reader(session: Session, token: str) -> Subscriber:
    numbers = read_preferences(current_app.extensions["letterbond.tokens"], token)
    person = session.get(Subscriber, numbers[0]) if numbers else None
    if numbers is None or person is None or not _may_use(person, numbers[1]):
        raise NotFound(_("There is no such page."))
    return person


def _may_use(person: Subscriber, token_epoch: int, *, also_erased: bool = False) -> bool:
    if person.standing.status is Status.ERASED:
        return also_erased
    return person.token_epoch == token_epoch


def _leave_page(session: Session, link: UnsubscribeLink, person: Subscriber, outcome: str) -> str:
    topic = session.get(Topic, link.topic_id) if link.topic_id else None
    if person.standing.status is Status.ERASED:
        outcome = "gone"
    return _page(session, "leave", person, outcome=outcome, topic=topic, token=request.view_args["token"])  # type: ignore[index]


def _preferences_form(session: Session, person: Subscriber) -> PreferencesForm:
    subscribed = topic_ids_of(session, person.id)
    # A private topic is shown to those who have it: they may leave it, and nobody else may join (TRUST S13).
    offered = [topic for topic in topics(session) if topic.is_public or topic.id in subscribed]
    form = PreferencesForm(
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.standing.language,
        topics=[str(topic.id) for topic in offered if topic.id in subscribed],
        tracking=person.standing.tracking is TrackingMode.PERSONAL,
    )
    form.topics.choices = options((topic.id, topic.name) for topic in offered)
    names = dict(LANGUAGE_NAMES)
    if person.standing.language:
        names.setdefault(person.standing.language, person.standing.language)
    form.language.choices = options(names.items())
    return form


def _save(session: Session, person: Subscriber, form: PreferencesForm) -> bool:
    now = utc_now()
    names = {name: form[name].data for name in ("first_name", "last_name", "language")}
    change_profile(session, person.id, names, now)
    if person.standing.status is Status.ACTIVE:
        offered = [int(choice.value) for choice in form.topics.choices]
        set_topics(session, person.id, map(int, form.topics.data or ()), now, among=offered)
    is_personal = person.standing.tracking is TrackingMode.PERSONAL
    if form.tracking.data != is_personal:
        mode = TrackingMode.PERSONAL if form.tracking.data else TrackingMode.NONE
        words = str(form.tracking.label.text)
        set_tracking(session, person.id, mode, now, how="preferences", wording=words, ip=request.remote_addr)
    return True


def _page(session: Session, name: str, person: Subscriber, **values: Any) -> str:
    speak(person.standing.language)
    return render_template(
        f"subscribers/public/{name}.html", sender=_sender_of(session, person), person=person, **values
    )


def _sender_of(session: Session, person: Subscriber) -> Sender | None:
    """The brand whose form she used last, else the first one."""
    used = (
        select(SignupForm.sender_id)
        .join(ConsentRecord, ConsentRecord.form_id == SignupForm.id)
        .where(ConsentRecord.subscriber_id == person.id)
        .order_by(ConsentRecord.id.desc())
    )
    sender_id = session.scalar(used.limit(1)) or session.scalar(select(Sender.id).order_by(Sender.id).limit(1))
    return session.get(Sender, sender_id) if sender_id else None
