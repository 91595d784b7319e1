"""The doorframe: what a feature brings into the house, as one frozen value.

`create_app` folds the list in `features.py` into one vocabulary, one table of kinds and one timetable, and hands them
down. No registration at import, no discovery: a new feature is one folder and two lines.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, current_app
from sqlalchemy import ColumnElement, Select, SelectBase
from sqlalchemy.orm import Session

from app.queue import Timed
from app.tally import Tally, write_tallies
from segments.label import Label
from segments.vocabulary import Choices, Field, Vocabulary

if TYPE_CHECKING:
    from app.events.batch import NewEvents
    from app.events.models import Event
    from app.importing.importer import Importer


class Measure(StrEnum):
    """What the value of an event is: money in minor units, or an answer from 0 to 10 to the net promoter question."""

    MONEY = "money"
    NPS = "nps"


@dataclass(frozen=True, slots=True)
class EventKind:
    """Something that can happen to a subscriber, in the past tense.

    `code` is what the database stores: never change or reuse one. `points` is the default of its score rule, None where
    it cannot be scored; `per_amount` adds a point per so many whole currency units. `measure` says what its value is,
    where it has one: so reports find it, and do not know whose kind it is.
    """

    code: int
    name: str
    label: Label
    icon: str = "point"
    points: int | None = None
    per_amount: int | None = None
    touchpoint: bool = True
    measure: Measure = Measure.MONEY


@dataclass(frozen=True, slots=True)
class ScoreCondition:
    """A question that a score rule may ask of events of these kinds, such as which product was bought.

    `sql(value)` is the condition over Event, never NULL; `value` is what `read` made of what was typed (ValueError with
    a sentence for people if it cannot). `choices` are what may be chosen from; without them anything may be typed.
    """

    name: str
    label: Label
    kinds: frozenset[str]
    sql: Callable[[str], ColumnElement[bool]]
    read: Callable[[str], str] = str
    choices: Callable[[Session], Choices] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What a feature knows of the past, so that a rule can be asked as it would have answered then.

    `moments` are tables of what happened, by name, with the column that says when. `standing(session, moment)` gives
    columns of Standing as they were just before a moment: a SELECT of subscriber_id and those named in `columns`, for
    the people who had any; of others they are what stands beside the name. `tables` are derived from what happened, by
    name: a SELECT of all their columns as they were just before a moment.
    """

    moments: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, int | None] = field(default_factory=dict)
    standing: Callable[[Session, datetime], "Select[*tuple[Any, ...]]"] | None = None
    tables: Mapping[str, Callable[[Session, datetime], SelectBase]] = field(default_factory=dict)


