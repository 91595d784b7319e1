"""What a reply means for a mail, and in what words it reaches pages and logs.

It keeps apart whose trouble it is: DEFERRED and BOUNCED speak of one recipient, UNREACHABLE of everybody. Not in
charge of: connections, and of what a provider means by a refusal (`providers.py`).
"""

import re
import ssl

from app.transport import Outcome, Result
from workers.smtp.replies import Reply

LOST = 421  # RFC 5321 §3.8: the server closes the connection, whatever was asked
TOO_BIG = 552
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_BLANK = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_LONGEST_TEXT = 500


def outcome_of(reply: Reply, phase: str = "dot") -> Outcome:
    """The final word on a mail that was answered so at `phase`."""
    result = _result(reply[0])
    # A refused sender is nobody's fault among the recipients, and the next one would hear the same.
    if phase == "mail" and result is Result.BOUNCED and reply[0] != TOO_BIG:
        result = Result.UNREACHABLE
    return outcome(result, reply)


def outcome(result: Result, reply: Reply) -> Outcome:
    """`result` in the words of this reply."""
    text = words(reply[1])
    enhanced = _ENHANCED.match(text)
    return Outcome(result, reply[0], enhanced[1] if enhanced else None, text)


def words(text: bytes) -> str:
    """One line of what the server said (S8)."""
    return _BLANK.sub(" ", text.decode("utf-8", "replace")).strip()[:_LONGEST_TEXT]


def said(reply: Reply) -> str:
    """Code and words."""
    return f"{reply[0]} {words(reply[1])}".strip()


def reason(error: OSError) -> str:
    """Why the network or TLS failed, without numbers of the system."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, TimeoutError) and not error.strerror:
        return "no answer in time"
    text = str(error) or type(error).__name__
    # asyncio puts the address into the text and several reasons into one; the last is the system's.
    found = re.search(r"\[Errno \d+\] ([A-Za-z ,]+)", text) if error.strerror is None or "(" in text else None
    return found[1] if found else (error.strerror or text)


def _result(code: int) -> Result:
    match code // 100:
        case 2:
            return Result.ACCEPTED
        case 5:
            return Result.BOUNCED
        case _:
            return Result.DEFERRED
