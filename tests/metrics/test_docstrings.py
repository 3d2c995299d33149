"""The examples in the docstrings of the metrics run, and every public metric has one."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest

from course_utils import metrics

NOT_METRICS = {"ledger"}  # reads what was measured
MODULES = [name for _, name, _ in iter_modules(metrics.__path__) if name not in NOT_METRICS]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(import_module(f"{metrics.__name__}.{name}")).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_public_metric_has_an_example_and_says_what_it_returns(name: str) -> None:
    module = import_module(f"{metrics.__name__}.{name}")
    functions = [
        function
        for key, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not key.startswith("_")
    ]
    lacking = [
        function.__name__
        for function in functions
        if not all(part in function.__doc__ for part in ("Parameters\n", "Returns\n", ">>> "))
    ]
    assert not lacking
