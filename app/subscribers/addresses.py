"""What an address is: how it is written on the wire, and when two of them are one.

In charge of: reading what a person typed, IDN domains, and the key by which addresses are compared. Not of: whether
somebody reads there (double opt-in finds out), nor of the rows that hold addresses.
"""

import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, EmailSyntaxError, validate_email
from flask import current_app
from flask_babel import gettext as _

from app.errors import Invalid

MAX_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets


class Address(NamedTuple):
    """`email` is mailed: local part as typed, domain in lower-case A-labels. `key` is compared."""

    email: str
    key: str

    @property
    def hash(self) -> str:
        """What may be kept of it after erasure (TRUST L12)."""
        return address_hash(self.key)


def parse_address(text: str) -> Address:
    """The address in `text`, or Invalid with a sentence for the person who typed it.

    Tags and dots are part of an address; only capital letters are not. `straße.de` is not `strasse.de` (TRUST R22).
    """
    typed = unicodedata.normalize("NFC", text.strip())
    if len(typed) > MAX_LENGTH:
        raise _invalid(_("This is too long for an email address."))
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailSyntaxError as error:
        raise _invalid(_sentence(typed)) from error
    except EmailNotValidError as error:
        raise _invalid(_("This address cannot be reached.")) from error
    email = f"{found.local_part}@{found.ascii_domain}"
    return Address(email, email.lower())


def address_hash(key: str) -> str:
    """The keyed hash of an address key."""
    hashed: str = current_app.extensions["letterbond.tokens"].address_hash(key)
    return hashed


def _sentence(typed: str) -> str:
    # RFC 6531 would allow it, few relays do: better said here than in a bounce later.
    if not typed.rpartition("@")[0].isascii():
        return str(_("Addresses with letters like ä or é before the @ cannot be reached."))
    return str(_("This is not an email address."))


def _invalid(sentence: str) -> Invalid:
    return Invalid(sentence, {"email": sentence})
