"""Ready-made segments to begin with."""

from dataclasses import dataclass
from typing import Any

from segments.label import Label
from segments.rule import RuleError, parse
from segments.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Starter:
    """A segment that most senders want; `key` is its name in URLs."""

    key: str
    name: Label
    why: Label
    icon: str
    rule: dict[str, Any]


def starters(vocabulary: Vocabulary) -> list[Starter]:
    """Those that the words of this house can say."""
    return [starter for starter in (*_STARTERS, *_loyal(vocabulary)) if _can_be_said(starter.rule, vocabulary)]


def _can_be_said(rule: dict[str, Any], vocabulary: Vocabulary) -> bool:
    try:
        vocabulary.check(parse(rule))
    except RuleError:
        return False
    return True


def _loyal(vocabulary: Vocabulary) -> list[Starter]:
    """Tiers are rows: the best one is looked up."""
    tiers = vocabulary["tier"].options() if "tier" in vocabulary else ()
    if not tiers:
        return []
    name, why = (
        Label("Loyal", "Treue"),
        Label("The best tier: thank them first.", "Die beste Stufe: ihnen zuerst danken."),
    )
    return [Starter("loyal", name, why, icon="award", rule={"all": [_is("tier", "is", tiers[-1][0])]})]


def _is(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    stated = {"field": field, "op": operator}
    return stated if value is None else {**stated, "value": value}


_STARTERS = (
    Starter(
        "engaged",
        Label("Engaged in the last 30 days", "In den letzten 30 Tagen aktiv"),
        Label("They open or click: your surest readers.", "Sie öffnen oder klicken: die sichersten Leser."),
        icon="flame",
        rule={"any": [_is("last_opened", "within_days", 30), _is("last_clicked", "within_days", 30)]},
    ),
    Starter(
        "sleeping",
        Label("Sleeping for 90 days", "Seit 90 Tagen still"),
        Label(
            "Mailed, yet silent: win them back, or let them go.",
            "Angeschrieben, aber still: zurückgewinnen oder ziehen lassen.",
        ),
        icon="zzz",
        rule={
            "all": [
                _is("last_sent", "within_days", 90),
                _is("last_opened", "not_within_days", 90),
                _is("last_clicked", "not_within_days", 90),
            ]
        },
    ),
    Starter(
        "birthday",
        Label("Birthday this week", "Geburtstag diese Woche"),
        Label("A greeting that nobody else sends.", "Ein Gruß, den sonst niemand schickt."),
        icon="cake",
        rule={"all": [_is("birthday", "in_next_days", 7)]},
    ),
    Starter(
        "new",
        Label("New in the last 30 days", "Neu in den letzten 30 Tagen"),
        Label(
            "Welcome them while they remember why they came.", "Willkommen heißen, solange sie wissen, warum sie kamen."
        ),
        icon="user-plus",
        rule={"all": [_is("joined", "within_days", 30)]},
    ),
    Starter(
        "never-bought",
        Label("Never bought", "Noch nie gekauft"),
        Label("Readers who are not customers yet.", "Leser, die noch keine Kunden sind."),
        icon="shopping-cart-off",
        rule={"all": [_is("orders", "equals", 0)]},
    ),
    Starter(
        "lapsing",
        Label("About to lapse", "Drohen einzuschlafen"),
        Label(
            "They read until lately: write before the silence sets in.",
            "Bis vor Kurzem gelesen: schreiben, bevor es still wird.",
        ),
        icon="hourglass-low",
        rule={
            "all": [
                _is("last_sent", "within_days", 60),
                {"any": [_is("last_opened", "within_days", 90), _is("last_clicked", "within_days", 90)]},
                {"not": {"any": [_is("last_opened", "within_days", 60), _is("last_clicked", "within_days", 60)]}},
            ]
        },
    ),
    Starter(
        "vip",
        Label("VIP customers", "VIP-Kunden"),
        Label("They buy often, lately and much.", "Sie kaufen oft, kürzlich und viel."),
        icon="crown",
        rule={"all": [_is("value_class", "is", "champions")]},
    ),
    Starter(
        "customers-at-risk",
        Label("Good customers gone quiet", "Gute Kunden, die still wurden"),
        Label(
            "Worth a call: they bought much, but not for long.",
            "Einen Anruf wert: viel gekauft, aber schon länger nicht mehr.",
        ),
        icon="alert-circle",
        rule={"all": [_is("value_class", "is_any_of", ["cannot_lose", "at_risk"])]},
    ),
    Starter(
        "never-mailed",
        Label("Never mailed", "Noch nie angeschrieben"),
        Label("They said yes, and have heard nothing since.", "Sie haben ja gesagt und seither nichts gehört."),
        icon="mail-question",
        rule={"all": [_is("was_sent", "not_happened", {})]},
    ),
    Starter(
        "bought-once",
        Label("Bought once", "Einmal gekauft"),
        Label("The second order is what makes a customer.", "Erst die zweite Bestellung macht den Kunden."),
        icon="shopping-cart",
        rule={"all": [_is("orders", "equals", 1)]},
    ),
)
