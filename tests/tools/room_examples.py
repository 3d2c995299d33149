"""A room kit of a few kilobytes: packages that hold nothing, a course of one file."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from packaging import tags

from tools.presenter import room_install, room_kit

HERE = room_kit.this_machine()
OWN_TAG = str(next(iter(tags.sys_tags())))
INSTALL = "import sys; print('installing', *sys.argv[1:])"


def wheel(
    folder: Path, name: str, version: str, needs: tuple[str, ...] = (), tag: str = "py3-none-any"
) -> Path:
    """Write a package that holds one module and asks for others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: lab\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    marks = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "ready = True\n")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", marks)
        archive.writestr(f"{info}/RECORD", "")
    return path


def packages(folder: Path) -> Path:
    """A package index as a folder: some packages for all machines, some for one kind only."""
    wheel(folder, "course", "1.0", ("plain", "own; extra == 'lab'", "win; os_name == 'nt'"))
    wheel(folder, "plain", "1.0", ("deep>=1",))
    wheel(folder, "plain", "2.0", ("deep>=1",))
    wheel(folder, "deep", "1.0")
    wheel(folder, "own", "1.0", tag=OWN_TAG)
    wheel(folder, "win", "1.0", tag="cp312-cp312-win_amd64")
    return folder


def kit(folder: Path, content: dict[str, bytes] | None = None) -> Path:
    """A finished kit for this machine, with some more files."""
    files = {
        "course/tools/learner/install.py": INSTALL.encode(),
        "course/notebooks/1_data.ipynb": b"{}",
        "data/MNIST/raw/labels.gz": b"not really",
        "index.html": b"<!DOCTYPE html><title>kit</title>",
        "install.py": Path(room_install.__file__).read_bytes(),
        "README.txt": b"how to",
        **(content or {}),
    }
    for name, held in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)
    packages(folder / "wheels")
    entry = {"system": HERE.system, "machine": HERE.machine, "python": HERE.python}
    manifest = room_kit.manifest_of(folder, [{**entry, "megabytes": 1, "missing": []}])
    (folder / room_install.MANIFEST).write_text(json.dumps(manifest))
    return folder


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
