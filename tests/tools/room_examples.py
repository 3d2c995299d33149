"""A room kit of a few kilobytes: packages that hold nothing, a course of few files."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from packaging import tags

from tools.presenter import room_install, room_kit

PYTHON = "{}.{}".format(*sys.version_info)
HERE = room_kit.Machine(room_kit.this_platform(), PYTHON)
WINDOWS = room_kit.Machine("windows", "3.12")
OWN_TAG = f"cp3{sys.version_info[1]}-cp3{sys.version_info[1]}-{next(iter(tags.platform_tags()))}"


def wheel(
    folder: Path, name: str, version: str, tag: str = "py3-none-any", needs: str = ""
) -> Path:
    """Write a package that holds one module and may ask for another."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    marks = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "ready = True\n")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", marks)
        archive.writestr(f"{info}/RECORD", "")
    return path


def kit(folder: Path, content: dict[str, bytes] | None = None) -> Path:
    """A finished kit for this machine, with some more files."""
    files = {
        "course/tools/learner/install.py": b"import sys; print('installing', *sys.argv[1:])",
        "course/notebooks/01_data.ipynb": b"{}",
        "index.html": b"<!DOCTYPE html><title>kit</title>",
        "install.py": Path(room_install.__file__).read_bytes(),
        "README.txt": b"how to",
        **(content or {}),
    }
    for name, held in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)
    for name in ("plain", "deep"):
        wheel(folder / HERE.entry["wheels"], name, "1.0")
    manifest = room_kit.manifest_of(folder, [{**HERE.entry, "megabytes": 1}])
    (folder / room_install.MANIFEST).write_text(json.dumps(manifest))
    return folder
