"""The mails Letterbond itself writes: confirmation, test message.

In charge of: the triples `templates/emails/<name>.<locale>.{subject.txt,html,txt}`, which are ours and trusted. Not of
campaigns: what marketers write goes through app/campaigns and its sandbox.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEMPLATES = Path(__file__).parent.parent / "templates" / "emails"


def system_mail(name: str, locale: str, **context: Any) -> tuple[str, str, str]:
    """Subject, HTML and text in German for a German locale, else in English. A missing name raises."""
    language = "de" if locale.lower().startswith("de") else "en"
    subject, html, text = (
        _environment().get_template(f"{name}.{language}.{kind}").render(context, language=language)
        for kind in ("subject.txt", "html", "txt")
    )
    return " ".join(subject.split()), html, text.strip() + "\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
