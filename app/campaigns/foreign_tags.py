"""Tags of other mailing programs, left over in a mail that was moved here: readers would see them as they stand.

In charge of: finding them, and of saying what is written here instead, where we know. Not of tags between `{{` and
`}}`, which are read as ours (`merge_tags.py`) and complained about as ours (`problem.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from segments.label import Label


@dataclass(frozen=True, slots=True)
class ForeignTag:
    """As it is written, where it stands first, and our own tag for the same; None if we know none."""

    text: str
    line: int
    ours: str | None

    @property
    def label(self) -> Label:
        """What to do about it."""
        if self.ours:
            return Label(
                en=f"“{self.text}” is a tag of another program: readers would see it so. Write {self.ours} instead.",
                de=f"„{self.text}“ ist ein Platzhalter eines anderen Programms: Lesende sähen ihn so. "
                f"Schreiben Sie {self.ours}.",
            )
        return Label(
            en=f"“{self.text}” looks like a tag of another program: readers would see it so. "
            "Tags are written {{ … }} here.",
            de=f"„{self.text}“ sieht aus wie ein Platzhalter eines anderen Programms: Lesende sähen ihn so. "
            "Hier schreibt man {{ … }}.",
        )


def foreign_tags(source: str) -> Iterator[ForeignTag]:
    """Each of them once, in the order in which they stand first."""
    seen: set[str] = set()
    for found in _TAG.finditer(source):
        text = found[0]
        if text not in seen:
            seen.add(text)
            line = source.count("\n", 0, found.start()) + 1
            yield ForeignTag(text, line, _ours(re.sub(r"[^A-Z]", "", text.upper())))


def _ours(name: str) -> str | None:
    return next((f"{{{{ {ours} }}}}" for ours, theirs in _OURS.items() if name in theirs), None)


# Mailchimp's *|FNAME|*, Salesforce's %%First Name%%, ActiveCampaign's %FIRSTNAME%, Mailgun's %recipient.name%, and the
# {FIRSTNAME} and [FIRSTNAME] of others. Of the last ones only what is surely a tag: words in brackets may be meant.
_WORDS = (
    "VORNAME|NACHNAME|FIRST_?NAME|LAST_?NAME|F_?NAME|L_?NAME|E_?MAIL|UNSUBSCRIBE(?:_?(?:URL|LINK))?|WEBVERSION|ANREDE"
)
_TAG = re.compile(
    r"\*\|[A-Z][A-Z0-9_:]*\|\*"
    r"|%%[A-Za-z][A-Za-z_ ]{1,40}%%"
    r"|%recipient[._][a-z_]+%"
    rf"|%(?:{_WORDS})%"
    rf"|(?<!\{{)\{{(?:{_WORDS}|{_WORDS.lower()})\}}(?!\}})"
    rf"|\[(?:{_WORDS})\]"
)
# By the letters of their names.
_OURS = {
    "first_name": {"FNAME", "FIRSTNAME", "VORNAME", "RECIPIENTFIRSTNAME"},
    "last_name": {"LNAME", "LASTNAME", "NACHNAME", "RECIPIENTLASTNAME"},
    "name": {"RECIPIENTNAME"},
    "email": {"EMAIL", "EMAILADDRESS", "EMAILADDR", "RECIPIENTEMAIL"},
    "unsubscribe_url": {"UNSUB", "UNSUBSCRIBE", "UNSUBSCRIBEURL", "UNSUBSCRIBELINK"},
    "preferences_url": {"UPDATEPROFILE", "PROFILECENTERURL", "SUBSCRIPTIONCENTERURL"},
    "webview_url": {"ARCHIVE", "WEBVERSION", "VIEWEMAILURL"},
    "sender.imprint": {"LISTADDRESS", "HTMLLISTADDRESS", "HTMLLISTADDRESSHTML", "LISTADDRESSVCARD"},
    "sender.name": {"LISTCOMPANY"},
}
