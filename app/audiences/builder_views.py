"""The page that builds a segment. All its buttons post the whole form; see `builder.py`."""

from typing import Any

from babel.dates import get_month_names
from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts.access import for_marketers
from app.audiences.builder import ROOT, Group, Mode, Row, act, from_rule, places, understood, unfinished
from app.audiences.builder_form import from_form
from app.audiences.count import Overlap, overlap, sample
from app.audiences.jobs import refresh_segments
from app.audiences.models import Segment
from app.audiences.reading import Reader, reader
from app.audiences.segment import change, create, current_segments, find, said_of
from app.audiences.starters import starters
from app.db import reading, transaction, utc_now
from app.errors import Conflict, Invalid
from app.i18n import language
from app.marks import mark_of
from app.queue import enqueue
from segments.rule import RuleError, parse
from segments.typed import MAX_LENGTH, SentenceError, read_sentence
from segments.vocabulary import Field

blueprint = for_marketers("segment_builder", __name__, url_prefix="/segments")


@blueprint.context_processor
def _words() -> dict[str, Any]:
    names = {"Mode": Mode, "ROOT": ROOT, "understood": understood, "with_chosen": with_chosen}
    return {**names, "spoken": language, "months": get_month_names("wide", "stand-alone", language())}


@blueprint.get("/new")
def new() -> str:
    """An empty form, or one that a ready-made segment fills."""
    with reading() as session:
        words = reader(session, utc_now())
        chosen = {starter.key: starter for starter in starters(words.vocabulary)}.get(request.args.get("start", ""))
        tree = from_rule(parse(chosen.rule)) if chosen else Group(Mode.ALL, [Row()])
        return _page(session, words, tree, name=chosen.name(language()) if chosen else "")


@blueprint.get("/<int:segment_id>/edit")
def edit(segment_id: int) -> str:
    """The form with a segment in it; what its rule says that no form can show is kept as it is."""
    with reading() as session:
        segment = find(session, segment_id)
        tree = from_rule(parse(segment.rule))
        shown = {"segment_id": segment_id, "name": segment.name, "description": segment.description}
        shown["mark"] = mark_of(said_of(segment))
        return _page(session, reader(session, utc_now()), tree, **shown)


@blueprint.post("/draft")
def draft() -> str:
    """A button in the form was pressed: the same form, with another row or without one."""
    with reading() as session:
        words = reader(session, utc_now())
        tree = from_form(request.form, words.vocabulary)
        act(tree, request.form.get("action", ""))
        if "HX-Request" in request.headers:
            return render_template("audiences/_builder.html", in_step=True, **_shown(session, words, tree))
        return _page(session, words, tree, **_names())


@blueprint.post("/typed")
def typed() -> str | Response | tuple[str, int]:
    """A sentence was typed: its rows, or what cannot be read in it; then the rows stay as they are."""
    text = request.form.get("typed", "")
    with reading() as session:
        words = reader(session, utc_now())
        try:
            tree = from_rule(read_sentence(text, words.vocabulary, language()))
        except SentenceError as error:
            misread = {"misread": error, "typed": text[:MAX_LENGTH]}
            if "HX-Request" not in request.headers:
                tree = from_form(request.form, words.vocabulary)
                return _page(session, words, tree, **misread, **_names()), 422
            answer = make_response(render_template("audiences/_misread.html", **misread))
            answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#misread", "innerHTML"
            return answer
        if "HX-Request" in request.headers:
            return render_template("audiences/_builder.html", understood_all=True, **_shown(session, words, tree))
        return _page(session, words, tree, **_names())


@blueprint.post("/preview")
def preview() -> str:
    """How many, who, and the sentence, while the form is being filled in."""
    with reading() as session:
        words = reader(session, utc_now())
        tree = from_form(request.form, words.vocabulary)
        return render_template("audiences/_preview.html", in_step=True, **_shown(session, words, tree))


@blueprint.post("/save")
def save() -> str | Response | tuple[str, int]:
    """Create or change the segment, or show what is wrong at its row."""
    names, now = _names(), utc_now()
    with transaction() as session:
        words = reader(session, now)
        tree = from_form(request.form, words.vocabulary)
        errors = places(tree, words.vocabulary)
        refusal = None if errors else _save(session, tree, names)
        if isinstance(refusal, Conflict):
            fresh = mark_of(said_of(find(session, names["segment_id"])))
            return _page(session, words, tree, refusal=Invalid(refusal.message), **{**names, "mark": fresh}), 409
        if errors or isinstance(refusal, Invalid):
            return _page(session, words, tree, errors=errors, refusal=refusal, **names), 422
    enqueue(refresh_segments)
    flash(_("Saved. Who is in it is being written down."), "success")
    return redirect(url_for("audiences.show", segment_id=refusal))


def _save(session: Session, tree: Group, names: dict[str, Any]) -> int | Invalid | Conflict:
    """The id of the segment, or what is wrong with it: here the form, with all that was typed, is the answer."""
    segment_id, name, description = names["segment_id"], names["name"], names["description"]
    try:
        if segment_id:
            seen = names["mark"]
            return change(session, segment_id, name, tree.to_json(), utc_now(), description, seen=seen).id
        return create(session, name, tree.to_json(), utc_now(), description).id
    except (Invalid, Conflict) as error:
        return error


def _names() -> dict[str, Any]:
    return {
        "segment_id": request.form.get("segment_id", type=int),
        "name": request.form.get("name", "")[:1000],
        "description": request.form.get("description", "")[:2000],
        "mark": request.form.get("mark", ""),
    }


def _page(session: Session, words: Reader, tree: Group, **shown: Any) -> str:
    return render_template("audiences/build.html", **_shown(session, words, tree), **shown)


def _shown(session: Session, words: Reader, tree: Group) -> dict[str, Any]:
    """What the rows and the preview need; `size` is None while the rule cannot be read."""
    segment_id = request.values.get("segment_id", request.view_args.get("segment_id") if request.view_args else None)
    others = [each for each in current_segments(session) if str(each.id) != str(segment_id)]
    shown = {"tree": tree, "words": words.vocabulary, "others": others, "size": None, "sample": [], "sentence": ""}
    rule = tree.filled().to_json()
    try:
        people = words.people(rule, side_by_side=True)
        against, found = _compared(session, words, people)
        return {
            **shown,
            "size": found.size,
            "overlap": found,
            "against": against,
            "sample": sample(session, people, found.size) if found.size else [],
            "sentence": words.sentence(rule, language()),
        }
    except RuleError as error:
        return {**shown, "problem": unfinished(tree, words.vocabulary) or error.message(language())}


def _compared(session: Session, words: Reader, people: ColumnElement[bool]) -> tuple[Segment | None, Overlap]:
    """The size, and what is shared with the segment that was chosen to be compared with."""
    chosen = request.form.get("against", type=int)
    against = session.get(Segment, chosen) if chosen else None
    if against is None or words.problem(against.rule):
        return None, overlap(session, people)
    return against, overlap(session, people, words.people(against.rule, side_by_side=True))


def with_chosen(
    field: Field, chosen: list[str], detail: str | None = None, chosen_first: bool = False
) -> list[tuple[str, str]]:
    """The options of a field or of one of its details, as (key, label); chosen keys that are gone as themselves."""
    offered = {key: label(language()) for key, label in field.options(detail)}
    lost = {key: key for key in chosen if key and key != "None" and key not in offered}
    found = [*offered.items(), *lost.items()]
    return sorted(found, key=lambda option: option[0] not in chosen) if chosen_first else found
