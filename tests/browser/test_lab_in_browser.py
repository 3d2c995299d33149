"""`make lab` as an attendee uses it: run a chapter, edit it, save it, come back another day."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from driving import REPOSITORY, errors, run_all, shoot
from running_lab import answering

CHAPTER = "01_data"
NOTE = "course_utils.__file__  # my own note"
# Generous: a chapter takes seconds on an idle machine, minutes on a crowded one.
SECONDS = 240
pytestmark = pytest.mark.timeout(900)


def git(*arguments: str, folder: Path) -> str:
    """Run git in a folder and return what it says."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A clone of the course as it stands here, with what is not yet committed."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git, and the course as a git repository")
    kept = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=REPOSITORY)
    clone = tmp_path / "course"
    for name in filter(None, kept.split("\0")):
        if (REPOSITORY / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, clone / name)
    git("init", "--quiet", folder=clone)
    git("add", ".", folder=clone)
    git("commit", "--quiet", "-m", "The course", folder=clone)
    return clone


class Session:
    """JupyterLab, started as `make lab` starts it on a machine without a display."""

    def __init__(self, course: Path, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "COURSE_SPEED": "look",
            "PYTHONPATH": str(course),
            # The attendee's own Jupyter settings play no part, and are not written to.
            "JUPYTER_CONFIG_DIR": str(home),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        }
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "JUPYTER_TOKEN", "COURSE_RUNS_DIR"):
            environment.pop(name, None)
        self.log = (home / "server.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.learner.lab", "--expose-app-in-browser"],
            cwd=course,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        try:
            self.facts = answering(self.process, home / "runtime", SECONDS)
        except AssertionError as silent:
            self.close()
            raise AssertionError((home / "server.log").read_text()) from silent
        self.port, self.token = self.facts["port"], self.facts["token"]
        self.address = f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, host: str = "127.0.0.1", token: str = "") -> bytes:
        """What the server answers to somebody at `host` who has this token."""
        request = urllib.request.Request(f"http://{host}:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"token {token}")
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.log.close()


@pytest.fixture
def start(course: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts JupyterLab on the clone; whatever still runs is stopped at the end."""
    sessions: list[Session] = []

    def begin() -> Session:
        sessions.append(Session(course, tmp_path / "home"))
        return sessions[-1]

    yield begin
    for session in sessions:
        if session.process.poll() is None:
            session.close()


def other_addresses() -> list[str]:
    """Addresses at which this machine answers, other than the one that only itself can use."""
    # On Linux all of 127.0.0.0/8 reaches this machine, but only a server that listens everywhere.
    return ["127.0.0.2"] if sys.platform.startswith("linux") else []


def answers_only_here_and_only_with_the_token(session: Session) -> None:
    assert session.facts["hostname"] == "127.0.0.1"
    assert len(session.token) >= 32
    assert json.loads(session.ask("/api/contents", token=session.token))["content"]
    for wrong in ("", "a-guess"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            session.ask("/api/contents", token=wrong)
    for address in other_addresses():
        with pytest.raises(urllib.error.URLError, match="refused"):
            session.ask("/api", host=address)


def test_running_editing_saving_leaves_the_repository_clean(
    start: Any, course: Path, browser: Any
) -> None:
    session = start()
    answers_only_here_and_only_with_the_token(session)
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{session.address}/lab?token={session.token}")  # as printed for the attendee
    run_all(page, session.address, CHAPTER, seconds=SECONDS)
    assert errors(page) == []
    assert page.locator(".Toastify__toast").count() == 0  # it asks nobody about news

    # A cell of one's own below the last, by the keyboard only.
    page.evaluate("jupyterapp.commands.execute('notebook:enter-command-mode')")  # takes the focus
    page.keyboard.press("b")
    page.locator(".jp-CodeCell.jp-mod-active:focus").wait_for()
    page.keyboard.press("Enter")
    # letters typed before the editor has the focus would be commands
    page.locator(".jp-Cell.jp-mod-active .cm-content:focus").wait_for()
    page.keyboard.type("import course_utils\n" + NOTE)
    page.keyboard.press("Control+Enter")
    answer = page.locator(".jp-Cell.jp-mod-active .jp-OutputArea-output")
    answer.wait_for(timeout=1000 * SECONDS)
    assert str(course / "course_utils") in answer.inner_text()
    page.keyboard.press("Control+s")
    page.wait_for_function(
        "!jupyterapp.shell.currentWidget.context.model.dirty", timeout=1000 * SECONDS
    )
    shoot(page, "lab")
    page.close()
    session.close()
    assert git("status", "--porcelain", folder=course) == ""

    saved = (course / f"work/{CHAPTER}.ipynb").read_bytes()
    cells = nbformat.reads(saved.decode(), as_version=4).cells
    assert NOTE in cells[-1].source
    handed_out = nbformat.read(course / f"notebooks/{CHAPTER}.ipynb", as_version=4).cells
    assert [cell.source for cell in cells[:-1]] == [cell.source for cell in handed_out]
    assert any(cell.get("outputs") for cell in cells)

    again = start()
    seen = json.loads(again.ask(f"/api/contents/{CHAPTER}.ipynb", token=again.token))
    assert NOTE in seen["content"]["cells"][-1]["source"]
    again.close()
    assert (course / f"work/{CHAPTER}.ipynb").read_bytes() == saved
    assert sorted(path.name for path in (course / "work").glob("*.ipynb")) == sorted(
        path.name for path in (course / "notebooks").glob("*.ipynb")
    )
    assert git("status", "--porcelain", folder=course) == ""
