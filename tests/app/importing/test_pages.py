"""The pages and the API of imports: each step as a person or a machine takes it."""

import io
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db import reading
from app.importing.models import Import, ImportState
from app.subscribers.models import CustomField, Subscriber
from tests.app.importing.running import bring_in, get, upload, work

FILE = "E-Mail;Vorname;Lieblingskäse;Geburtstag\na@example.org;Anna;Gouda;03/04/1990\nbad;=1+1;;\n"


def _send(marketer: FlaskClient, content: bytes, kind: str = "subscribers") -> Any:
    return marketer.post("/imports/new", data={"kind": kind, "file": (io.BytesIO(content), "people.csv")})


def test_a_file_goes_from_upload_to_undo(app: APIFlask, marketer: FlaskClient) -> None:
    assert "/imports/new" in marketer.get("/imports/").text
    sent = _send(marketer, FILE.encode())
    assert sent.location.endswith("/columns")
    page = marketer.get(sent.location).text
    assert "Gouda" in page
    assert 'value="email" selected' in page
    mapping = {"column-0": "email", "column-1": "first_name", "column-2": "new:text", "column-3": "birthday"}
    options = marketer.post(sent.location, data={**mapping, "format-3": "mdy"}).location
    assert options.endswith("/options")
    assert "Why may these people be mailed?" in marketer.get(options).text
    chosen = {"basis": "manual", "tracking": "none", "tracking_basis": "", "existing": "update", "tags": "fair, vip"}
    show = marketer.post(options, data=chosen).location
    with reading() as session:
        import_id = session.scalars(select(Import.id)).one()
    page = marketer.get(show).text
    assert 'role="progressbar"' in page
    assert f'hx-get="/imports/{import_id}/progress"' in page
    work(import_id)
    page = marketer.get(f"/imports/{import_id}/progress").text
    assert "Import now" in page
    assert "not an email address" in page
    assert "hx-get" not in page
    with reading() as session:
        assert not session.scalars(select(Subscriber)).all()
    assert marketer.post(f"/imports/{import_id}/run").status_code == 302
    work(import_id)
    with reading() as session:
        person = session.scalars(select(Subscriber)).one()
        field = session.scalars(select(CustomField)).one()
        assert (field.label, person.attributes) == ("Lieblingskäse", {"lieblingskaese": "Gouda"})
        assert person.standing.birthday == 304
    assert "Take back" in marketer.get(show).text
    marketer.post(f"/imports/{import_id}/undo")
    work(import_id)
    assert get(import_id).state is ImportState.UNDONE
    assert "was taken back" in marketer.get(show).text
    assert "people.csv" in marketer.get("/imports/").text


def test_rejected_rows_can_be_downloaded_and_run_no_formula(app: APIFlask, marketer: FlaskClient) -> None:
    """TRUST S7."""
    done = bring_in('email\n"=HYPERLINK(""http://x"")"\n')
    answer = marketer.get(f"/imports/{done.id}/rejects.csv")
    assert answer.mimetype == "text/csv"
    assert "2,Email address: This is not an email address.," in answer.text
    odd = bring_in("email;name\n=1+1;x\n")
    assert ",'=1+1;x" in marketer.get(f"/imports/{odd.id}/rejects.csv").text


@pytest.mark.parametrize(("content", "said"), [(b"", "The file is empty."), (b"\xff\xfe", "The file is empty.")])
def test_a_useless_file_is_refused_where_it_was_sent(
    app: APIFlask, marketer: FlaskClient, content: bytes, said: str
) -> None:
    answer = _send(marketer, content)
    assert answer.status_code == 422
    assert said in answer.text
    with reading() as session:
        assert not session.scalars(select(Import)).all()


def test_a_mapping_without_addresses_is_refused_with_a_sentence(app: APIFlask, marketer: FlaskClient) -> None:
    import_id = upload(FILE)
    answer = marketer.post(f"/imports/{import_id}/columns", data={"column-1": "first_name"})
    assert answer.status_code == 422
    assert "Say which column is “Email address”." in answer.text
    twice = {"column-0": "email", "column-1": "first_name", "column-2": "first_name"}
    assert "Two columns" in marketer.post(f"/imports/{import_id}/columns", data=twice).text


def test_personal_tracking_without_a_reason_is_refused_on_the_page(app: APIFlask, marketer: FlaskClient) -> None:
    """TRUST L8."""
    import_id = upload(FILE)
    chosen = {"basis": "manual", "tracking": "personal", "tracking_basis": "", "existing": "update", "tags": ""}
    answer = marketer.post(f"/imports/{import_id}/options", data=chosen)
    assert answer.status_code == 422
    assert "Say why, or choose another kind of tracking." in answer.text


def test_nobody_imports_without_logging_in(app: APIFlask, client: FlaskClient) -> None:
    """TRUST S16."""
    assert client.get("/imports/").status_code == 302
    assert client.post("/api/v1/imports").status_code == 401


@pytest.mark.parametrize("as_form", [True, False])
def test_machines_take_the_same_steps(app: APIFlask, api: FlaskClient, as_form: bool) -> None:
    if as_form:
        made = api.post("/api/v1/imports", data={"file": (io.BytesIO(FILE.encode()), "people.csv")})
    else:
        made = api.post("/api/v1/imports?file_name=people.csv", data=FILE.encode(), content_type="text/csv")
    assert made.status_code == 201
    assert made.json["file_name"] == "people.csv"
    url = f"/api/v1/imports/{made.json['id']}"
    assert made.json["mapping"] == {"0": "email", "1": "first_name", "3": "birthday"}
    changed = api.put(f"{url}/mapping", json={"mapping": {"0": "email"}})
    assert changed.json["mapping"] == {"0": "email"}
    assert api.put(f"{url}/options", json={"options": {"basis": "because"}}).status_code == 422
    assert api.put(f"{url}/options", json={"options": {"basis": "manual"}}).json["options"]["basis"] == "manual"
    assert api.post(f"{url}/check").json["state"] == "checking"
    work(made.json["id"])
    checked = api.get(url).json
    assert (checked["state"], checked["rows"], checked["new"], checked["rejected"]) == ("checked", 2, 1, 1)
    [reject] = api.get(f"{url}/rejects").json["items"]
    assert reject["line"] == 3
    assert api.post(f"{url}/run").status_code == 202
    work(made.json["id"])
    assert api.get(url).json["state"] == "done"
    assert api.post(f"{url}/run").status_code == 409
    assert api.post(f"{url}/undo").status_code == 202
    work(made.json["id"])
    assert [each["state"] for each in api.get("/api/v1/imports").json["items"]] == ["undone"]
