"""The page of instructions in a kit for the room, as text and as HTML."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from nbconvert.filters import markdown2html

from tools.learner.pages import COURSE, STYLE
from tools.presenter import room_install

INSTRUCTIONS = """\
# {course}: without a network

Everything the course needs lies in this folder. It has packages for:

{machines}

You need one of these versions of Python, and {megabytes} MB of free disk.

## Install from this folder

Open a terminal in this folder, then:

    Linux, macOS:   python3 install.py
    Windows:        py install.py

It copies the course into your home folder, installs it there without asking any network, and
tells you how to open it. Interrupted, the same command goes on. `install.py --to FOLDER` puts
it elsewhere.

## Install over the room's network

If somebody serves this folder (`make room-serve`), open the address they say in a browser, save
`install.py` from that page, and in the folder where it lies:

    Linux, macOS:   python3 install.py ADDRESS
    Windows:        py install.py ADDRESS

## Is this copy whole?

    Linux, macOS:   python3 install.py --check
    Windows:        py install.py --check

## In an environment of your own

    python -m pip install --no-index --find-links wheels "{package}[lab]"

Then set `COURSE_DATA_MIRROR` to the folder `data` before you start Jupyter.

## What lies here

- `course/notebooks/`: the chapters
- `slides/`: the decks, to open in a browser
- `wheels/`: packages; `data/`: MNIST and Fashion-MNIST, in torchvision's layout
- `course/NOTICE`, `course/LICENSE`: who made what, and what you may do with it
"""


def instructions(entries: list[dict]) -> str:
    """The page as markdown.

    Parameters
    ----------
    entries
        The kinds of machines that there are packages for, as in the manifest.
    """
    lines = []
    for entry in entries:
        lacks = f" (could not be had: {', '.join(entry['missing'])})" if entry["missing"] else ""
        lines.append(f"- {room_install.described(entry)}{lacks}")
    return INSTRUCTIONS.format(
        course=COURSE,
        package=room_install.COURSE,
        machines="\n".join(lines),
        megabytes=max(entry["megabytes"] for entry in entries),
    )


def pages(kit: Path, entries: list[dict]) -> dict[str, str]:
    """File name -> content of the instructions, for people and for browsers."""
    text = instructions(entries)
    body = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(text))
    saved = '<a href="install.py" download><code>install.py</code></a> from this page'
    body = body.replace("<code>install.py</code> from that page", saved)
    decks = "".join(
        f'<li><a href="slides/{escape(path.name)}">{escape(path.name)}</a></li>'
        for path in sorted((kit / "slides").glob("*.*"))
    )
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{COURSE}: without a network</title><style>{STYLE}</style></head>"
        f'<body class="course"><main>{body}<h2>Slides</h2><ul>{decks}</ul></main></body></html>\n'
    )
    return {"README.txt": text, "index.html": html}


def as_json(manifest: dict) -> bytes:
    """The manifest as it is written."""
    return json.dumps(manifest, indent=1, sort_keys=True).encode("utf-8")
