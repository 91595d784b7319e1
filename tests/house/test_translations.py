"""Every page speaks English and German: no message is left without its translation."""

import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
PYBABEL = Path(sys.executable).with_name("pybabel")


def test_every_message_has_a_german_translation(tmp_path: Path) -> None:
    template = tmp_path / "messages.pot"
    command = [
        PYBABEL,
        "-q",
        "extract",
        "--ignore-dirs=.*",
        "-F",
        "babel.cfg",
        "-k",
        "_l",
        "-k",
        "lazy_gettext",
        "-o",
        template,
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    with template.open("rb") as stream:
        wanted = {message.id for message in read_po(stream) if message.id}
    with (ROOT / "app/translations/de/LC_MESSAGES/messages.po").open("rb") as stream:
        catalogue = read_po(stream)
        there = {
            message.id
            for message in catalogue
            if message.id
            and message.string
            and not message.fuzzy
            and all(message.string if isinstance(message.string, tuple) else (message.string,))
        }
    assert wanted - there == set()
    assert len(wanted) > 100


def test_translations_keep_their_placeholders() -> None:
    with (ROOT / "app/translations/de/LC_MESSAGES/messages.po").open("rb") as stream:
        catalogue = read_po(stream)
    wrong = [str(error) for message in catalogue if message.id for error in message.check(catalogue)]
    assert wrong == []
