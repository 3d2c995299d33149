"""Execute every chapter and leave readable pages in `build/`, starting at `build/index.html`.

The chapters run in order, because each may take up what an earlier one left. One that fails does
not keep the others from running; the exit status is 0 only if none failed.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

from course_utils._support import settings
from course_utils.images import ImagesError, load_fashion_mnist, load_mnist
from tools.learner.pages import Chapter, write_pages
from tools.learner.still_widgets import VIEW, descendants, widget_states

ROOT = Path(__file__).resolve().parents[2]
# Longest time for one cell, by COURSE_SPEED; a cell that hangs must not hang the command.
CELL_SECONDS = {"look": 300, "train": 900, "full": 4 * 3600}
TRACEBACK = "Traceback (most recent call last)"


class ThisPythonKernel(AsyncKernelManager):
    """A kernel in the interpreter that runs this script, whatever kernels the user has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How to start it."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # Errors only: ipykernel 7 warns that it talks in the clear, which here is to this machine.
        command.append("--log-level=40")
        return KernelSpec(argv=command, display_name="Python 3", language="python")


def last_line(text: str) -> str:
    """Return the last line of a traceback that says something."""
    lines = [line.strip() for line in strip_ansi(text).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def errors_in(outputs: list[dict]) -> Iterator[str]:
    """Yield the last line of every exception that shows in these outputs."""
    for output in outputs:
        if output["output_type"] == "error":
            yield last_line(f"{output['ename']}: {output['evalue']}")
        elif output["output_type"] == "stream" and TRACEBACK in output["text"]:
            yield last_line(output["text"][output["text"].index(TRACEBACK) :])


def find_errors(notebook: NotebookNode) -> list[str]:
    """Return one sentence for each exception that shows anywhere in an executed notebook.

    nbclient stops at an exception in a cell, but not at one inside an Output widget or a callback,
    which the reader sees all the same. Cells tagged `raises-exception` may fail.
    """
    models = widget_states(notebook)
    found, placed = [], set()
    for number, cell in enumerate(notebook.cells, start=1):
        inside = [
            model
            for output in cell.get("outputs", [])
            if VIEW in output.get("data", {})
            for model in descendants(output["data"][VIEW]["model_id"], models)
        ]
        placed.update(inside)
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        found += [f"cell {number}: {line}" for line in errors_in(cell.get("outputs", []))]
        for model in inside:
            outputs = models.get(model, {}).get("state", {}).get("outputs", [])
            found += [f"cell {number}, in a widget: {line}" for line in errors_in(outputs)]
    for model, entry in models.items():
        if model not in placed:
            outputs = entry["state"].get("outputs", [])
            found += [f"in a widget that no cell shows: {line}" for line in errors_in(outputs)]
    return found


def execute(notebook: NotebookNode, folder: Path, cell_seconds: int, report) -> list[str]:
    """Execute a notebook in place, with `folder` as its working directory.

    Parameters
    ----------
    report
        Called with the number of each code cell as it starts.

    Returns
    -------
    list of str
        What went wrong, cell by cell; empty if nothing did.
    """
    client = NotebookClient(
        notebook,
        kernel_manager_class=ThisPythonKernel,
        timeout=cell_seconds,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: report(cell_index + 1),
    )
    stopped = None
    try:
        client.execute()
    except CellTimeoutError:
        stopped = f"a cell did not end within {cell_seconds} s"
    except DeadKernelError:
        stopped = "the kernel died (out of memory?)"
    except RuntimeError as error:
        stopped = f"the kernel did not start ({error})"
        atexit.unregister(client._cleanup_kernel)  # nbclient has cleaned up, and would fail again
    except CellExecutionError:
        pass  # its traceback is in the cell's outputs
    errors = find_errors(notebook)
    return [stopped, *errors] if stopped else errors


def progress(number: int, total: int, name: str, cells: int):
    """Return a function that shows on a terminal which cell runs; in a log it stays silent."""
    started = time.monotonic()

    def report(cell: int) -> None:
        if sys.stdout.isatty():
            seconds = time.monotonic() - started
            print(f"\r[{number}/{total}] {name}: cell {cell} of {cells}, {seconds:.0f} s ", end="")
            sys.stdout.flush()

    return report


def run_chapter(path: Path, number: int, total: int, scratch: Path, cell_seconds: int) -> Chapter:
    """Execute one notebook, telling how it goes."""
    if not sys.stdout.isatty():
        print(f"[{number}/{total}] {path.stem} ...", flush=True)
    started = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    report = progress(number, total, path.stem, len(notebook.cells))
    errors = execute(notebook, scratch, cell_seconds, report)
    chapter = Chapter(path.stem, notebook, time.monotonic() - started, errors)
    result = "failed" if errors else "done"
    start = "\r\033[K" if sys.stdout.isatty() else ""
    print(f"{start}[{number}/{total}] {path.stem}: {result} in {chapter.seconds:.0f} s", flush=True)
    for error in errors:
        print(f"      {path.stem}, {error}", flush=True)
    return chapter


def settle_images() -> str:
    """Fetch the images before the first chapter runs, and say in words which there are.

    Where the network never answers, the sample is settled on here, once: otherwise every chapter's
    kernel would wait for the network again.
    """
    sources = {load("test").source for load in (load_mnist, load_fashion_mnist)}
    if sources == {"sample"}:
        os.environ["COURSE_DATA"] = "sample"
        return "the bundled sample of the images"
    return "the full data sets" if sources == {"full"} else "partly full, partly sampled data"


def settle() -> tuple[str, str]:
    """Read the knobs and settle the images, or end with a sentence and exit status 2.

    Returns
    -------
    tuple of str
        The speed, and what the chapters are computed with, in words.
    """
    try:
        speed = settings.speed()
        settings.data_mode()
        images = settle_images()
    except (ValueError, ImagesError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    return speed, f"Computed with COURSE_SPEED={speed} on {images}."


def run_chapters(paths: list[Path], build: Path, cell_seconds: int) -> list[Chapter]:
    """Execute chapters in order, after the pages of an earlier run in `build` are gone."""
    build.mkdir(parents=True, exist_ok=True)
    for old in [*build.glob("*.html")]:
        old.unlink()
    # whatever a chapter writes beside itself ends here, not in the tree
    scratch = build / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    return [
        run_chapter(path, number, len(paths), scratch, cell_seconds)
        for number, path in enumerate(paths, start=1)
    ]


def keep_executed(chapters: list[Chapter], folder: Path) -> None:
    """Write the notebooks with their outputs, the failed ones too, into a folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for chapter in chapters:
        nbformat.write(chapter.notebook, folder / f"{chapter.name}.ipynb")


def run_course(notebooks: Path, build: Path) -> int:
    """Execute all chapters and write their pages into `build`. Returns the exit status."""
    speed, made_with = settle()
    paths = sorted(notebooks.glob("*.ipynb"))
    if not paths:
        print(f"There are no chapters in {notebooks}.", file=sys.stderr)
        return 1
    started = time.monotonic()
    chapters = run_chapters(paths, build, CELL_SECONDS[speed])
    write_pages(chapters, build, made_with)
    keep_executed(chapters, build / "executed")
    failed = [chapter.name for chapter in chapters if chapter.errors]
    succeeded, seconds = len(paths) - len(failed), time.monotonic() - started
    print(f"{succeeded} of {len(paths)} chapters in {seconds:.0f} s.")
    print(f"Read them in a browser: {build / 'index.html'}")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args(arguments)
    return run_course(options.notebooks.resolve(), options.build.resolve())


if __name__ == "__main__":
    sys.exit(main())
