"""`course_utils.health.doctor`: what is fine is called fine, and what is not comes with a fix."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement

from course_utils import __main__
from course_utils.health import doctor, forecast, machine, packages
from course_utils.health.doctor import Finding
from course_utils.images import files
from course_utils.metrics import ledger
from course_utils.networks import zoo
from tools.learner import pages as course_pages
from tools.learner import run as run_course

ROOT = Path(__file__).resolve().parents[2]


def found(check: Any) -> Finding:
    """The only finding of a check."""
    (finding,) = check()
    return finding


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the doctor asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_this_machine_is_examined_without_a_network(no_network: None) -> None:
    findings = doctor.examine()
    assert [finding.name for finding in findings] == list(doctor.CHECKS)
    for finding in findings:
        assert finding.state in ("fine", "note", "problem")
        assert finding.seen and "could not be looked at" not in finding.seen
        assert bool(finding.fix) == (finding.state != "fine")
    by_name = {finding.name: finding for finding in findings}
    for name in ("Python", "Packages", "Images", "Weights", "Numbers", "Disk"):
        assert by_name[name].state == "fine", by_name[name]
    assert "COURSE_SPEED=" in by_name["Time"].seen


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("libgomp.so.1: cannot open\nmore lines")
        yield

    monkeypatch.setattr(doctor, "CHECKS", {"GPU": broken})
    (finding,) = doctor.examine()
    assert finding.state == "problem"
    assert "libgomp.so.1: cannot open" in finding.seen and "more lines" not in finding.seen
    assert "pip install" in finding.fix


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("torch>=2.11,<99", ""),
        ("ipywidgets>=99.1,<100", "is too old (needs"),
        ("ipywidgets<1", "is too new (needs <1)"),
        ("no-such-package>=1", "no-such-package is missing"),
    ],
)
def test_versions_against_ranges(stated: str, said: str) -> None:
    misfit = doctor._misfit(Requirement(stated))
    assert said in misfit and bool(said) == bool(misfit)


def test_an_old_ipywidgets_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version
    old = {"ipywidgets": "7.6.5"}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: old.get(name) or version(name))
    finding = found(doctor._packages)
    assert finding.state == "problem"
    assert finding.seen.startswith("ipywidgets 7.6.5 is too old (needs")
    assert finding.fix.endswith("-m pip install 'ipywidgets<9,>=7.7.1'")


def test_extras_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = ["numpy>=2.0", 'no-such-package>=1; extra == "dev"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: stated)
    assert found(doctor._packages).seen == "all 1 are whole and have versions that fit"


@pytest.mark.parametrize(
    ("broken", "state", "named"),
    [
        (["anywidget==0.9.21"], "problem", "anywidget==0.9.21"),
        (["sympy==1.14"], "note", "sympy==1.14"),
        (["sympy==1.14", "torch_uncertainty==0.13.0"], "problem", "torch_uncertainty==0.13.0"),
    ],
)
def test_packages_that_lost_files(
    broken: list[str], state: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.packages, "broken", lambda: broken)
    finding = found(doctor._packages)
    assert (finding.state, finding.seen) == (state, f"files are missing from {named}")
    assert finding.fix.endswith(f"--force-reinstall --no-deps {' '.join(broken)}")


def test_a_python_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.14.1")
    finding = found(doctor._python)
    assert finding.state == "problem" and "3.14.1 (needs" in finding.seen
    assert finding.fix == "python3 tools/learner/install.py lab"


def test_the_course_in_a_folder_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "metadata", unknown)
    monkeypatch.setattr(importlib.metadata, "requires", unknown)
    assert found(doctor._python).state == "fine"
    finding = found(doctor._packages)
    assert finding.state == "problem" and finding.fix.endswith(f"-m pip install {ROOT}")


# --- GPU -----------------------------------------------------------------------------------------


def test_a_gpu_that_cannot_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with …")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla K80")
    monkeypatch.setattr(torch, "ones", fail)
    finding = found(doctor._gpu)
    assert finding.state == "note"
    because = "CUDA error: no kernel image is available"
    assert finding.seen == f"Tesla K80 cannot be used, so the CPU is: {because}"
    assert "--force-reinstall torch" in finding.fix


def test_a_gpu_that_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = torch.ones
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch, "ones", lambda *shape, device: ones(*shape))
    assert found(doctor._gpu) == Finding("GPU", "fine", "Tesla T4, used for training")


def test_a_gpu_that_this_torch_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(doctor.Path, "exists", lambda path: True)
    finding = found(doctor._gpu)
    assert finding.state == "note" and "--force-reinstall" in finding.fix


# --- images and weights --------------------------------------------------------------------------


def test_a_damaged_image_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "damaged", lambda: ["MNIST/raw/t10k-labels-idx1-ubyte.gz"])
    finding = found(doctor._images)
    assert finding.state == "problem"
    assert finding.seen == "missing or damaged: MNIST/raw/t10k-labels-idx1-ubyte.gz"
    assert finding.fix.endswith(str(files.FOLDER))


def test_a_damaged_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "results.json").write_text('{"version": ')
    monkeypatch.setattr(ledger, "FILE", tmp_path / "results.json")
    finding = found(doctor._numbers)
    assert finding.state == "problem" and "cannot be read" in finding.seen
    assert finding.fix.endswith("results.json")


def test_missing_and_damaged_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "course_utils" / "assets" / "zoo"
    shutil.copytree(zoo.FOLDER, folder)
    monkeypatch.setattr(zoo, "FOLDER", folder)
    assert zoo.damaged() == []
    (folder / "lenet-0.safetensors").unlink()
    content = bytearray((folder / "short-lenet.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "short-lenet.safetensors").write_bytes(content)
    finding = found(doctor._weights)
    assert finding.state == "problem"
    assert sorted(zoo.damaged()) == ["lenet-0", "short-lenet"]
    assert "lenet-0" in finding.seen and "short-lenet" in finding.seen
    assert "pip install --force-reinstall --no-deps" in finding.fix  # no repository here
    (tmp_path / ".git").mkdir()
    assert found(doctor._weights).fix == f"git checkout -- {folder}"
    (folder / "manifest.json").write_text("{")
    assert "unreadable" in found(doctor._weights).seen


def test_installed_again_from_where_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    told = '{"url": "https://github.com/a/b", "vcs_info": {"vcs": "git"}}'
    fake = SimpleNamespace(read_text=lambda name: told)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: fake)
    assert doctor._install_again().endswith("--no-deps git+https://github.com/a/b")


# --- memory and disk -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "state"), [(8e9, "fine"), (1.5e9, "note"), (0.5e9, "problem"), (None, "fine")]
)
def test_memory(free: float | None, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: free)
    assert found(machine.room).state == state


def test_commands_can_be_typed_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    python = r"C:\Users\Ada Byron\course\.venv\Scripts\python.exe"
    monkeypatch.setattr(doctor, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(doctor, "in_notebook", lambda: False)
    assert doctor._widgets_again() == (
        f'"{python}" -m pip install "ipywidgets>=8.1,<9" "anywidget>=0.9.21"'
    )


def test_no_space_left(monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(total=10**9, used=10**9, free=3 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    finding = found(doctor._disk)
    assert finding.state == "problem" and finding.seen.startswith("no space left: 3 MB free in")
    assert "COURSE_RUNS_DIR=" in finding.fix


def test_a_quota_shows_only_in_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**options: Any) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    finding = found(doctor._disk)
    assert finding.state == "problem" and os.strerror(errno.EDQUOT) in finding.seen


# --- time ----------------------------------------------------------------------------------------


def test_forecast_by_chapter_and_a_hint_where_training_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = forecast.reference()
    monkeypatch.setattr(forecast, "drawing_seconds", lambda: known["drawing_seconds"])
    monkeypatch.setattr(forecast, "step_seconds", lambda device: known["step_seconds"])
    monkeypatch.setenv("COURSE_SPEED", "train")
    finding = found(doctor._forecast)
    assert finding.state == "fine"
    chapters = (ROOT / "notebooks").glob("[0-9]*.ipynb")
    assert all(f"{int(path.stem[:2])}: " in finding.seen for path in chapters)
    slow = known["step_seconds"] * 2 * doctor.SLOW
    monkeypatch.setattr(forecast, "step_seconds", lambda device: slow)
    assert found(doctor._forecast).fix.endswith("COURSE_SPEED=look")
    monkeypatch.setenv("COURSE_SPEED", "look")
    assert found(doctor._forecast).state == "fine"
    monkeypatch.setenv("COURSE_SPEED", "fast")
    finding = found(doctor._forecast)
    assert finding.state == "problem" and "'fast'" in finding.seen


# --- the command and the table -------------------------------------------------------------------

FINE = Finding("Python", "fine", "3.11.7")
BAD = Finding("Packages", "problem", "<numpy> is missing", "pip install 'numpy>=2.0'")


@pytest.mark.parametrize(("findings", "status"), [([FINE], 0), ([FINE, BAD], 1)])
def test_exit_status_and_lines(
    findings: list[Finding],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    assert __main__.main(["doctor"]) == status
    told = capsys.readouterr().out
    assert "Python" in told and "3.11.7" in told
    assert ("Fix: pip install 'numpy>=2.0'" in told) == bool(status)


def test_the_command_runs_in_a_process_of_its_own() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "course_utils", "doctor"], capture_output=True, text=True, cwd=ROOT
    )
    assert ended.returncode in (0, 1) and ended.stderr == ""
    assert [line.split()[0] for line in ended.stdout.splitlines() if line[0] != " "] == list(
        doctor.CHECKS
    )


def test_a_package_that_the_doctor_itself_needs_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "course_utils.health.doctor")
    monkeypatch.delattr("course_utils.health.doctor")
    monkeypatch.setitem(sys.modules, "numpy", None)  # importing it fails
    monkeypatch.delitem(sys.modules, "course_utils.images.files")
    monkeypatch.setattr(packages, "broken", lambda: ["numpy==2.3.5"])
    assert __main__.main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "problem" in told and "--no-deps numpy==2.3.5" in told


def test_the_table_says_states_in_words() -> None:
    from course_utils.health.report import table

    page = table([FINE, BAD])
    assert ">fine</td>" in page and ">problem</td>" in page
    assert "&lt;numpy&gt; is missing" in page
    assert "<code>pip install &#x27;numpy&gt;=2.0&#x27;</code>" in page


def test_the_page_answers_once_there_is_one() -> None:
    from course_utils.health.live_table import LiveTable

    live = LiveTable(before=[BAD], after=[FINE])
    bundle, _ = live._repr_mimebundle_()
    assert "missing" in bundle["text/html"] and "missing" in live.page
    assert "application/vnd.jupyter.widget-view+json" in bundle
    live.answered = True  # what the front end sets
    assert "missing" not in live.page and "3.11.7" in live.page


def test_without_a_page_nobody_waits(tmp_path: Path) -> None:
    cell = new_code_cell("from course_utils.health import doctor\ndoctor.report()")
    notebook = new_notebook(cells=[cell])
    assert run_course.execute(notebook, tmp_path, 120, lambda number: None) == []
    (output,) = notebook.cells[0].outputs
    assert "no live page has answered" in output.data["text/html"]
    page = course_pages.chapter_page(course_pages.Chapter("1", notebook, 1.0), None, None)
    assert page.count("no live page has answered") == 1


def test_widgets_that_do_not_start_leave_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(doctor, "examine", lambda: [FINE])
    monkeypatch.setattr(doctor, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setitem(sys.modules, "anywidget", None)  # importing it fails
    monkeypatch.delitem(sys.modules, "course_utils.health.live_table", raising=False)
    doctor.report()
    assert "3.11.7" in shown[0].data and "they do not start" in shown[0].data
    assert "%pip install" in shown[0].data


@pytest.mark.parametrize("hub", [True, False])
def test_on_a_hub_the_page_s_answer_proves_websockets(
    hub: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(doctor, "examine", lambda: [FINE])
    monkeypatch.setattr(doctor, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/" if hub else "")
    doctor.report()
    assert "websockets get through" not in shown[0].page
    shown[0].answered = True  # what the front end sets
    assert ("websockets get through" in shown[0].page) == hub


def test_silent_widgets_get_the_version_that_the_page_can_show(monkeypatch) -> None:
    assert "'ipywidgets>=8.1,<9'" in doctor._widgets_again()  # JupyterLab 4 knows no 7.7
    monkeypatch.setitem(sys.modules, "google.colab", doctor)
    assert "'ipywidgets>=7.7.1,<9'" in doctor._widgets_again()
