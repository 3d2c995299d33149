"""For authors: make the notebooks from their sources, and check that they are in step.

`build` writes `notebooks/X.ipynb` from `notebooks/src/X.py`, always the same bytes for the same
source: cell ids are hashes of the cells, and there are no outputs. `check` reports every notebook
that is not what `build` would write, code cells too long to be read at a glance, and sources
without a kernel. `slides/` is treated alike. `build` keeps a chapter's cells for Google Colab up to
date, in its source. `make notebooks` builds, `make check` checks.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from jupytext.cli import jupytext as jupytext_command

from tools.author import address
from tools.learner import colab_cells

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("notebooks", "slides")
# Said wherever a source is read: an indented "# !" in it makes jupytext guess "hydrogen", which
# leaves that line a comment in the notebook.
FORMAT = "py:percent"
LONGEST_CELL = 25  # lines; what fits on a projector beside its output


def pairs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield every source with the notebook that is made from it."""
    for folder in FOLDERS:
        sources = root / folder / "src"
        for source in sorted(sources.rglob("*.py")):
            yield source, (root / folder / source.relative_to(sources)).with_suffix(".ipynb")


def cell_ids(notebook: nbformat.NotebookNode) -> list[str]:
    """Return an id for each cell: a hash of its kind, its text and how often it stood before.

    jupytext draws random ids, with which every rebuild would change every line.
    """
    seen: Counter[tuple[str, str]] = Counter()
    ids = []
    for cell in notebook.cells:
        key = (cell.cell_type, cell.source)
        ids.append(hashlib.sha256(repr((*key, seen[key])).encode()).hexdigest()[:12])
        seen[key] += 1
    return ids


def render(source: Path) -> bytes:
    """Return the notebook that belongs to a source, byte for byte."""
    notebook = jupytext.read(source, fmt=FORMAT)
    for cell, identifier in zip(notebook.cells, cell_ids(notebook), strict=True):
        cell["id"] = identifier
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{source.stem}.ipynb"
        nbformat.write(notebook, target)
        # jupytext has the last word on metadata and layout, so that its --update changes nothing.
        command = ["--quiet", "--from", FORMAT, "--to", "ipynb", "--update", str(source)]
        jupytext_command([*command, "--output", str(target)])
        return target.read_bytes()


def with_colab_cells(source: Path, target: Path, root: Path) -> str:
    """Return the text of a source as it must be; slides are not for Google Colab."""
    text = source.read_text(encoding="utf-8")
    place = target.relative_to(root).as_posix()
    if not place.startswith("notebooks/"):
        return text
    return colab_cells.put_in(text, place, address.read(root))


def build(root: Path) -> list[Path]:
    """Write every notebook that differs from its source. Returns those written."""
    written = []
    for source, target in pairs(root):
        text = with_colab_cells(source, target, root)
        if source.read_text(encoding="utf-8") != text:
            source.write_text(text, encoding="utf-8")
        content = render(source)
        target.parent.mkdir(exist_ok=True)
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)
            written.append(target)
    return written


def has_outputs(notebook: nbformat.NotebookNode) -> bool:
    """Say whether any cell was executed."""
    return any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def check_pair(source: Path, target: Path, root: Path) -> Iterator[str]:
    """Yield what is wrong with one source and its notebook."""
    notebook = jupytext.read(source, fmt=FORMAT)
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield f"{source.name}: its header names no kernelspec python3; copy another's header."
    if source.read_text(encoding="utf-8") != with_colab_cells(source, target, root):
        yield f"{source.name}: its cells for Google Colab are not up to date: make notebooks."
    for number, cell in enumerate(notebook.cells, start=1):
        lines = cell.source.count("\n") + 1
        if cell.cell_type == "code" and lines > LONGEST_CELL:
            yield f"{source.name}: cell {number} has {lines} lines; split it at {LONGEST_CELL}."
    if not target.exists():
        yield f"{target.name} is missing: make notebooks."
    elif has_outputs(nbformat.read(target, as_version=4)):
        yield f"{target.name} carries outputs: make notebooks removes them."
    elif target.read_bytes() != render(source):
        yield (
            f"{target.name} is not what {source.name} says. If you edited the notebook, carry the "
            "edit over to the source; then: make notebooks."
        )


def check(root: Path) -> list[str]:
    """Return one sentence for everything that is wrong with the notebooks and their sources."""
    problems = [problem for pair in pairs(root) for problem in check_pair(*pair, root)]
    made = {target for _, target in pairs(root)}
    for folder in FOLDERS:
        for notebook in sorted((root / folder).rglob("*.ipynb")):
            if notebook not in made:
                problems.append(f"{notebook.name} has no source in {folder}/src.")
    return problems


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Build or check. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=["build", "check"])
    if parser.parse_args(arguments).action == "build":
        for target in build(root):
            print(f"Written: {target.relative_to(root)}")
        return 0
    problems = check(root)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
