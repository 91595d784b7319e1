"""Topics, custom fields and tags for machines."""

from typing import Any

from app.accounts.access import for_machines
from app.db import reading, transaction
from app.subscribers.custom_fields import add_field, custom_fields
from app.subscribers.models import CustomField, Topic
from app.subscribers.schemas import FieldIn, FieldOut, Fields, Tags, TopicIn, TopicOut, Topics
from app.subscribers.topics import save_topic, tags_with_counts, topics

blueprint = for_machines("words_api", __name__)


@blueprint.get("/topics")
@blueprint.output(Topics)
@blueprint.doc(summary="List topics", tags=["Topics"])
def list_topics() -> dict[str, Any]:
    """All of them, by name."""
    with reading() as session:
        return {"items": topics(session)}


@blueprint.post("/topics")
@blueprint.input(TopicIn, arg_name="given")
@blueprint.output(TopicOut, status_code=201)
@blueprint.doc(summary="Create a topic", tags=["Topics"], responses=[409])
def add_topic(given: TopicIn) -> Topic:
    """Its key is part of List-Id and never changes."""
    with transaction() as session:
        return save_topic(session, None, **given.model_dump())


@blueprint.get("/fields")
@blueprint.output(Fields)
@blueprint.doc(summary="List custom fields", tags=["Custom fields"])
def list_fields() -> dict[str, Any]:
    """All of them, in the order they were made."""
    with reading() as session:
        return {"items": custom_fields(session)}


@blueprint.post("/fields")
@blueprint.input(FieldIn, arg_name="given")
@blueprint.output(FieldOut, status_code=201)
@blueprint.doc(summary="Create a custom field", tags=["Custom fields"], responses=[409])
def add_custom_field(given: FieldIn) -> CustomField:
    """Values are checked against its kind from then on."""
    with transaction() as session:
        return add_field(session, given.key, given.label, given.kind, given.choices)


@blueprint.get("/tags")
@blueprint.output(Tags)
@blueprint.doc(summary="List tags", tags=["Tags"])
def list_tags() -> dict[str, Any]:
    """All of them with how many people wear each. A tag is made by giving it to somebody."""
    with reading() as session:
        return {
            "items": [{"id": tag.id, "name": tag.name, "people": people} for tag, people in tags_with_counts(session)]
        }
