"""The wheel: installed far from the repository, it brings every image and the trained networks."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = """
import course_utils
from course_utils.images import SPLITS, load_fashion_mnist, load_mnist
from course_utils.metrics import ledger
from course_utils.networks import zoo
print(course_utils.__file__)
print([len(load(split)) for load in (load_mnist, load_fashion_mnist) for split in SPLITS])
print(zoo.damaged(), len(ledger.keys("")) > 0)
"""


@pytest.mark.slow
def test_an_installed_wheel_has_every_image(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(REPOSITORY)], check=True, cwd=tmp_path
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert all(name.startswith(("course_utils/", "when_to_trust_a_classifier-")) for name in names)
    assert "course_utils/py.typed" in names

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    # the wheel alone, and NumPy: reading images needs nothing else
    install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, cwd=tmp_path)
    subprocess.run([*install, "numpy"], check=True, cwd=tmp_path)
    run = [str(python), "-I", "-c", PROGRAM]
    result = subprocess.run(run, check=True, cwd=tmp_path, capture_output=True, text=True)
    place, sizes, state = result.stdout.splitlines()
    assert Path(place).is_relative_to(environment)
    assert sizes == "[55000, 5000, 10000, 55000, 5000, 10000]"
    assert state == "[] True"
