"""States and reasons of the ledger in the reader's words."""

from flask_babel import lazy_gettext as _l

from app.delivery.batch import SkipReason
from app.delivery.bounce import BounceClass
from app.delivery.models import DeliveryState

STATES = {
    DeliveryState.QUEUED: _l("Queued"),
    DeliveryState.IN_FLIGHT: _l("In flight"),
    DeliveryState.SENT: _l("Sent"),
    DeliveryState.DEFERRED: _l("Deferred"),
    DeliveryState.BOUNCED: _l("Bounced"),
    DeliveryState.FAILED: _l("Failed"),
    DeliveryState.SKIPPED: _l("Skipped"),
    DeliveryState.UNKNOWN: _l("Unknown"),
}

REASONS = {
    SkipReason.UNSUBSCRIBED: _l("unsubscribed since"),
    SkipReason.NOT_CONFIRMED: _l("not confirmed"),
    SkipReason.COMPLAINED: _l("complained since"),
    SkipReason.ERASED: _l("erased"),
    SkipReason.SUPPRESSED: _l("on the suppression list"),
    SkipReason.TOPIC_ENDED: _l("left the topic"),
    SkipReason.CANCELLED: _l("campaign cancelled"),
    SkipReason.BOUNCED: _l("bounced before"),
    SkipReason.CAPPED: _l("has had enough mail lately"),
    SkipReason.BAD_ADDRESS: _l("address cannot be written to"),
    BounceClass.HARD: _l("address does not exist"),
    BounceClass.MAILBOX: _l("mailbox does not take mail"),
    BounceClass.POLICY: _l("refused by policy"),
    BounceClass.OTHER: _l("refused"),
    "template": _l("the mail could not be made"),
    "expired": _l("not taken for 72 hours"),
    "may_have_arrived": _l("no answer was read: it may have arrived"),
}
