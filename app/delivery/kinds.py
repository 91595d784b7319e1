"""What happens to mails on their way. That a mail was sent is no event: the ledger is its record."""

from app.feature import EventKind
from segments.label import Label

BOUNCED = EventKind(10, "bounced", Label("Bounced", "Unzustellbar"), icon="mail-x")
COMPLAINED = EventKind(11, "complained", Label("Complained", "Beschwert"), icon="mood-angry")
DEFERRED = EventKind(12, "deferred", Label("Deferred", "Verzögert"), icon="clock-pause", touchpoint=False)

KINDS = (BOUNCED, COMPLAINED, DEFERRED)
