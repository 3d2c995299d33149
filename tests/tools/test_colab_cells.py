"""The cell for Google Colab: it adds to what Colab has, changes nothing, and can be run again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.author import address, notebooks
from tools.learner import colab_cells, install
from tools.learner import pages as course_pages

tomllib = pytest.importorskip("tomllib")  # Python 3.11 and later

ROOT = install.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIST = ROOT / "tests" / "colab_packages.txt"
COLAB = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", LIST.read_text(), re.MULTILINE)
}
PYTHON = re.search(r"Python (3\.\d+)\.\d+", LIST.read_text())[1]
# Runs a cell as Colab's kernel does, without one: `!` has become a call of `system`.
KERNEL = """\
import importlib.util, subprocess, sys, types
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.ModuleType("google.colab")
def system(command):
    subprocess.run(command.format(sys=sys), shell=True)
def get_ipython():
    return types.SimpleNamespace(system=system)
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package index answers."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0"]
    ended = subprocess.run([*command, "--dest", str(folder), "einops"], capture_output=True)
    if ended.returncode != 0:
        pytest.skip("no package index answers")


def code(cell: str) -> str:
    return TransformerManager().transform_cell(cell)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address -> the installation cell of a notebook that was built for it."""
    cells = {}
    for number, where in enumerate(("", "https://github.com/y/z")):
        root = tmp_path_factory.mktemp(f"course{number}")
        (root / "notebooks" / "src").mkdir(parents=True)
        (root / "notebooks" / "src" / "01_data.py").write_text("# %% [markdown]\n# # 1. Digits\n")
        for name in ("README.md", "pyproject.toml"):
            shutil.copy(ROOT / name, root)
        address.write(where, root)
        (notebook,) = notebooks.build(root)
        marked = filter(colab_cells.belongs, nbformat.read(notebook, as_version=4).cells)
        (cells[where],) = [cell.source for cell in marked if cell.cell_type == "code"]
    return cells


def execute(cell: str) -> list[str]:
    """Run a cell as IPython does; returns the commands that it gave to the shell."""
    asked: list[str] = []
    exec(code(cell), {"get_ipython": lambda: SimpleNamespace(system=asked.append)})
    return asked


def test_on_colab_the_built_cell_installs_the_course_or_asks_for_its_address(
    built: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    pip, rest = execute(built["https://github.com/y/z"])
    assert pip.startswith("{sys.executable} -m pip install") and "--no-deps" in pip
    assert pip.endswith('"git+https://github.com/y/z"')
    assert rest == "{sys.executable} -m course_utils colab"
    assert "about a minute" in capsys.readouterr().out
    assert execute(built[""]) == []
    assert "make address URL=https://" in capsys.readouterr().out


def test_elsewhere_the_built_cell_does_nothing(
    built: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for cell in built.values():
        assert execute(cell) == [] and capsys.readouterr().out == ""


def test_every_notebook_has_the_cell_and_no_exported_page(tmp_path: Path) -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        found = [cell for cell in notebook.cells if colab_cells.belongs(cell)]
        assert found[-1].cell_type == "code" and len(found[-1].source.splitlines()) <= 8
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert first == found[-1], path
    page = course_pages.chapter_page(course_pages.Chapter(path.stem, notebook, 1.0), None, None)
    assert "google.colab" not in page


def test_nothing_that_colab_has_would_change(index: None, tmp_path: Path) -> None:
    """uv resolves the course for Colab's Python with every version there as a constraint."""
    pytest.importorskip("uv", reason="needs: pip install uv")
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("\n".join(PROJECT["dependencies"]))
    command = [sys.executable, "-m", "uv", "pip", "compile", str(wanted), "--constraint", str(LIST)]
    command += ["--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--no-header", "--no-annotate", "--quiet", "--only-binary", ":all:"]
    # as pip does: whom this machine trusts, a proxy of one's own among them (new name, old name)
    trust = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | trust)
    assert ended.returncode == 0, ended.stderr
    resolved = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", ended.stdout, re.MULTILINE)
    }
    met = COLAB.keys() & resolved.keys()
    assert {name: resolved[name] for name in met} == {name: COLAB[name] for name in met}
    assert {"torch", "torchvision", "numpy", "ipywidgets"} <= met
    assert {"torch-uncertainty", "lightning"} <= resolved.keys() - COLAB.keys()


class Machine:
    """An environment in which pip finds what Colab has: names and versions, nothing behind them."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        asked = subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True)
        self.packages = Path(asked.stdout.strip())
        for name, version in COLAB.items():
            if name in ("packaging", "setuptools"):
                continue  # really needed: packaging comes below, the course is built elsewhere
            described = self.packages / f"{name.replace('-', '_')}-{version}.dist-info"
            described.mkdir()
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (described / "METADATA").write_text(metadata)
            (described / "WHEEL").write_text("Wheel-Version: 1.0\nTag: py3-none-any\n")
            (described / "INSTALLER").write_text("pip\n")
            (described / "RECORD").write_text("")
        pip = [self.python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"packaging=={COLAB['packaging']}"], check=True)

    def installed(self) -> dict[str, str]:
        listed = subprocess.run(
            [self.python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True
        )
        return {canonicalize_name(one["name"]): one["version"] for one in json.loads(listed.stdout)}

    def start(self, source: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-c", KERNEL + source],
            cwd=self.packages.anchor,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, source: str) -> str:
        return self.start(source).communicate()[0]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="ends processes by their group")
def test_install_interrupted_and_repeated(index: None, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "colab")
    before = machine.installed()
    cell = code(colab_cells.INSTALL % ROOT.as_uri())

    interrupted = machine.start(cell)
    limit = time.monotonic() + 120
    while not (machine.packages / "torchmetrics").exists():
        assert time.monotonic() < limit and interrupted.poll() is None, interrupted.communicate()
        time.sleep(0.01)
    os.killpg(interrupted.pid, signal.SIGKILL)
    interrupted.communicate()
    # the worst that pip can leave behind: a package that it would take for complete
    half = next(machine.packages.glob("torchmetrics-*.dist-info"), None)
    if half is not None:
        (half / "INSTALLER").unlink(missing_ok=True)
        (machine.packages / "torchmetrics" / "__init__.py").unlink(missing_ok=True)

    told = machine.run(cell)
    assert "The course is installed" in told, told
    assert "Traceback" not in told
    after = machine.installed()
    assert {name: after[name] for name in before} == before
    for text in PROJECT["dependencies"]:
        requirement = Requirement(text)
        assert after[canonicalize_name(requirement.name)] in requirement.specifier
    assert (machine.packages / "torchmetrics" / "__init__.py").exists()

    started = time.monotonic()
    assert "The course is installed" in machine.run(cell)
    print(f"repeated in {time.monotonic() - started:.0f} s")
    assert machine.installed() == after
