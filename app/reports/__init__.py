"""The first page and the reports: what campaigns, segments and cohorts came to. A leaf: nobody imports it."""

from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry
from app.reports import api, views

feature = Feature(
    name="reports",
    blueprints=(views.home, views.blueprint, api.blueprint),
    navigation=(
        NavigationEntry(_l("Overview"), "overview.index", icon="home", position=0, shortcut="g o"),
        NavigationEntry(_l("Reports"), "reports.index", icon="chart-bar", position=60, shortcut="g r"),
    ),
)
