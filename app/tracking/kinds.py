"""What readers do with a mail."""

from app.feature import EventKind
from segments.label import Label

OPENED = EventKind(20, "opened", Label("Opened", "Geöffnet"), icon="mail-opened", points=1)
CLICKED = EventKind(21, "clicked", Label("Clicked", "Geklickt"), icon="click", points=3)

KINDS = (OPENED, CLICKED)
