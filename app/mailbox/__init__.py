"""The mailbox feature: what the built-in mailbox caught, for looking at. A leaf: nobody imports it but its pages."""

from flask import Blueprint, current_app
from flask_babel import lazy_gettext as _l

from app.feature import Feature, NavigationEntry


def _is_shown() -> bool:
    """Only where mail is caught at all."""
    return bool(current_app.extensions["letterbond.config"].embedded_mailbox)


def _blueprints() -> tuple[Blueprint, ...]:
    from app.mailbox import views

    return (views.blueprint,)


feature = Feature(
    name="mailbox",
    blueprints=_blueprints,
    navigation=(NavigationEntry(_l("Caught mail"), "mailbox.index", icon="inbox", position=85, is_shown=_is_shown),),
)
