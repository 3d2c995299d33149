"""Execute every chapter and leave readable pages in `build/`, starting at `build/index.html`.

    python -m tools.learner.run                all chapters
    python -m tools.learner.run --chapter 4    only this one

The chapters run in order, because each may take up what an earlier one left. Each page is written
as soon as its chapter has run, so stopping the command keeps what is done. A chapter that
fails does not keep the others from running; the exit status is 0 only if none failed.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import shutil
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

from course_utils._support import settings
from course_utils.health import shipped
from tools.author import address
from tools.learner.front_page import WELCOME, button, front_page
from tools.learner.install import only_one
from tools.learner.lab import has_display
from tools.learner.page_widgets import VIEW, descendants, widget_states
from tools.learner.pages import Chapter, copy_mathjax, write_page

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


class StoppableClient(NotebookClient):
    """Ctrl-C and SIGTERM stop the whole command.

    nbclient's own handlers would only end the kernel, and the next chapter would start.
    """

    stopped = False

    @asynccontextmanager
    async def async_setup_kernel(self, **options: Any) -> AsyncIterator[None]:
        """Start the kernel, with handlers of our own until it has ended."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in signals}

        def stop() -> None:
            self.stopped = True
            self.shutdown_kernel = "immediate"
            task.cancel()

        try:
            async with super().async_setup_kernel(**options):
                # not on Windows, where Ctrl-C raises KeyboardInterrupt, nor in other threads
                with suppress(NotImplementedError, RuntimeError):
                    for number in signals:
                        loop.add_signal_handler(number, stop)
                yield
        finally:
            if threading.current_thread() is threading.main_thread():
                for number, handler in before.items():
                    signal.signal(number, handler)


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


def execute(
    notebook: NotebookNode, folder: Path, cell_seconds: int, report: Callable[[int], None]
) -> list[str]:
    """Execute a notebook in place, with `folder` as its working directory.

    Parameters
    ----------
    report
        Called with the number of each code cell as it starts.

    Returns
    -------
    list of str
        What went wrong, cell by cell; empty if nothing did.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C or SIGTERM arrives meanwhile.
    """
    client = StoppableClient(
        notebook,
        kernel_manager_class=ThisPythonKernel,
        timeout=cell_seconds,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: report(cell_index + 1),
    )
    stopped = None
    try:
        client.execute()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except CellTimeoutError:
        stopped = f"a cell did not end within {cell_seconds} s"
    except DeadKernelError:
        if client.stopped:
            raise KeyboardInterrupt from None
        stopped = "the kernel died (out of memory?)"
    except RuntimeError as error:
        stopped = f"the kernel did not start ({error})"
        atexit.unregister(client._cleanup_kernel)  # nbclient has cleaned up, and would fail again
    except CellExecutionError:
        pass  # its traceback is in the cell's outputs
    errors = find_errors(notebook)
    return [stopped, *errors] if stopped else errors


def progress(number: int, total: int, name: str, cells: int) -> Callable[[int], None]:
    """Return a function that shows on a terminal which cell runs; in a log it stays silent."""
    started = time.monotonic()

    def report(cell: int) -> None:
        if sys.stdout.isatty():
            seconds = time.monotonic() - started
            print(f"\r[{number}/{total}] {name}: cell {cell} of {cells}, {seconds:.0f} s ", end="")
            sys.stdout.flush()

    return report


def run_chapter(
    chapter: Chapter, number: int, total: int, scratch: Path, cell_seconds: int
) -> None:
    """Execute one chapter in place, telling how it goes."""
    if not sys.stdout.isatty():
        print(f"[{number}/{total}] {chapter.name} ...", flush=True)
    started = time.monotonic()
    report = progress(number, total, chapter.name, len(chapter.notebook.cells))
    chapter.errors = execute(chapter.notebook, scratch, cell_seconds, report)
    chapter.seconds = time.monotonic() - started
    result = "failed" if chapter.errors else "done"
    start = "\r\033[K" if sys.stdout.isatty() else ""
    words = f"[{number}/{total}] {chapter.name}: {result} in {chapter.seconds:.0f} s"
    print(start + words, flush=True)
    for error in chapter.errors:
        print(f"      {chapter.name}, {error}", flush=True)


def settle() -> tuple[str, str]:
    """Read the knob, or end with a sentence and exit status 2.

    Returns
    -------
    tuple of str
        The speed, and what the chapters are computed with, in words.
    """
    try:
        speed = settings.speed()
    except ValueError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    return speed, f"Computed with COURSE_SPEED={speed}."


def fresh_scratch(build: Path) -> Path:
    """An empty folder for whatever a chapter writes beside itself, so that the tree stays clean."""
    scratch = build / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch


def paths_of(notebooks: Path) -> list[Path]:
    """The chapters in order; the welcome notebook is none."""
    return sorted(notebooks.glob("[0-9]*.ipynb"))


def read_chapters(paths: list[Path]) -> list[Chapter]:
    """Chapters that have not run yet."""
    return [Chapter(path.stem, nbformat.read(path, as_version=4)) for path in paths]


