"""What a connection asks of its database."""

import pytest
from sqlalchemy import make_url, text

from app.db import Database


@pytest.mark.parametrize(
    ("told", "found"), [("", ("1.1", "32MB", "off")), ("-c work_mem=64MB -c random_page_cost=1", ("1", "64MB", "off"))]
)
def test_postgresql_plans_for_memory_unless_its_operator_knows_better(
    postgres: str, told: str, found: tuple[str, str, str]
) -> None:
    database = Database(make_url(postgres).update_query_dict({"options": told}).render_as_string(hide_password=False))
    names = ("random_page_cost", "work_mem", "jit")
    with database.reading() as session:
        assert tuple(session.scalar(text(f"SHOW {name}")) for name in names) == found
    database.close()
