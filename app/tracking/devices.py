"""What somebody reads with: a phone, a tablet or a computer.

In charge of telling it from a user agent, and of keeping it as a bit of `Standing.devices`. Only people who agreed to
be measured personally are asked, only for hits of their own, and of the agent itself nothing is kept (T5). Bits are
only ever added, so the order of arrival plays no part (T4).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from app.bulk import update_rows
from app.subscribers.fields import device_bit
from app.subscribers.models import Device, Standing

# A tablet of Android says no "Mobile"; one of Apple calls itself an iPad, or a Macintosh, which nobody can tell.
_TABLET = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Android(?!.*Mobile)", re.IGNORECASE)
_MOBILE = re.compile(r"Mobile|iPhone|iPod|Android|Windows Phone|BlackBerry|Opera Mini", re.IGNORECASE)
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux|Thunderbird|Outlook|Mac OS X", re.IGNORECASE)


@lru_cache(maxsize=4096)
def device_of(agent: str) -> Device | None:
    """The class of device that a reader's agent names; None where it names none."""
    for device, pattern in ((Device.TABLET, _TABLET), (Device.MOBILE, _MOBILE), (Device.DESKTOP, _DESKTOP)):
        if pattern.search(agent):
            return device
    return None


def remember(session: Session, seen: Iterable[tuple[int, str]], before: Mapping[int, int]) -> None:
    """Add the devices of (person, agent) pairs to the masks `before` of people who are held.

    Most are known, and their people are not written to.
    """
    masks: dict[int, int] = defaultdict(int)
    for person, agent in seen:
        device = device_of(agent)
        if device is not None and not before[person] & (bit := device_bit(device)):
            masks[person] |= bit
    rows = [{"subscriber_id": person, "mask": mask | before[person]} for person, mask in masks.items()]
    update_rows(session, Standing, ["subscriber_id"], _all_devices, rows)


def _all_devices(new: Mapping[str, Any]) -> dict[str, Any]:
    return {"devices": new["mask"]}
