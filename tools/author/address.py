"""Write the repository's address where it belongs; `make address URL=https://…` calls this.

The address stands in `[project.urls]` of `pyproject.toml` and nowhere else. From there the README
gets its badge here, and the notebooks theirs, with the cell that installs the course on Colab, by
`make notebooks`. Without an address there are no badges. With `HUB=https://…`, a JupyterHub's
address, the link is printed that brings the notebooks to the people on that hub.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "main"
WELCOME = "notebooks/welcome.ipynb"
FIRST_CHAPTER = "notebooks/01_data.ipynb"
TABLE = re.compile(r"^\[project\.urls\]\n(?:(?!\[).*\n)*", re.MULTILINE)
LINE = re.compile(r'^Repository = "(.*)"\n', re.MULTILINE)
ADDRESS = re.compile(r"https://[\w.-]+(?::\d+)?(?:/[\w.~-]+){2,}")
GITHUB = "https://github.com/"
COLAB = "https://colab.research.google.com"
BADGE = re.compile(r"^\[!\[Open in Colab\]\(.*\)\n\n", re.MULTILINE)


class AddressError(ValueError):
    """What is wrong with an address or a file, in one sentence."""


def normalise(given: str) -> str:
    """Return the address in its https form, or an empty string for none.

    Raises
    ------
    AddressError
        If it is not the https address of a repository.
    """
    address = given.strip().removesuffix("/").removesuffix(".git")
    address = re.sub(r"^(?:ssh://)?git@([\w.-]+)[:/]", r"https://\1/", address)
    if address and not ADDRESS.fullmatch(address):
        raise AddressError(
            f"{given!r} is not the address of a repository: give one such as "
            "https://github.com/OWNER/NAME, or an empty one for none."
        )
    return address


def read(root: Path = ROOT) -> str:
    """Return the address that stands in pyproject.toml; empty if there is none."""
    try:
        table = TABLE.search((root / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError:
        return ""
    line = LINE.search(table[0]) if table else None
    return line[1] if line else ""


def colab_link(address: str, notebook: str) -> str:
    """Return where Colab opens a notebook, or nothing where it cannot.

    Parameters
    ----------
    address : str
        The repository's; Colab opens those of GitHub.
    notebook : str
        Path in the repository.
    """
    if not address.startswith(GITHUB):
        return ""
    repository = address.removeprefix(GITHUB)
    return f"{COLAB}/github/{repository}/blob/{BRANCH}/{quote(notebook)}"


def hub_link(address: str, hub: str) -> str:
    """Return the link with which nbgitpuller brings the notebooks to people who open it on a hub.

    Opened again, it brings what is new and keeps what people have written.

    Parameters
    ----------
    address : str
        The repository's.
    hub : str
        The address of the JupyterHub.
    """
    name = address.rsplit("/", 1)[-1]
    asked = {"repo": address, "branch": BRANCH, "urlpath": f"lab/tree/{name}/{WELCOME}"}
    return f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{urlencode(asked)}"


def badge(address: str, notebook: str) -> str:
    """Return the markdown of the badge that opens a notebook in Colab, or nothing."""
    link = colab_link(address, notebook)
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({link})" if link else ""


def write(address: str, root: Path = ROOT) -> None:
    """Set the address in pyproject.toml, and the badge below the README's title.

    Raises
    ------
    AddressError
        If one of the files has no place for it.
    """
    project, readme = root / "pyproject.toml", root / "README.md"
    text = project.read_text(encoding="utf-8")
    table = TABLE.search(text)
    if table is None:
        raise AddressError("pyproject.toml has no table [project.urls]: add it, empty.")
    # at its end, so that the comment above stays where it is
    kept = LINE.sub("", table[0]).rstrip("\n") + "\n"
    line = f'Repository = "{address}"\n' if address else ""
    gap = "\n" if table.end() < len(text) else ""
    text = text[: table.start()] + kept + line + gap + text[table.end() :]

    title, newline, rest = readme.read_text(encoding="utf-8").partition("\n")
    if not title.startswith("# "):
        raise AddressError("README.md does not begin with its title: the badge has no place.")
    shown = badge(address, FIRST_CHAPTER)
    rest = BADGE.sub("", rest, count=1)
    rest = f"\n{shown}\n{rest}" if shown else rest
    project.write_text(text, encoding="utf-8")
    readme.write_text(title + newline + rest, encoding="utf-8")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Read the command line and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address", help='"" for none')
    parser.add_argument("--hub", default="", help="address of a JupyterHub")
    given = parser.parse_args(arguments)
    try:
        address = normalise(given.address)
        if given.hub and not (address and given.hub.startswith("https://")):
            raise AddressError(
                "A link to a hub needs the repository's address and the hub's, such as "
                "https://hub.example.org."
            )
        write(address, root)
    except AddressError as error:
        print(error, file=sys.stderr)
        return 2
    if not address:
        print("No address is set: there are no badges.")
    elif badge(address, FIRST_CHAPTER):
        print(f"The address is {address}: README.md has a badge.")
    else:
        print(f"The address is {address}. No badges: Colab opens notebooks from GitHub only.")
    if given.hub:
        print(f"The link for people on the hub: {hub_link(address, given.hub)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
