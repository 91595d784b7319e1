"""The yardstick of `track.py`: a Flask view that checks the token, looks the link up and inserts a row per hit."""

import os

from flask import Flask, abort, redirect, request
from sqlalchemy import text
from werkzeug.wrappers import Response

from app.config import Config
from app.db import Database
from app.tokens import Purpose, Tokens
from workers import web


class _Never:
    """No shortcut."""

    def answer(self, *_request: object, ends: bool = False) -> None:
        """Every request takes the long way."""


def main() -> None:
    """Serve it as `letterbond web` serves the product."""
    config = Config.from_environment()
    database, tokens = Database(config.database_url), Tokens(config.secret_key)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS hit (id INTEGER PRIMARY KEY, said TEXT)"))
    database.close()
    flask = Flask(__name__)

    @flask.get("/c/<token>/<int:index>")
    def click(token: str, index: int) -> Response:
        said = tokens.read(Purpose.CLICK, token)
        if said is None:
            abort(404)
        with database.transaction() as session:
            found = text("SELECT target FROM link WHERE campaign_id = :campaign AND position = :index")
            target = session.execute(found, {"campaign": said[0], "index": index}).scalar_one()
            agent = request.headers.get("User-Agent", "")
            session.execute(text("INSERT INTO hit (said) VALUES (:said)"), {"said": f"{said} {index} {agent}"})
        return redirect(target)

    flask.extensions |= {"letterbond.shortcut": _Never(), "letterbond.spool": None}
    web.serve(flask, web.listen("127.0.0.1", int(os.environ["PORT"])))


if __name__ == "__main__":
    main()
