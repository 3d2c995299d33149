"""The cores and the memory that are ours: the machine's, or the share that a hub leaves us.

Linux keeps such shares in control groups. A process is in several, one inside the other, and each
may set a limit. Version 2 has one tree of groups, version 1 has one for each resource.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .report import Finding, State

__all__ = ["cores", "free_memory", "memory", "room", "share", "where_hub_has_doctor"]

MEGABYTE = 10**6
MEMORY_NEEDED, MEMORY_WANTED = 1_300 * MEGABYTE, 2_000 * MEGABYTE  # one kernel takes 1.3 GB at most
CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
UNLIMITED = 2**60  # version 1 writes a number above this where there is no limit


def where_hub_has_doctor() -> str:
    """The path of the doctor's page on a JupyterHub; empty where no hub has started this."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{prefix.rstrip('/')}/doctor" if prefix else ""


def share() -> Iterator[Finding]:
    """Check how many cores and how much memory there are for us."""
    ours, all_cores, total = cores(), os.cpu_count() or 1, memory()
    seen = f"{ours:g} core{'s' * (ours != 1)}"
    if ours < all_cores:
        seen += f" of {all_cores}"
    if total is not None:
        seen += f" and {total / 10**9:.1f} GB of memory"
    page = where_hub_has_doctor()
    if page:
        seen = f"a JupyterHub that leaves you {seen}"
    if page and total is not None and total < MEMORY_NEEDED:
        seen += f"; a chapter takes up to {MEMORY_NEEDED / 10**9:.1f} GB"
        yield Finding("Machine", "problem", seen, "c.Spawner.mem_limit = '2G'  (in the hub's file)")
    else:
        yield Finding("Machine", "fine", seen)


def room() -> Iterator[Finding]:
    """Check whether there is enough free memory for a chapter."""
    free = free_memory()
    if free is None:
        yield Finding("Memory", "fine", "this system does not say how much is free")
        return
    seen = f"{free / 10**9:.1f} GB free"
    if free >= MEMORY_WANTED:
        yield Finding("Memory", "fine", seen)
        return
    state: State = "note" if free >= MEMORY_NEEDED else "problem"
    seen += f": a chapter takes up to {MEMORY_WANTED / 10**9:.0f} GB; close other programs"
    yield Finding("Memory", state, seen, "Kernel > Shut Down All Kernels  (in JupyterLab's menu)")


def cores() -> float:
    """How many cores this process may use; half a core is 0.5."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    least = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    for group in _groups("cpu"):
        numbers = _words(group / "cpu.max")
        numbers = numbers or _words(group / "cpu.cfs_quota_us") + _words(
            group / "cpu.cfs_period_us"
        )
        if len(numbers) == 2 and all(map(str.isdigit, numbers)):  # not "max", and not -1
            least = min(least, int(numbers[0]) / int(numbers[1]))
    return least


def memory() -> int | None:
    """How many bytes all processes in our share may take together; None if nothing says so."""
    return min([*(limit for _, limit in _limits()), *_of_machine("total")], default=None)


def free_memory() -> int | None:
    """How many bytes this process may still take; None if nothing says so."""
    left = [max(limit - _used(group), 0) for group, limit in _limits()]
    return min([*left, *_of_machine("available")], default=None)


def _of_machine(what: str) -> list[int]:
    try:
        import psutil  # comes with ipykernel
    except ImportError:
        return []
    return [getattr(psutil.virtual_memory(), what)]


def _limits() -> Iterator[tuple[Path, int]]:
    """The groups that limit memory, with their limits."""
    for group in _groups("memory"):
        limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
        if limit and limit < UNLIMITED:
            yield group, limit


def _used(group: Path) -> int:
    """Bytes in use, without files that were read and make way as soon as memory is wanted."""
    used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes") or 0
    words = _words(group / "memory.stat")
    stated = dict(zip(words[::2], words[1::2], strict=False))
    return used - int(stated.get("total_inactive_file", stated.get("inactive_file", "0")))


def _groups(resource: str) -> Iterator[Path]:
    """The folders of the groups that this process is in and that may limit a resource."""
    yield from (CGROUP, CGROUP / resource)  # in a container, its own groups are at the top
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:  # such as 0::/system.slice/a.service, or 4:cpu,cpuacct:/a
        _, resources, path = line.split(":", 2)
        if not resources or resource in resources.split(","):
            folder = CGROUP / resource if resources else CGROUP
            parts = path.strip("/").split("/")
            yield from (folder.joinpath(*parts[:end]) for end in range(1, len(parts) + 1))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else None
