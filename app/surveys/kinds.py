"""What happens in surveys."""

from app.feature import EventKind, Measure
from segments.label import Label

# Who answers gives more than a click, whatever she says; what she says can be worth more by a rule of its own.
ANSWERED = EventKind(50, "answered", Label("Answered", "Geantwortet"), icon="star", points=5, measure=Measure.NPS)

KINDS = (ANSWERED,)
