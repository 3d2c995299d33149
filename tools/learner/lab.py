"""Open the course in JupyterLab on `work/`, the attendee's own copy of the notebooks.

A notebook that the attendee has changed is never overwritten. When the course has a newer version
of it, that is put beside as `02_lenet (new).ipynb`. What was handed out, and how it looked, is kept
in `work/.handed_out.json`. Arguments that this script does not know go to JupyterLab.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEDGER = ".handed_out.json"
WELCOME = "welcome.ipynb"  # what is opened, if it has been handed out


def fingerprint(content: bytes) -> str:
    """Return the sha256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_ledger(work: Path) -> dict[str, str]:
    """Return file name -> fingerprint of everything handed out; empty if unknown or unreadable.

    Without it every notebook counts as changed by the attendee, so nothing can be lost.
    """
    try:
        ledger = json.loads((work / LEDGER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return ledger if isinstance(ledger, dict) else {}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that an interruption leaves the old one or the new one, never half of one."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def free_name(work: Path, name: str, ledger: dict[str, str]) -> str:
    """Return a name beside `name` at which nothing of the attendee's stands."""
    stem = name.removesuffix(".ipynb")
    number = 1
    while True:
        candidate = f"{stem} (new).ipynb" if number == 1 else f"{stem} (new {number}).ipynb"
        path = work / candidate
        if not path.exists() or fingerprint(path.read_bytes()) == ledger.get(candidate):
            return candidate
        number += 1


def hand_out(source: Path, name: str, work: Path, ledger: dict[str, str]) -> str | None:
    """Bring one notebook to the attendee, updating `ledger` in place.

    Returns
    -------
    str or None
        The name under which a newer version was put beside a changed copy, if that was needed.
    """
    content = source.read_bytes()
    current = fingerprint(content)
    target, asked = work / name, name
    if target.exists() and fingerprint(target.read_bytes()) not in (current, ledger.get(name)):
        handed_out = {mark for key, mark in ledger.items() if key in (name, *_news(name, ledger))}
        if current in handed_out:
            return None
        name = free_name(work, name, ledger)
        target = work / name
    beside = name if name != asked else None
    if not target.exists() or fingerprint(target.read_bytes()) != current:
        write_whole(target, content)
    ledger[name] = current
    return beside


def _news(name: str, ledger: dict[str, str]) -> list[str]:
    """Return the names of all newer versions that were put beside a notebook."""
    stem = name.removesuffix(".ipynb")
    return [key for key in ledger if key.startswith(f"{stem} (new")]


def fill(notebooks: Path, work: Path) -> list[str]:
    """Bring all notebooks into `work`. Returns the names put beside changed copies."""
    work.mkdir(parents=True, exist_ok=True)
    ledger = read_ledger(work)
    names = [
        path.relative_to(notebooks).as_posix()
        for pattern in ("*.ipynb", "appendix/*.ipynb")
        for path in sorted(notebooks.glob(pattern))
    ]
    for name in names:
        (work / name).parent.mkdir(exist_ok=True)
    beside = [hand_out(notebooks / name, name, work, ledger) for name in names]
    write_whole(work / LEDGER, json.dumps(ledger, indent=1, sort_keys=True).encode())
    return [name for name in beside if name]


def has_display() -> bool:
    """Say whether a browser could be opened here."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def lab_arguments(work: Path) -> list[str]:
    """Return JupyterLab's arguments: this machine only, its token on, in `work`."""
    arguments = [
        f"--ServerApp.root_dir={work}",
        "--ServerApp.ip=127.0.0.1",
        # With jupytext (an author has it), saving a notebook here would write a source beside it.
        "--ServerApp.jpserver_extensions=jupytext=False",
    ]
    if (work / WELCOME).exists():
        arguments.append(f"--LabApp.default_url=/lab/tree/{WELCOME}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    if not has_display():
        arguments.append("--no-browser")
    return arguments


def use_course_settings() -> None:
    """Make Jupyter, started from this process, use the course's kernel and settings.

    Both come before all others: the kernel knows what to say after a restart. The settings ask no
    question about news, which would cover the first chapter's corner, and save widgets with their
    notebook, so that they live without a kernel, too.
    """
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, not one of the user's
    for variable in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        folders = [str(ROOT / "tools" / "learner" / "jupyter"), os.environ.get(variable, "")]
        os.environ[variable] = os.pathsep.join(filter(None, folders))


def open_lab(notebooks: Path, work: Path, extra: list[str]) -> int:
    """Hand out notebooks to `work` and start JupyterLab there, which takes over this process."""
    place = work.relative_to(ROOT)
    try:
        beside = fill(notebooks, work)
    except OSError as error:
        print(f"The notebooks cannot be copied to {work}: {error}.", file=sys.stderr)
        return 1
    for name in beside:
        print(f"You changed a notebook, and yours is safe; the newer version is {place}/{name}.")
    print(f"Your copies of the notebooks are in {place}/. Stop JupyterLab with Ctrl-C, twice.")
    sys.stdout.flush()

    from jupyterlab.labapp import main as jupyterlab  # after filling: importing it takes a second

    use_course_settings()
    os.chdir(work)
    return jupyterlab([*lab_arguments(work), *extra]) or 0


def main(arguments: list[str] | None = None) -> int:
    """Open the chapters."""
    extra = sys.argv[1:] if arguments is None else arguments
    return open_lab(ROOT / "notebooks", ROOT / "work", extra)


if __name__ == "__main__":
    sys.exit(main())
