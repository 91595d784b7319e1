"""The prediction for machines."""

from datetime import UTC, datetime

from pydantic import ConfigDict, RootModel, TypeAdapter

from app.accounts.access import for_machines
from app.db import reading, transaction, utc_now
from app.prediction.fit import want_fit
from app.prediction.jobs import predict
from app.prediction.page import CalibrationGroup, Check, Outlook, outlook
from app.queue import enqueue

blueprint = for_machines("prediction_api", __name__)

_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_EXAMPLE = Outlook(
    is_fitted=True,
    has_problem=False,
    is_wanted=False,
    as_of=_NOW,
    customers=2357,
    parameters={
        "buying": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
        "paying": {"p": 6.25, "q": 3.744, "gamma": 1544.7},
    },
    alive=1890.2,
    purchases_90=611.4,
    purchases_365=1799.0,
    value=6_802_200,
    check=Check(
        datetime(2026, 5, 21, tzinfo=UTC),
        _NOW,
        2357,
        1688.0,
        1882.0,
        0.75,
        1.02,
        (CalibrationGroup(0, 1411, 0.21, 0.23),),
    ),
)


class OutlookOut(RootModel[Outlook]):
    """What is expected of all customers."""

    model_config = ConfigDict(json_schema_extra={"examples": [TypeAdapter(Outlook).dump_python(_EXAMPLE, mode="json")]})


@blueprint.get("/reports/prediction")
@blueprint.output(OutlookOut)
@blueprint.doc(summary="Expected purchases and value, and the error on time held out", tags=["Reports"])
def get_prediction() -> OutlookOut:
    """Sums over all customers; of one person the segment fields say it. Money is in minor units."""
    with reading() as session:
        return OutlookOut(outlook(session))


@blueprint.post("/reports/prediction")
@blueprint.output(OutlookOut, status_code=202)
@blueprint.doc(summary="Predict anew, in the background", tags=["Reports"])
def create_prediction() -> OutlookOut:
    """Answers with the last one; `is_wanted` is true until the new one is there."""
    with transaction() as session:
        want_fit(session, utc_now())
        found = outlook(session)
    enqueue(predict)
    return OutlookOut(found)