def run_chapters(
    notebooks: Path,
    build: Path,
    cell_seconds: int,
    finished: Callable[[list[Chapter], int, Chapter | None], None] = lambda *course: None,
) -> tuple[list[Chapter], Chapter | None]:
    """Execute chapters in order, after the pages of an earlier run in `build` are gone.

    Parameters
    ----------
    notebooks : Path
        Folder of the chapters and, if there is one, of the welcome notebook, which runs first.
    build : Path
    cell_seconds : int
        Longest time for a cell.
    finished : callable
        Called with all chapters, the place of the one that has just run, and the welcome notebook.

    Returns
    -------
    list of Chapter, and the welcome notebook or None
    """
    scratch = fresh_scratch(build)
    for old in [*build.glob("*.html")]:
        old.unlink()
    chapters, total = read_chapters(paths_of(notebooks)), len(paths_of(notebooks))
    welcome = None
    if (notebooks / f"{WELCOME}.ipynb").is_file():
        (welcome,) = read_chapters([notebooks / f"{WELCOME}.ipynb"])
        run_chapter(welcome, 0, total, scratch, cell_seconds)
    for number, chapter in enumerate(chapters):
        run_chapter(chapter, number + 1, total, scratch, cell_seconds)
        finished(chapters, number, welcome)
    return chapters, welcome


def index_page(chapters: list[Chapter], welcome: Chapter | None, made_with: str) -> str:
    """The page that leads to every chapter that has run on this machine."""
    repository = address.read()
    buttons = button(
        next((one.page for one in chapters if one.seconds is not None), "#chapters"),
        "Start",
        first=True,
    )
    if link := address.colab_link(repository, f"notebooks/{WELCOME}.ipynb"):
        buttons += button(link, "Open in Colab")
    below = f"""<p>These are the chapters as they ran on this machine. To change and run them
yourself: <code>make lab</code>.</p><p class="note">{escape(made_with)}</p>"""
    return front_page(chapters, welcome, buttons=buttons, below=below)


def run_course(notebooks: Path, build: Path) -> int:
    """Execute all chapters and write their pages into `build`. Returns the exit status."""
    speed, made_with = settle()
    paths = paths_of(notebooks)
    if not paths:
        print(f"There are no chapters in {notebooks}.", file=sys.stderr)
        return 1
    executed = build / "executed"
    shutil.rmtree(executed, ignore_errors=True)
    executed.mkdir(parents=True)
    copy_mathjax(build)
    done = 0

    def keep(chapters: list[Chapter], number: int, welcome: Chapter | None) -> None:
        nonlocal done
        write_page(chapters, number, build)
        index = index_page(chapters, welcome, made_with)
        (build / "index.html").write_text(index, encoding="utf-8")
        nbformat.write(chapters[number].notebook, executed / f"{chapters[number].name}.ipynb")
        done += 1

    started = time.monotonic()
    try:
        chapters, welcome = run_chapters(notebooks, build, CELL_SECONDS[speed], keep)
    except KeyboardInterrupt:
        kept = f" Their pages: {build / 'index.html'}" if done else ""
        start = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{start}Stopped. {done} of {len(paths)} chapters have run.{kept}", flush=True)
        return 130
    failed = [chapter.name for chapter in chapters if chapter.errors]
    succeeded, seconds = len(paths) - len(failed), time.monotonic() - started
    failed += [welcome.name] if welcome is not None and welcome.errors else []
    print(f"{succeeded} of {len(paths)} chapters in {seconds:.0f} s.")
    print(f"Read them in a browser: {build / 'index.html'}")
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def run_one(notebooks: Path, build: Path, wanted: int, show: bool = False) -> int:
    """Execute one chapter, write its page and print the page's path, open it where asked and able.

    Returns the exit status.
    """
    speed, _ = settle()
    paths = paths_of(notebooks)
    numbers = [int(path.stem.partition("_")[0]) for path in paths]
    if wanted not in numbers:
        there = ", ".join(map(str, numbers))
        print(f"There is no chapter {wanted}: choose among {there}.", file=sys.stderr)
        return 2
    chapters, place = read_chapters(paths), numbers.index(wanted)
    scratch = fresh_scratch(build)
    copy_mathjax(build)
    try:
        run_chapter(chapters[place], 1, 1, scratch, CELL_SECONDS[speed])
    except KeyboardInterrupt:
        print(f"Stopped: {chapters[place].name} has not run to its end.", flush=True)
        return 130
    page = write_page(chapters, place, build)
    print(page)
    if show and has_display():
        webbrowser.open(page.as_uri())
    return 1 if chapters[place].errors else 0


def interrupt(number: int, frame: Any) -> None:
    """End on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chapter", type=int, metavar="N", help="run only this chapter")
    parser.add_argument("--open", action="store_true", help="open its page in a browser")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args(arguments)
    notebooks, build = options.notebooks.resolve(), options.build.resolve()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with only_one(build / "run.lock", "Another run is writing into this folder"):
            if not shipped.repair():
                return 1
            if options.chapter is not None:
                return run_one(notebooks, build, options.chapter, options.open)
            return run_course(notebooks, build)
    except KeyboardInterrupt:
        print("Stopped before a chapter ran.", flush=True)
        return 130


if __name__ == "__main__":
    sys.exit(main())
