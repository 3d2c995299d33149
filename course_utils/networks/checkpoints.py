"""Read a checkpoint of PyTorch, and nothing else that may stand in its file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU, if it holds tensors and plain values only.

    A checkpoint is a pickle inside a zip file. ``weights_only=True`` refuses pickles that would run
    code; the checksums of the zip file, which PyTorch does not look at, tell damaged bytes.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, or holds anything else.
    """
    import torch

    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"checksum of {damaged}")
            file.seek(0)
            content = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # zip, pickle and torch raise many kinds for a damaged file
            raise ValueError(f"{path} is damaged, or holds more than weights.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged, or holds more than weights.")
    return content
