"""Tags that were left over from another program are seen before readers see them."""

import pytest

from app.campaigns.compile import compile_edition
from app.campaigns.foreign_tags import foreign_tags
from app.campaigns.layouts import layouts
from app.campaigns.merge_tags import MERGE_TAGS
from app.campaigns.problem import TemplateInvalid


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("*|FNAME|*", "{{ first_name }}"),
        ("*|UNSUB|*", "{{ unsubscribe_url }}"),
        ("*|HTML:LIST_ADDRESS_HTML|*", "{{ sender.imprint }}"),
        ("*|IF:REWARDS|*", None),
        ("%%First Name%%", "{{ first_name }}"),
        ("%recipient.email%", "{{ email }}"),
        ("%FIRSTNAME%", "{{ first_name }}"),
        ("{VORNAME}", "{{ first_name }}"),
        ("{firstname}", "{{ first_name }}"),
        ("{UNSUBSCRIBE}", "{{ unsubscribe_url }}"),
        ("[NACHNAME]", "{{ last_name }}"),
        ("[EMAIL]", "{{ email }}"),
    ],
)
def test_what_others_write_is_known_and_what_we_write_is_said(text: str, ours: str | None) -> None:
    (found,) = foreign_tags(f"<p>\n  {text} and once more {text}")
    assert (found.text, found.line, found.ours) == (text, 2, ours)
    for sentence in (found.label.en, found.label.de):
        assert text in sentence
        assert (ours or "{{ … }}") in sentence


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name }} {{first_name}} {% if email %}",
        "100 % cotton, 50%% off, a [note] and an (EMAIL)",
        "https://shop.example/%C3%BC?a=%EMAIL&b=%7Bname%7D",
        "<style>p{color:red}@media(max-width:600px){a{b:c}}</style>",
        "*| and |* alone, [RE], {a}",
    ],
)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert list(foreign_tags(text)) == []


def test_what_is_written_instead_exists() -> None:
    ours = {tag.name for tag in MERGE_TAGS}
    for name in ("FNAME", "LNAME", "EMAIL", "UNSUB", "UPDATE_PROFILE", "ARCHIVE", "LIST:ADDRESS", "LIST:COMPANY"):
        (found,) = foreign_tags(f"*|{name}|*")
        assert found.ours
        assert found.ours.strip("{} ") in ours


def test_our_own_layouts_have_none() -> None:
    assert [list(foreign_tags(layout.html)) for layout in layouts() if list(foreign_tags(layout.html))] == []


def test_a_tag_of_go_is_explained() -> None:
    with pytest.raises(TemplateInvalid, match=r"line 2: A name cannot begin with a dot"):
        compile_edition("", "", "<p>\nDear {{ .Subscriber.Name }}</p>")
