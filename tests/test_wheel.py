"""The wheel: installed far from the repository, it brings every file and reads its images."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# of no use to a learner: what authors read, and the sources that front_end.js bundles
UNWANTED = shutil.ignore_patterns("__pycache__", "README.md", "js")
PROGRAM = """
import course_utils
from course_utils.images import SPLITS, load_fashion_mnist, load_mnist
print(course_utils.__file__)
print([len(load(split)) for load in (load_mnist, load_fashion_mnist) for split in SPLITS])
"""


@pytest.mark.slow
def test_an_installed_wheel_has_every_file_and_reads_its_images(tmp_path):
    # building leaves `build/lib` in its folder, and a later wheel would pick that up
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "course_utils", source / "course_utils", ignore=UNWANTED)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0", "NOTICE"):
        shutil.copy(REPOSITORY / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(source)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if not name.startswith("when_to_trust_a_classifier-")}
    files = (path for path in (source / "course_utils").rglob("*") if path.is_file())
    assert packed == {path.relative_to(source).as_posix() for path in files}

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    # the wheel alone, and NumPy: reading images needs nothing else
    install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, cwd=tmp_path)
    subprocess.run([*install, "numpy"], check=True, cwd=tmp_path)
    run = [str(python), "-I", "-c", PROGRAM]
    result = subprocess.run(run, check=True, cwd=tmp_path, capture_output=True, text=True)
    place, sizes = result.stdout.splitlines()
    assert Path(place).is_relative_to(environment)
    assert sizes == "[55000, 5000, 10000, 55000, 5000, 10000]"
