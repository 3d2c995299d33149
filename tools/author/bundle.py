"""The widgets' front end: one file for learners, bundled from the sources that authors edit.

    python -m tools.author.bundle          # bundle anew; needs Node 20 and npm
    python -m tools.author.bundle check    # whether it is that of the sources; needs neither

The first line of the bundle holds a hash of all sources, so that the check compares two numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

WIDGETS = Path(__file__).resolve().parents[2] / "course_utils" / "widgets"
SOURCES, BUNDLE = WIDGETS / "js", WIDGETS / "front_end.js"
LARGEST = 200_000  # bytes: what a phone should have to read, and every widget of a notebook carries
HEAD = "/* The widgets of the course, bundled from js/ by tools.author.bundle; sources {} */\n"


def content_hash(folder: Path = SOURCES) -> str:
    """The hash of all sources and of the versions that they are bundled with."""
    digest = hashlib.sha256()
    names = [*folder.glob("*.js"), folder / "style.css", folder / "package-lock.json"]
    for path in sorted(names):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def recorded(bundle: Path = BUNDLE) -> str | None:
    """The hash of the sources that a bundle was made of."""
    try:
        first = bundle.read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return None
    found = re.search(r"sources ([0-9a-f]{64}) ", first)
    return found and found[1]


def check() -> str | None:
    """A sentence on what is wrong with the bundle, or None."""
    if recorded() != content_hash():
        return "front_end.js is not the bundle of js/: run python -m tools.author.bundle."
    size = BUNDLE.stat().st_size
    if size > LARGEST:
        return f"front_end.js has {size:,} bytes, more than {LARGEST:,}."
    return None


def bundle() -> None:
    """Install esbuild and d3 beside the sources if they are missing, and write the bundle."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("Bundling needs Node 20 and npm; using the widgets needs neither.")
    if not (SOURCES / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=SOURCES, check=True)
    esbuild = SOURCES / "node_modules" / ".bin" / "esbuild"
    options = [
        "index.js",
        "--bundle",
        "--format=esm",
        "--minify",
        "--charset=utf8",
        "--loader:.css=text",
    ]
    options += ["--target=es2022,safari16.4", "--legal-comments=none"]
    done = subprocess.run([esbuild, *options], cwd=SOURCES, check=True, capture_output=True)
    BUNDLE.write_text(HEAD.format(content_hash()) + done.stdout.decode(), encoding="utf-8")
    print(f"{BUNDLE.name}: {BUNDLE.stat().st_size:,} bytes")


def main() -> None:
    """Bundle, or check."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", nargs="?", choices=["check"], help="only compare")
    if parser.parse_args().action != "check":
        bundle()
    problem = check()
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
