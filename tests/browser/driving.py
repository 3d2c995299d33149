"""How to start a JupyterLab on this machine only, and to move about in it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "build" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STATUS = "jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """A JupyterLab server with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        command = [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--expose-app-in-browser"),
            f"--ServerApp.port={port}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.root_dir={folder}",
            "--IdentityProvider.token=",
            "--ServerApp.jpserver_extensions=jupytext=False",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        home = folder / ".home"
        quiet = home / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        }
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        limit = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/api", timeout=5)
                return
            except OSError:
                if time.monotonic() > limit or self.process.poll() is not None:
                    self.close()
                    raise RuntimeError((folder / "server.log").read_text()) from None
                time.sleep(0.2)

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
    """Open a notebook and run all its cells."""
    page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?reset")
    page.wait_for_function(f"window.jupyterapp && {STATUS} === 'idle'", timeout=1000 * seconds)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(
        """() => {
            const cells = jupyterapp.shell.currentWidget.content.model.cells;
            return [...cells].every(cell => cell.type !== 'code' || cell.executionCount);
        }""",
        timeout=1000 * seconds,
    )
    page.wait_for_function(f"{STATUS} === 'idle'", timeout=1000 * seconds)


def errors(page: Any) -> list[str]:
    """What went wrong in any cell: error outputs and what was written to stderr."""
    outputs = page.evaluate(
        """() => [...jupyterapp.shell.currentWidget.content.model.cells]
            .filter(cell => cell.type === 'code')
            .flatMap(cell => cell.outputs.toJSON())"""
    )
    return [
        json.dumps(output)[:2000]
        for output in outputs
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]


def shoot(target: Any, name: str) -> None:
    """Keep a screenshot as a build artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    target.screenshot(path=SCREENSHOTS / f"{name}.png")
