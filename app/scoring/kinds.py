"""What scoring itself makes happen."""

from app.feature import EventKind
from segments.label import Label

# `data` holds the names and ids of both tiers, as they were then.
TIER_CHANGED = EventKind(40, "tier_changed", Label("Tier changed", "Stufe gewechselt"), icon="award", touchpoint=False)

KINDS = (TIER_CHANGED,)
