"""Jobs for the tests of the worker."""

from flask import current_app

from app.queue import job, redis

NOT_A_JOB = print


@job("quick")
def remember(word: str) -> None:
    redis().rpush("remembered", word)


@job("quick")
def fail(word: str) -> None:
    raise ZeroDivisionError(word)


@job("quick", timeout=1)
def sleep_on() -> None:
    import time

    time.sleep(20)


@job("long")
def work_until_stopped() -> None:
    """What a campaign does: pieces, and between two of them a look at the flag."""
    import time

    redis().rpush("remembered", "began")
    stopping = current_app.extensions["letterbond.stopping"]
    while not stopping():
        time.sleep(0.02)
    redis().rpush("remembered", "stopped in order")


def plain(word: str) -> None:
    redis().rpush("remembered", word)
