"""What delivery does in the background."""

from functools import partial

from app.db import reading, transaction, utc_now
from app.delivery import launch, reap, send
from app.delivery.again import begin_again, due_again
from app.delivery.alarm import note_silence
from app.delivery.desk import desk
from app.queue import enqueue, job


@job("quick")
def launch_due() -> None:
    """Ring for each campaign whose time has come: one that fails must not hold up the others."""
    with reading() as session:
        due = launch.due_campaigns(session, utc_now())
        again = due_again(session, utc_now())
    for campaign_id in due:
        enqueue(launch_campaign, campaign_id)
    for campaign_id in again:
        enqueue(resend_campaign, campaign_id)


@job("quick")
def launch_campaign(campaign_id: int) -> None:
    """Write the ledger of a campaign and call the senders."""
    with transaction() as session:
        is_launched = launch.launch(session, campaign_id, utc_now())
    if is_launched:
        enqueue(drain, campaign_id)


@job("quick")
def fill_campaign(campaign_id: int) -> None:
    """Write the ledger of a campaign that was resumed without one."""
    with transaction() as session:
        is_filled = launch.fill(session, campaign_id, utc_now())
    if is_filled:
        enqueue(drain, campaign_id)


@job("quick")
def resend_campaign(campaign_id: int) -> None:
    """Reopen the ledger of a campaign for those it is sent to once more, and call the senders."""
    with transaction() as session:
        count = begin_again(session, campaign_id, utc_now())
    if count:
        enqueue(drain, campaign_id)


@job("send")
def drain(campaign_id: int) -> None:
    """Send what is due of a campaign; each claimed shard calls the next worker."""
    with desk() as own:
        has_more = send.drain(own, campaign_id, on_claim=partial(enqueue, drain))
    with transaction() as session:
        reap.finish(session, utc_now())
    if has_more:
        enqueue(drain, campaign_id)


@job("quick")
def look_after_campaigns() -> None:
    """Ring for campaigns in which something is due, and end those that are complete."""
    with transaction() as session:
        reap.finish(session, utc_now())
        note_silence(session, utc_now())
        due = reap.campaigns_with_work(session, utc_now())
        empty = reap.campaigns_without_ledger(session)
    for campaign_id in due:
        enqueue(drain, campaign_id)
    for campaign_id in empty:
        enqueue(fill_campaign, campaign_id)
