"""Shared by all tests: hypothesis settings, and loaded images that are read once a session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]
# The same examples at every run in CI; a busy machine is no reason to fail.
settings.register_profile("course", deadline=None, max_examples=60, derandomize="CI" in os.environ)
settings.load_profile("course")


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Put `__main__` back: a shell of IPython takes its place, and spawning needs the real one."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def in_its_thread() -> Iterator[Callable[..., Any]]:
    """Call a function in a thread of its own.

    A thread bears one Playwright only, and the browser tests hold one until the session ends.
    """
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *given: pool.submit(function, *given).result()
