"""Who keeps the mailbox of an address.

In charge of the table of domains. Domains of firms are not looked up anywhere: they are `other`.
"""

from app.subscribers.models import Provider

_DOMAINS: dict[Provider, str] = {
    Provider.GMAIL: "gmail.com googlemail.com",
    Provider.OUTLOOK: "outlook.com outlook.de hotmail.com hotmail.de hotmail.co.uk hotmail.fr live.com live.de msn.com",
    Provider.YAHOO: "yahoo.com yahoo.de yahoo.co.uk yahoo.fr yahoo.it yahoo.es ymail.com rocketmail.com aol.com aol.de",
    Provider.ICLOUD: "icloud.com me.com mac.com",
    Provider.GMX: "gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.org gmx.info gmx.eu mail.com",
    Provider.WEB_DE: "web.de email.de",
    Provider.T_ONLINE: "t-online.de magenta.de",
    Provider.FREENET: "freenet.de freenet.email",
    Provider.POSTEO: "posteo.de posteo.net posteo.at posteo.ch posteo.eu",
    Provider.MAILBOX_ORG: "mailbox.org",
    Provider.PROTON: "proton.me protonmail.com protonmail.ch pm.me",
}
PROVIDERS = {domain: provider for provider, domains in _DOMAINS.items() for domain in domains.split()}


def provider_of(email: str) -> Provider:
    """The provider of an address, whose domain is in lower case."""
    return PROVIDERS.get(email.rpartition("@")[2].lower(), Provider.OTHER)
