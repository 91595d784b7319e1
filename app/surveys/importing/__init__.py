"""Answers from files: what `app.importing` needs to know of them.

The same file brought twice adds nothing. Whoever is not here is not made: an answer is no consent to mail, and one of
nobody is not worth a person. In charge of: this declaration alone.
"""

from flask_babel import lazy_gettext as _l

from app.importing.importer import Importer
from app.surveys.importing.columns import columns, keys
from app.surveys.importing.options import Options, make_form
from app.surveys.importing.plan import apply, plan, undo

importer = Importer(
    kind="answers",
    label=_l("Answers"),
    description=_l("How likely people are to recommend you, 0 to 10, with what they wrote, one answer per row."),
    icon="star",
    columns=columns,
    options=Options,
    form=make_form,
    keys=keys,
    plan=plan,
    apply=apply,
    undo=undo,
    stays={},
)
