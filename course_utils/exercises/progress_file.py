"""What a learner has done, in one readable file in their ``work/`` folder.

Only a ``work/`` folder that ``make lab`` filled gets a file, or a session of Google Colab; anywhere
else, as in tests or where pages are built, the running kernel alone remembers. Nothing leaves the
machine.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from course_utils._support.atomic import write_whole

NAME = "progress.json"
LOCK = ".progress.lock"
HANDED_OUT = ".handed_out.json"  # in a folder of copies, tools/learner/lab.py keeps its list there
BUSY = 5.0  # seconds that another kernel may hold the file

_here: set[str] = set()  # done in this kernel


def path() -> Path | None:
    """The file, or None where nothing is kept."""
    folder = Path.cwd()
    for place in (folder, *folder.parents):
        if (place / HANDED_OUT).exists():
            return place / NAME
    return folder / NAME if "google.colab" in sys.modules else None


def _read(file: Path | None) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8")) if file else {}
    except (OSError, ValueError):
        kept = {}
    usable = isinstance(kept, dict) and isinstance(kept.get("done"), dict) and "learner" in kept
    return kept if usable else {"learner": "", "done": {}}


def _write(name: str | None = None) -> None:
    """Put an exercise into the file. A disk that refuses is no reason to stop a learner."""
    import filelock

    file = path()
    if file is None:
        return
    with suppress(OSError, filelock.Timeout), filelock.FileLock(file.with_name(LOCK), BUSY):
        kept = _read(file)
        before = json.dumps(kept)
        kept["learner"] = kept["learner"] or uuid.uuid4().hex[:8]
        if name is not None:
            kept["done"].setdefault(name, date.today().isoformat())
        if json.dumps(kept) != before:
            write_whole(file, json.dumps(kept, indent=1).encode())


def done() -> set[str]:
    """Names of the exercises that were answered rightly, now or in an earlier session."""
    return _here | set(_read(path())["done"])


def record(name: str) -> None:
    """Remember that an exercise is done."""
    _here.add(name)
    _write(name)


def forget() -> None:
    """Let this kernel forget; the file stays as it is."""
    _here.clear()


def shuffled(name: str, options: Sequence[str]) -> list[str]:
    """Options in an order of this learner's own, the same whenever they come back."""
    _write()  # a learner who comes for the first time is given a name
    order = list(options)
    random.Random(f"{_read(path())['learner']}{name}").shuffle(order)
    return order
