"""Which language a page speaks.

In charge of: choosing (a user's own, else `?lang=`, else the form's or the browser's), and the gettext catalogue. Not
of: words in segments and event kinds, which carry both languages themselves (`segments.label.Label`).
"""

from pathlib import Path

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale

LOCALES = ("en", "de")


def register(app: Flask) -> None:
    """Hang Babel in; whose days a page speaks of is said by what furnishes pages (`app.pages`)."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(Path(__file__).parent / "translations")
    Babel(app, locale_selector=choose_locale)
    app.jinja_env.globals.update(locales=LOCALES, language=language)


def choose_locale() -> str:
    """The locale of this request."""
    if not has_request_context():
        return "en"
    # Workers speak without it, and never load what logs people in.
    from flask_security import current_user

    wanted = g.get("locale") or request.args.get("lang")
    if wanted in LOCALES:
        return str(wanted)
    if current_user and current_user.is_authenticated and current_user.locale in LOCALES:
        return str(current_user.locale)
    return request.accept_languages.best_match(LOCALES) or "en"


def speak(locale: str | None) -> None:
    """Let the rest of this request speak `locale`: public pages speak their form's or reader's language."""
    if locale in LOCALES:
        g.locale = locale


def language() -> str:
    """`en` or `de`, for `Label`s and `<html lang>`."""
    locale = get_locale()
    return locale.language if locale else "en"
