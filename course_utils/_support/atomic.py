"""Write a file so that nobody ever sees half of it, and clear away halves of killed processes."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | os.PathLike, content: bytes) -> Path:
    """Write `content` under `path` in one step; an interruption keeps the previous file.

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


def remove_leftovers(folder: Path, pattern: str, age: float = 0) -> None:
    """Remove files and folders that killed processes left, as far as the disk lets.

    Parameters
    ----------
    folder : Path
    pattern : str
        Of their names, such as ``.*.part``.
    age : float
        Seconds; what was written since may be somebody's who is still at it. Without, nobody else
        may be writing: the caller holds a lock.
    """
    for path in folder.glob(pattern):
        with suppress(OSError):  # somebody else may have been faster
            if time.time() - path.stat().st_mtime >= age:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