# What a batch of new events adds to columns of people's rows; asked before `on_events`, in the same order.
OfEvents = Callable[[Session, "NewEvents"], Tally]
# Sees each batch of new events, in the transaction that records them, in the order of FEATURES.
OnEvents = Callable[[Session, "NewEvents"], None]
# Told whose events were taken away (an import was undone): what stands on events is made anew for these people.
OnEventsRemoved = Callable[[Session, Sequence[int]], None]
# What mails may say of each of these people, of which only some names are wanted: `orders` for `orders.count`.
MergeTags = Callable[[Session, Sequence[int], Container[str]], dict[int, dict[str, Any]]]
# Words of the vocabulary that depend on rows, such as custom fields and tags: asked per request.
Fields = Callable[[Session], Iterable[Field]]


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A line of the sidebar."""

    label: Any
    endpoint: str
    icon: str
    position: int
    shortcut: str | None = None
    is_shown: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """A card on a person's page: a template and the values it shows."""

    template: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of a person's timeline. `note` is a quiet word beside it, such as who caused it."""

    at: datetime
    title: str
    icon: str = "point"
    text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """Something that uses a segment, and its page."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Feature:
    """One room of the house."""

    name: str
    # Its pages and its part of the API, loaded only where they are served: workers serve none.
    blueprints: Callable[[], Iterable[Blueprint]] = tuple
    event_kinds: tuple[EventKind, ...] = ()
    score_conditions: tuple[ScoreCondition, ...] = ()
    fields: Fields | None = None
    merge_tags: MergeTags | None = None
    tally: OfEvents | None = None
    on_events: OnEvents | None = None
    on_events_removed: OnEventsRemoved | None = None
    timetable: tuple[Timed, ...] = ()
    navigation: tuple[NavigationEntry, ...] = ()
    # What it takes from files, loaded only where files are.
    importers: Callable[[], Iterable["Importer"]] = tuple
    history: History | None = None
    # Cards on the page of the subscriber with this id; None where there is nothing to show.
    profile_cards: tuple[Callable[[Session, int], ProfileCard | None], ...] = ()
    # What else belongs on the timeline of a person: up to so many entries, the newest first.
    timeline: Callable[[Session, int, int], Iterable[TimelineEntry]] | None = None
    # What to say beneath events, by event id: the name of their campaign, the link that was clicked.
    captions: Callable[[Session, Sequence["Event"]], Mapping[int, str]] | None = None
    # What uses the segment with this id.
    segment_uses: Callable[[Session, int], Iterable[Use]] | None = None
    # Writes what a new installation begins with, once, at the first-run setup.
    defaults: Callable[[Session, datetime], None] | None = None
    # Hangs in what is no blueprint, such as a WSGI callable ahead of Flask.
    attach: Callable[[Flask], None] | None = None


@dataclass(frozen=True, slots=True)
class House:
    """All features together."""

    features: tuple[Feature, ...]
    kinds: dict[str, EventKind] = field(init=False)

    def __post_init__(self) -> None:
        """Refuse two kinds with one name or one code."""
        kinds = [kind for feature in self.features for kind in feature.event_kinds]
        by_name = {kind.name: kind for kind in kinds}
        if len(by_name) != len(kinds) or len({kind.code for kind in kinds}) != len(kinds):
            raise ValueError("two event kinds share a name or a code")
        object.__setattr__(self, "kinds", by_name)

    @property
    def score_conditions(self) -> dict[str, ScoreCondition]:
        """What score rules may ask, by name."""
        return {each.name: each for feature in self.features for each in feature.score_conditions}

    def kind_of(self, code: int) -> EventKind | None:
        """The kind stored as `code`; None if its feature was taken out."""
        return next((kind for kind in self.kinds.values() if kind.code == code), None)

    def vocabulary(self, session: Session) -> Vocabulary:
        """All words that a rule may use now."""
        return Vocabulary(word for feature in self.features if feature.fields for word in feature.fields(session))

    def on_events(self, session: Session, events: "NewEvents", *more: Tally) -> None:
        """Add what a batch of new events adds to people's rows (and `more`), then let every feature see it."""
        write_tallies(session, [*more, *(each.tally(session, events) for each in self.features if each.tally)])
        for feature in self.features:
            if feature.on_events:
                feature.on_events(session, events)

    def on_events_removed(self, session: Session, subscriber_ids: Sequence[int]) -> None:
        """Let every feature make anew what it derived from the events of these people."""
        for feature in self.features:
            if feature.on_events_removed and subscriber_ids:
                feature.on_events_removed(session, subscriber_ids)

    @property
    def importers(self) -> dict[str, "Importer"]:
        """What files may hold, by kind."""
        return {each.kind: each for feature in self.features for each in feature.importers()}

    def merge_values(
        self, session: Session, subscriber_ids: Sequence[int], wanted: Container[str]
    ) -> dict[int, dict[str, Any]]:
        """What merge tags may say of each of these people, as far as it is wanted."""
        values: dict[int, dict[str, Any]] = {subscriber_id: {} for subscriber_id in subscriber_ids}
        for feature in self.features:
            if feature.merge_tags:
                for subscriber_id, tags in feature.merge_tags(session, subscriber_ids, wanted).items():
                    values[subscriber_id].update(tags)
        return values

    def write_defaults(self, session: Session, now: datetime) -> None:
        """Give a new installation what it begins with."""
        for feature in self.features:
            if feature.defaults:
                feature.defaults(session, now)

    def profile_cards(self, session: Session, subscriber_id: int) -> list[ProfileCard]:
        """Every feature's cards for a person's page, in the order of FEATURES."""
        cards = (card(session, subscriber_id) for feature in self.features for card in feature.profile_cards)
        return [card for card in cards if card]

    def segment_uses(self, session: Session, segment_id: int) -> list[Use]:
        """Everything that uses a segment."""
        asked = [feature.segment_uses for feature in self.features if feature.segment_uses]
        return [use for uses in asked for use in uses(session, segment_id)]

    @property
    def timetable(self) -> tuple[Timed, ...]:
        """Every line of every feature's timetable."""
        return tuple(timed for feature in self.features for timed in feature.timetable)

    @property
    def navigation(self) -> list[NavigationEntry]:
        """The sidebar, in order."""
        entries = [entry for feature in self.features for entry in feature.navigation]
        return sorted(entries, key=lambda entry: entry.position)

    def register(self, app: Flask, *, pages: bool = True) -> None:
        """Hang every blueprint into the app; without `pages` only what is no blueprint."""
        app.extensions["letterbond.house"] = self
        for feature in self.features:
            for blueprint in feature.blueprints() if pages else ():
                app.register_blueprint(blueprint)
            if feature.attach:
                feature.attach(app)


def house() -> House:
    """The house of the running app."""
    found: House = current_app.extensions["letterbond.house"]
    return found
