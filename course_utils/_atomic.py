"""Write a file so that nobody ever sees half of it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def write_whole(path: str | os.PathLike, content: bytes) -> Path:
    """Write `content` under `path` in one step; whoever is interrupted keeps the previous file.

    Folders are made as needed.

    Raises
    ------
    OSError
        If the folder cannot be written or is full; nothing is left behind then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
