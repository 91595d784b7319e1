"""The one list of features, in the order in which they see events. A new feature is a line here and its folder."""

from app.accounts import feature as accounts
from app.audiences import feature as audiences
from app.campaigns import feature as campaigns
from app.delivery import feature as delivery
from app.events import feature as events
from app.health import feature as health
from app.importing import feature as importing
from app.mailbox import feature as mailbox
from app.outbox import feature as outbox
from app.prediction import feature as prediction
from app.reports import feature as reports
from app.scoring import feature as scoring
from app.shop import feature as shop
from app.subscribers import feature as subscribers
from app.surveys import feature as surveys
from app.tracking import feature as tracking

# Scoring comes after those that keep counts, audiences after scoring: each sees what the ones before it wrote.
FEATURES = (
    accounts,
    outbox,
    events,
    importing,
    subscribers,
    shop,
    campaigns,
    delivery,
    tracking,
    surveys,
    scoring,
    audiences,
    prediction,
    reports,
    mailbox,
    health,
)
