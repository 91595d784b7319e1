"""Who runs this installation: login, first-run setup, the organisation, its senders and their signatures, API keys."""

from flask_babel import lazy_gettext as _l

from app.accounts import public, signing_views, views
from app.feature import Feature, NavigationEntry

feature = Feature(
    name="accounts",
    blueprints=(public.blueprint, views.blueprint, signing_views.blueprint),
    navigation=(NavigationEntry(_l("Settings"), "settings.index", "settings", 90),),
)
