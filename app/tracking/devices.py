"""What somebody reads with: a phone, a tablet or a computer.

In charge of telling it from a user agent, and of keeping it as a bit of `Standing.devices`. Only people who agreed to
be measured personally are asked, only for hits of their own, and of the agent itself nothing is kept (T5). Bits are
only ever added, so the order of arrival plays no part (T4).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import func

from app.subscribers.fields import device_bit
from app.subscribers.models import Device, Standing
from app.tally import Tally

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


def devices_of(seen: Iterable[tuple[int, str]], before: Mapping[int, int]) -> Tally:
    """What (person, agent) pairs add to the masks `before` of people who are held."""
    masks: dict[int, int] = {}
    for person, agent in seen:
        if device := device_of(agent):
            masks[person] = masks.get(person, before[person]) | device_bit(device)
    new = {person: (mask,) for person, mask in masks.items() if mask != before[person]}
    return Tally(Standing, "subscriber_id", ("devices",), new, (None,), _all_devices)


def _all_devices(new: Mapping[str, Any]) -> dict[str, Any]:
    return {"devices": func.coalesce(new["devices"], Standing.devices)}
