"""People from files: what `app.importing` needs to know of them.

In charge of: this declaration alone. What a file may say is in `columns`, what is chosen for a whole file in `options`,
what a batch would do in `plan`, doing it in `apply`, taking it back in `undo`.
"""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from app.importing.importer import Importer, Rows
from app.subscribers.importing.apply import apply
from app.subscribers.importing.columns import NEW_KINDS, add_column, columns
from app.subscribers.importing.options import Options, make_form
from app.subscribers.importing.parts import KEY, with_keys, with_parts
from app.subscribers.importing.plan import plan
from app.subscribers.importing.undo import STAYS, undo


def _prepare(rows: Rows) -> Rows:
    return with_parts(with_keys(rows))


def _keys(rows: Rows) -> Sequence[str]:
    return rows.columns[KEY]


importer = Importer(
    kind="subscribers",
    label=_l("People"),
    description=_l("Addresses with names, custom fields and tags, one person per row."),
    icon="users",
    columns=columns,
    options=Options,
    form=make_form,
    keys=_keys,
    prepare=_prepare,
    plan=plan,
    apply=apply,
    undo=undo,
    stays=STAYS,
    add_column=add_column,
    new_kinds=NEW_KINDS,
)
