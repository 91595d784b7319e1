"""What marketers do on behalf of a person: unsubscribe, suppress, stop tracking, erase."""

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Redirect

from app.accounts.access import for_marketers
from app.db import transaction, utc_now
from app.errors import Conflict
from app.subscribers.erasing import erase
from app.subscribers.forms import EraseForm
from app.subscribers.lifecycle import resubscribe, set_tracking, suppress, unsubscribe
from app.subscribers.models import Basis, Status, SuppressionReason, TrackingMode
from app.subscribers.people import person
from app.undo import flash_undo

blueprint = for_marketers("subscriber_actions", __name__, url_prefix="/subscribers")


@blueprint.post("/<int:subscriber_id>/unsubscribe")
def leave(subscriber_id: int) -> Redirect:
    """Unsubscribe somebody who asked for it in another way."""
    with transaction() as session:
        is_done = unsubscribe(session, person(session, subscriber_id).id, utc_now(), how="by hand")
    if is_done:
        flash_undo(_("Unsubscribed."), url_for(".come_back", subscriber_id=subscriber_id))
    return redirect(url_for("subscribers.profile", subscriber_id=subscriber_id))


@blueprint.post("/<int:subscriber_id>/undo")
def come_back(subscriber_id: int) -> Redirect:
    """Take an unsubscription back."""
    with transaction() as session:
        if resubscribe(session, person(session, subscriber_id).id, utc_now()):
            flash(_("All is as it was before."), "success")
        else:
            flash(_("This can no longer be undone."), "error")
    return redirect(url_for("subscribers.profile", subscriber_id=subscriber_id))


@blueprint.post("/<int:subscriber_id>/suppress")
def block(subscriber_id: int) -> Redirect:
    """Never mail this address again."""
    with transaction() as session:
        suppress(session, person(session, subscriber_id).id, SuppressionReason.MANUAL, utc_now())
    flash(_("This address is on the suppression list and will not be mailed again."), "success")
    return redirect(url_for("subscribers.profile", subscriber_id=subscriber_id))


@blueprint.post("/<int:subscriber_id>/tracking-off")
def stop_tracking(subscriber_id: int) -> Redirect:
    """End tracking for somebody who asked for it in another way; only she herself can begin it."""
    with transaction() as session:
        found = person(session, subscriber_id)
        set_tracking(session, found.id, TrackingMode.NONE, utc_now(), how="by hand", basis=Basis.MANUAL)
    flash(_("Nothing is noted about this person's opens and clicks any more."), "success")
    return redirect(url_for("subscribers.profile", subscriber_id=subscriber_id))


@blueprint.route("/<int:subscriber_id>/erase", methods=["GET", "POST"])
def forget(subscriber_id: int) -> str | Redirect:
    """Erase a person; it takes her address typed out, as nothing brings her back."""
    with transaction() as session:
        found = person(session, subscriber_id)
        if found.standing.status is Status.ERASED:
            raise Conflict(_("This person was erased."))
        form = EraseForm()
        if form.validate_on_submit() and form.address.data.strip().lower() == found.address_key:
            erase(session, found.id, utc_now())
            flash(_("Erased. What was counted stays, who it was is forgotten."), "success")
            return redirect(url_for("subscribers.index"))
        if form.is_submitted():
            form.address.errors = [_("This is not the address of this person.")]
        return render_template("subscribers/erase.html", form=form, person=found)
