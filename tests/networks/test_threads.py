"""One thread for PyTorch, whichever part of the course comes first, unless chosen otherwise."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_utils.networks import threads

REPOSITORY = Path(__file__).resolve().parents[2]

EACH_FIRST = """
import importlib, sys
import torch
for name in ("models", "evaluation", "training", "progress"):
    for loaded in [one for one in sys.modules if one.startswith("course_utils.networks")]:
        del sys.modules[loaded]
    torch.set_num_threads(2)
    importlib.import_module("course_utils.networks." + name)
    print(name, torch.get_num_threads())
"""


@pytest.fixture(autouse=True)
def keeps_threads():
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


def test_whatever_a_chapter_imports_first_leaves_one_thread():
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", EACH_FIRST],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.split() == [
        "models",
        "1",
        "evaluation",
        "1",
        "training",
        "1",
        "progress",
        "1",
    ]


def test_a_number_in_the_environment_holds(monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    importlib.reload(threads)
    assert torch.get_num_threads() == 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    importlib.reload(threads)
    assert torch.get_num_threads() == 1
