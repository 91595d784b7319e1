"""What happens in a shop."""

from app.feature import EventKind
from segments.label import Label

PURCHASED = EventKind(30, "purchased", Label("Bought", "Gekauft"), icon="shopping-bag", points=10, per_amount=10)

KINDS = (PURCHASED,)
