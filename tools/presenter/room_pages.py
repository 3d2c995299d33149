"""The page of instructions in a kit for the room, as text and as HTML."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from nbconvert.filters import markdown2html

from tools.learner.pages import COURSE, plain_page
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
tells you how to open it. After an interruption the same command goes on. `install.py --to FOLDER`
puts it elsewhere.

## Install over the room's network

If somebody serves this folder (`make room-serve`), open the address they say in a browser, save
`install.py` from that page, and in the folder where it lies:

    Linux, macOS:   python3 install.py ADDRESS
    Windows:        py install.py ADDRESS

## Is this copy whole?

    Linux, macOS:   python3 install.py --check
    Windows:        py install.py --check

## In an environment of your own

Copy the folder `course` to your disk, then, with the line of your machine from above:

    python -m pip install --no-index --find-links {wheels} "/your/copy/of/course[lab]"

## What lies here

- `course/notebooks/`: the chapters
- `slides/`: the decks, to open in a browser
- `wheels/`: packages
- `course/NOTICE`, `course/LICENSE`: who made what, and what you may do with it
"""


def pages(kit: Path, entries: list[dict]) -> dict[str, str]:
    """File name -> content of the instructions, for people and for browsers.

    Parameters
    ----------
    kit
        A folder that has its decks.
    entries
        The kinds of machines that there are packages for, as in the manifest.
    """
    text = INSTRUCTIONS.format(
        course=COURSE,
        machines="\n".join(f"- {room_install.described(e)}: `{e['wheels']}`" for e in entries),
        megabytes=max(entry["megabytes"] for entry in entries),
        wheels=entries[0]["wheels"],
    )
    body = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(text.partition("\n")[2]))
    saved = '<a href="install.py" download><code>install.py</code></a> from this page'
    body = body.replace("<code>install.py</code> from that page", saved)
    decks = "".join(
        f'<li><a href="slides/{escape(path.name)}">{escape(path.name)}</a></li>'
        for path in sorted((kit / "slides").glob("*.*"))
    )
    return {
        "README.txt": text,
        "index.html": plain_page(f"{body}<h2>Slides</h2><ul>{decks}</ul>"),
    }
