"""Kernels that are restarted or interrupted; cells that run twice, or in another order."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_process import REPOSITORY, environment, judge
from running_lab import answering

pytestmark = [pytest.mark.drill, pytest.mark.slow]
# one epoch, so that a whole chapter trains in seconds
SHORT = "from course_utils.networks import training; training.EPOCHS['train'] = 1"


class Kernel:
    """A kernel and a client that runs cells in it, as the notebook's page does."""

    def __init__(self, client: Any, interrupt: Any = None) -> None:
        self.client, self.interrupt = client, interrupt
        client.start_channels()
        # not wait_for_ready: it takes a kernel of somebody else's that is starting for a dead one
        for _ in range(60):
            with contextlib.suppress(queue.Empty, TimeoutError):
                client.kernel_info(reply=True, timeout=2)
                client.get_iopub_msg(timeout=2)  # only now is the other channel open as well
                return
        raise AssertionError("the kernel does not answer")

    def run(self, source: str, *, interrupt_after: float | None = None) -> tuple[str, str]:
        """What a cell prints, and the error it ends with (kind and words), if any."""
        request, started = self.client.execute(source), time.monotonic()
        printed, error = "", ""
        while True:
            seconds = time.monotonic() - started
            assert seconds < 120, f"a cell hangs: {source}"
            if interrupt_after is not None and seconds > interrupt_after:
                interrupt_after = None
                self.interrupt()
            try:
                message = self.client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                printed += content["text"]
            elif kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return printed, error


def cells_of(chapter: str) -> list[str]:
    """The code of a chapter, cell by cell."""
    notebook = json.loads((REPOSITORY / f"notebooks/{chapter}.ipynb").read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


@contextlib.contextmanager
def own_kernel(place: Path) -> Iterator[Kernel]:
    """The course's kernel, without a server."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    specs = KernelSpecManager(kernel_dirs=[str(REPOSITORY / "tools/learner/jupyter/kernels")])
    manager = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
    manager.start_kernel(env=environment(place), cwd=str(place), stderr=subprocess.DEVNULL)
    try:
        client = manager.client()
        yield Kernel(client, manager.interrupt_kernel)
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)


class Lab:
    """JupyterLab as `make lab` starts it, on a copy of the course."""

    def __init__(self, place: Path) -> None:
        self.course, home = place / "course", place / "jupyter"
        for folder in ("tools", "course_utils", "notebooks"):
            unwanted = shutil.ignore_patterns("__pycache__", "src")
            shutil.copytree(REPOSITORY / folder, self.course / folder, ignore=unwanted)
        self.runtime = home / "runtime"
        variables = environment(
            place,
            PYTHONPATH=str(self.course),
            COURSE_SPEED="look",
            JUPYTER_CONFIG_DIR=str(home),
            JUPYTER_DATA_DIR=str(home / "data"),
            JUPYTER_RUNTIME_DIR=str(self.runtime),
        )
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "JUPYTER_TOKEN"):
            variables.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.learner.lab"],
            cwd=self.course,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.facts = answering(self.process, self.runtime)

    def post(self, where: str, **content: Any) -> dict[str, Any]:
        """Ask for something, as the page does."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.facts['port']}/api/{where}", data=json.dumps(content).encode()
        )
        request.add_header("Authorization", f"token {self.facts['token']}")
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def open(self, name: str) -> str:
        """Open a notebook; returns the number of its kernel."""
        kernel = {"name": "python3"}
        session = self.post("sessions", path=name, name=name, type="notebook", kernel=kernel)
        return session["kernel"]["id"]

    def connect(self, kernel: str) -> Kernel:
        """Talk to a kernel of this server."""
        from jupyter_client import BlockingKernelClient

        client = BlockingKernelClient()
        client.load_connection_file(str(self.runtime / f"kernel-{kernel}.json"))
        return Kernel(client)


def test_the_kernel_is_restarted_and_cells_run_from_the_middle(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        number = lab.open("02_lenet.ipynb")
        cells = cells_of("02_lenet")
        middle = next(i for i, cell in enumerate(cells) if cell.startswith("torch.manual_seed"))
        kernel = lab.connect(number)
        for cell in cells[: middle + 1]:
            assert not kernel.run(cell)[1]
        lab.post(f"kernels/{number}/restart")
        kernel = lab.connect(number)
        _, error = kernel.run(cells[middle])
        judge(error, "`torch` is made by another cell", "Run All Above Selected Cell")
        _, other = kernel.run("figures.training_curves(lgo)")
        judge(other, "`figures` is made by another cell")
        _, typo = kernel.run("print(my_own_typing_error)")
        judge(typo, r"^NameError: name 'my_own_typing_error' is not defined")
        for cell in cells[: middle + 1]:
            assert not kernel.run(cell)[1]
    finally:
        lab.process.terminate()
        lab.process.wait(30)


def training_cell(cells: list[str]) -> int:
    """Where a chapter trains."""
    return next(i for i, cell in enumerate(cells) if "trainer.fit(routine, train_loader" in cell)


def test_the_stop_button_is_pressed_while_chapter_2_trains(tmp_path: Path) -> None:
    cells = cells_of("02_lenet")
    where = training_cell(cells)
    with own_kernel(tmp_path) as kernel:
        for cell in cells[:where]:
            assert not kernel.run(cell)[1]
        _, error = kernel.run(cells[where], interrupt_after=2)
        assert error.endswith(".") and "\n" not in error
        judge(error, "^Interrupted: The training of LeNet was interrupted: run this cell again")
        printed, error = kernel.run(cells[where])
        assert not error
        judge(printed.splitlines()[-1], "epochs? of 55,000 digits")


def test_every_cell_runs_twice_and_then_backwards(tmp_path: Path) -> None:
    cells = cells_of("02_lenet")
    facts = tmp_path / "runs/train/lenet.json"
    with own_kernel(tmp_path) as kernel:
        kernel.run(SHORT)
        for number, cell in enumerate(cells):
            for _ in range(2):
                _, error = kernel.run(cell)
                assert not error, f"cell {number}: {error}"
        seconds = json.loads(facts.read_text())["seconds"]
        assert seconds > 0.2, seconds
        for number, cell in reversed(list(enumerate(cells))):
            _, error = kernel.run(cell)
            assert not error, f"backwards, cell {number}: {error}"
