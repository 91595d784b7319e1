"""What happens to subscribers: signing up, confirming, leaving, changing their mind."""

from app.feature import EventKind
from segments.label import Label

SUBSCRIBED = EventKind(1, "subscribed", Label("Signed up", "Angemeldet"), icon="user-plus")
CONFIRMED = EventKind(2, "confirmed", Label("Confirmed", "Bestätigt"), icon="circle-check", points=10)
UNSUBSCRIBED = EventKind(3, "unsubscribed", Label("Unsubscribed", "Abgemeldet"), icon="user-minus", points=-20)
CONSENT_CHANGED = EventKind(
    4, "consent_changed", Label("Consent changed", "Einwilligung geändert"), icon="shield-check", touchpoint=False
)
IMPORTED = EventKind(5, "imported", Label("Imported", "Importiert"), icon="file-import", touchpoint=False)

KINDS = (SUBSCRIBED, CONFIRMED, UNSUBSCRIBED, CONSENT_CHANGED, IMPORTED)
