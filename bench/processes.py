"""What processes cost: CPU seconds and peak memory, read from /proc."""

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Of a process, its living children and those it has buried."""
    return _own(pid) + sum(cpu_seconds(child) for child in _children(pid))


def peak_mb(pid: int) -> float:
    """The most memory a process has had (VmHWM); 0 when it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def peak_rss_mb(pid: int) -> float:
    """The most memory that the process or one of its descendants has had at a time."""
    return max([peak_mb(pid), *map(peak_rss_mb, _children(pid))])


def is_alive(pid: int) -> bool:
    """Whether it has not ended."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def _own(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICK if fields else 0.0


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
