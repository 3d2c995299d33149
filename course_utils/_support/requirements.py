"""What the installed course says that it needs."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "when-to-trust-a-classifier"


def requirements() -> list[Requirement]:
    """The packages and ranges that the course needs in this Python, extras left out.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If the course is not installed, but runs from a folder.
    """
    from packaging.requirements import Requirement

    stated = map(Requirement, importlib.metadata.requires(DISTRIBUTION) or [])
    return [one for one in stated if one.marker is None or one.marker.evaluate({"extra": ""})]
