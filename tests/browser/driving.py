"""How to start a JupyterLab on this machine only, and to move about in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import strip_ansi
from running_lab import answering

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "build" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SETTINGS = {
    # Every cell stays in the page, also those that nobody sees at the moment.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    # A saved notebook holds its widgets too, so that pages can be made of it.
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
}
STATUS = "jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status"


class Lab:
    """A JupyterLab server with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={folder}",
            "--IdentityProvider.token=",
            "--ServerApp.jpserver_extensions=jupytext=False",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        home = folder / ".home"
        for name, value in SETTINGS.items():
            settings = home / "settings" / f"{name}.jupyterlab-settings"
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(json.dumps(value))
        environment = {
            **os.environ,
            "COURSE_SPEED": "look",
            "COURSE_RUNS_DIR": str(folder / ".runs"),
            "PYTHONPATH": str(REPOSITORY),
            "JUPYTER_CONFIG_PATH": str(REPOSITORY / "tools/learner/jupyter"),  # asks for no news
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        }
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        try:
            facts = answering(self.process, home / "runtime")
        except AssertionError as silent:
            self.close()
            raise AssertionError((folder / "server.log").read_text()) from silent
        self.address = facts["url"].rstrip("/")

    def write(self, name: str, cells: list[str]) -> None:
        """Put a notebook into the folder."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}
            },
        )
        nbformat.write(notebook, self.folder / f"{name}.ipynb")

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def run_all(page: Any, address: str, name: str, *, seconds: float = 120) -> None:
    """Open a notebook and run all its cells, or those up to the first that fails."""
    address = f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?reset"
    page.goto(address, timeout=1000 * seconds)
    page.wait_for_function(f"window.jupyterapp && {STATUS} === 'idle'", timeout=1000 * seconds)
    # What a callback of a widget complains about belongs to no cell: JupyterLab shows it in its
    # log only. Some messages are JupyterLab's own: it may ask for widgets, in a comm that it opens
    # itself, before the kernel has heard of ipywidgets.
    page.evaluate(
        """() => {
            window.complaints = [];
            const opened = new Set();
            const session = jupyterapp.shell.currentWidget.context.sessionContext;
            session.iopubMessage.connect((_, message) => {
                const { header, parent_header: parent, content } = message;
                if (header.msg_type === 'comm_open') opened.add(content.comm_id);
                if (parent.msg_type === 'execute_request') return;
                const text = content.traceback?.join('\\n') ?? content.text;
                const [, comm] = /^No such comm: (\\S+)/.exec(text) ?? [];
                if (comm && !opened.has(comm)) return;
                if (/^No such comm target registered: jupyter.widget.control/.test(text)) return;
                if (header.msg_type === 'error' || content.name === 'stderr')
                    complaints.push(text);
            });
        }"""
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        """() => {
            const cells = [...jupyterapp.shell.currentWidget.content.model.cells]
                .filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
            return cells.every(cell => cell.executionCount) || cells.some(cell =>
                !cell.getMetadata('tags')?.includes('raises-exception')
                && cell.outputs.toJSON().some(output => output.output_type === 'error'));
        }""",
        timeout=1000 * seconds,
    )
    page.wait_for_function(f"{STATUS} === 'idle'", timeout=1000 * seconds)


def errors(page: Any) -> list[str]:
    """What went wrong so far: error outputs and what was written to stderr, by cells or callbacks.

    Cells tagged ``raises-exception`` may fail.
    """
    outputs = page.evaluate(
        """() => [...jupyterapp.shell.currentWidget.content.model.cells]
            .filter(cell => cell.type === 'code')
            .filter(cell => !cell.getMetadata('tags')?.includes('raises-exception'))
            .flatMap(cell => cell.outputs.toJSON())"""
    )
    found = [
        json.dumps(output)[:2000]
        for output in outputs
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    # What an Output widget caught is in no cell's outputs, but the reader sees it.
    caught = page.locator(
        ".jupyter-widgets [data-mime-type$='jupyter.stderr'],"
        " .jupyter-widgets [data-mime-type$='jupyter.error']"
    )
    complaints = [*caught.all_inner_texts(), *page.evaluate("window.complaints ?? []")]
    return found + [strip_ansi(text)[:2000] for text in complaints]


def use_theme(page: Any, theme: str) -> None:
    """Switch JupyterLab to its ``Dark`` or its ``Light`` theme."""
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme}",
    )
    light = "true" if theme == "Light" else "false"
    page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")


def shoot(target: Any, name: str, **options: Any) -> None:
    """Keep a screenshot as a build artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    target.screenshot(path=SCREENSHOTS / f"{name}.png", **options)


@contextmanager
def dragging(
    page: Any, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8
) -> Iterator[None]:
    """Drag from one place to another, by a finger where there is a touch screen; hold till the end.

    A finger goes through Chromium's own reckoning of gestures: where the page does not keep a touch
    to itself, it scrolls and the drag is cancelled.
    """
    if page.evaluate("navigator.maxTouchPoints") == 0:
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end, steps=steps)
        yield
        page.mouse.up()
        return
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", start)
    for step in range(1, steps + 1):
        x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
        touch("touchMove", (x, y))
    yield
    touch("touchEnd")
    devtools.detach()
