"""The rooms of `course_utils`: what each may import, and that nothing private crosses a wall.

The table is the design: data flows from images through networks and metrics to what people see.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "course_utils"
ROOMS = {
    "_support": set(),
    "images": {"_support"},
    "metrics": {"_support"},
    "networks": {"_support", "images", "metrics"},
    "figures": {"_support", "metrics"},
    "widgets": {"_support", "images", "metrics", "figures"},
    "exercises": {"_support", "images", "networks", "metrics", "figures", "widgets"},
    "health": {"_support", "images", "networks", "metrics", "figures", "widgets", "exercises"},
}


def imports(path: Path) -> Iterator[str]:
    """Every name that a module of the course imports from the course, with full dots."""
    package = path.relative_to(PACKAGE.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def crossings(room: str) -> Iterator[tuple[str, str, str]]:
    """(module, the other room, imported name) for every import that leaves a room."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "course_utils" and parts[1] in ROOMS and parts[1] != room:
                yield str(path.relative_to(PACKAGE)), parts[1], name


def test_every_folder_is_a_room_with_a_sentence():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ROOMS)
    for room in rooms:
        tree = ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{room} does not say what belongs there"
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_the_table_allows(room):
    wrong = [crossing for crossing in crossings(room) if crossing[1] not in ROOMS[room]]
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_private_crosses_a_wall(room):
    private = [
        (module, name)
        for module, _, name in crossings(room)
        if "._" in name.replace("._support", "")
    ]
    assert private == []


def test_tools_and_notebooks_import_nothing_private():
    for folder in ("tools", "benchmarks", "notebooks/src", "slides/src"):
        for path in sorted((PACKAGE.parent / folder).rglob("*.py")):
            names = [name for name in imports(path) if name.startswith("course_utils.")]
            found = [name for name in names if "._" in name.replace("._support", "")]
            assert found == [], path


@pytest.mark.parametrize("room", ["_support", "images", "metrics", "figures"])
def test_rooms_right_of_the_predictions_load_without_torch(room):
    program = (
        "import importlib, pkgutil, sys, course_utils\n"
        f"package = importlib.import_module('course_utils.{room}')\n"
        "for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print([name for name in ('torch', 'torchvision', 'sklearn') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
