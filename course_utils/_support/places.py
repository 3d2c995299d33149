"""Where on the disk the course lies."""

from __future__ import annotations

from pathlib import Path


def course_folder() -> Path:
    """The course's folder, from wherever in it a notebook runs: notebooks/, work/, build/scratch/.

    Away from it, as on Colab, the working directory.
    """
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / "course_utils").is_dir() and (place / "notebooks").is_dir():
            return place
    return here
