"""Start an attendee's server on a JupyterHub: what `lab` is on a laptop. The hub calls this.

The course is installed once, for all, and cannot be written. Notebooks are handed out to `work/` in
the attendee's home, and what they train goes to `runs/` there. Arguments go to JupyterHub's server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.learner import lab


def arguments(work: Path) -> list[str]:
    """Return the arguments of the attendee's server: in `work`, opened at the welcome notebook."""
    return [
        f"--ServerApp.root_dir={work}",
        f"--ServerApp.default_url=/lab/tree/{lab.WELCOME}",
        # With jupytext (an author has it), saving a notebook here would write a source beside it.
        "--ServerApp.jpserver_extensions=jupytext=False",
        # /doctor, a page that works where websockets are blocked
        "--ServerApp.jpserver_extensions=course_utils.health.hub_page=True",
    ]


def main(given: list[str] | None = None) -> None:
    """Hand out the notebooks and become the attendee's server."""
    extra = sys.argv[1:] if given is None else given
    home = Path.home()
    work = home / "work"
    for name in lab.fill(lab.ROOT / "notebooks", work):
        print(f"A changed notebook was kept; the newer version is beside it: {name}.", flush=True)
    lab.use_course_settings()
    os.environ.setdefault("COURSE_RUNS_DIR", str(home / "runs"))
    os.chdir(work)
    command = [sys.executable, "-m", "jupyterhub.singleuser", *arguments(work), *extra]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
