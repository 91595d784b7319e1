"""Orders from files: what `app.importing` needs to know of them.

The same file brought twice adds nothing; two equal lines in one file are two orders. Customers are found by address, or
made if so wished: as pending, for having bought is no consent to mail. In charge of: this declaration alone.
"""

from flask_babel import lazy_gettext as _l

from app.importing.importer import Importer
from app.shop.importing.apply import apply, undo
from app.shop.importing.columns import columns, keys, prepare
from app.shop.importing.options import Options, make_form
from app.shop.importing.plan import plan
from app.subscribers.importing.undo import STAYS

importer = Importer(
    kind="orders",
    label=_l("Orders"),
    description=_l("Who bought what, when and for how much, one order or line of an order per row."),
    icon="shopping-bag",
    columns=columns,
    options=Options,
    form=make_form,
    prepare=prepare,
    keys=keys,
    plan=plan,
    apply=apply,
    undo=undo,
    stays=STAYS,
)
