"""The links of a mail that lead to its reader's own pages, and what their tokens say.

All are capabilities: who has the link may press the button behind it, without login. Raising `Subscriber.token_epoch`
ends all older ones. Not in charge of: the pages (`public_choices.py`).
"""

from dataclasses import dataclass

from app.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Who wants to leave what, because of which mail; 0 stands for no topic, no campaign."""

    subscriber_id: int
    token_epoch: int
    topic_id: int
    campaign_id: int


def unsubscribe_url(
    tokens: Tokens, base_url: str, subscriber_id: int, token_epoch: int, topic_id: int = 0, campaign_id: int = 0
) -> str:
    """The page to leave, and the one-click address of `List-Unsubscribe` (RFC 8058 §3.1)."""
    token = tokens.sign(Purpose.UNSUBSCRIBE, subscriber_id, token_epoch, topic_id, campaign_id)
    return f"{base_url}/u/{token}"


def preferences_url(tokens: Tokens, base_url: str, subscriber_id: int, token_epoch: int) -> str:
    """The page where a person chooses topics, name, language and tracking."""
    return f"{base_url}/preferences/{tokens.sign(Purpose.PREFERENCES, subscriber_id, token_epoch)}"


def tracking_off_url(tokens: Tokens, base_url: str, subscriber_id: int, token_epoch: int) -> str:
    """The page with one button that ends personal tracking (TRUST L10)."""
    return f"{base_url}/tracking-off/{tokens.sign(Purpose.PREFERENCES, subscriber_id, token_epoch)}"


def confirm_url(tokens: Tokens, base_url: str, record_id: int) -> str:
    """The page with the button that completes a double opt-in."""
    return f"{base_url}/confirm/{tokens.sign(Purpose.CONFIRM, record_id)}"


def read_unsubscribe(tokens: Tokens, token: str) -> UnsubscribeLink | None:
    """What an unsubscribe token says; None if it was not signed here."""
    numbers = tokens.read(Purpose.UNSUBSCRIBE, token)
    return UnsubscribeLink(*numbers) if numbers and len(numbers) == 4 else None


def read_preferences(tokens: Tokens, token: str) -> tuple[int, int] | None:
    """Subscriber and token epoch; None if it was not signed here."""
    match tokens.read(Purpose.PREFERENCES, token):
        case (subscriber_id, token_epoch):
            return subscriber_id, token_epoch
    return None


def read_confirm(tokens: Tokens, token: str) -> int | None:
    """The consent record to confirm; None if it was not signed here."""
    match tokens.read(Purpose.CONFIRM, token):
        case (record_id,):
            return record_id
    return None
