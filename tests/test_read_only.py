"""A hub's shared folders: images and the course with its weights on a disk that nobody can write.

Root writes into folders of any mode, so the folders are mounted read-only, in a namespace of mounts
that only the tested process sees.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
MOUNT = (
    'for folder in $SHARED; do mount --bind "$folder" "$folder" '
    '&& mount -o remount,bind,ro "$folder" || exit 99; done; exec "$@"'
)
UNSHARE = ["unshare", "--mount", "--map-root-user"]
# Replaces the known files by two tiny ones, then does what an attendee's kernel does.
PROGRAM = """
import json, sys
from pathlib import Path
from course_utils import _files
_files.FILES = json.loads(sys.argv[1])
for folder in sys.argv[2:]:
    try:
        Path(folder, "mine").touch()
    except OSError:
        continue
    sys.exit("could write " + folder)
print(sorted(map(len, _files.original_files("MNIST").values())))
"""
LOAD_WEIGHTS = """
from course_utils import zoo
print(sum(weights.numel() for weights in zoo.load("short-lenet").parameters()))
"""


def works() -> bool:
    command = [*UNSHARE, "sh", "-c", "mount --bind /tmp /tmp"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(command, capture_output=True).returncode
    )


pytestmark = pytest.mark.skipif(not works(), reason="needs Linux that allows mounts of one's own")
CONTENTS = {"labels": b"12345", "images": b"67890" * 9}
KNOWN = {name: (len(c), hashlib.sha256(c).hexdigest()) for name, c in CONTENTS.items()}


def attend(program: str, data: Path, tmp_path: Path, **settings: str) -> str:
    """Run a program where the data and the course are read-only. Returns what it printed."""
    shared = [str(data), str(REPOSITORY / "course_utils")]
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    own = {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "COURSE_DATA_DIR": str(data)}
    python = [sys.executable, "-c", program, json.dumps({"MNIST": KNOWN}), *shared]
    ended = subprocess.run(
        [*UNSHARE, "sh", "-c", MOUNT, "sh", *python],
        env={**kept, **own, **settings, "SHARED": " ".join(shared)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def write(folder: Path, contents: dict[str, bytes]) -> None:
    """Lay files out as torchvision does."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)


def test_images_and_weights_of_a_hub_are_only_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data, CONTENTS)
    before = sorted(data.rglob("*"))
    assert attend(PROGRAM + LOAD_WEIGHTS, data, tmp_path) == "[5, 45]\n44426\n"
    assert sorted(data.rglob("*")) == before


def test_zipped_images_that_cannot_be_unpacked_stay_in_memory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data, {f"{name}.gz": gzip.compress(content) for name, content in CONTENTS.items()})
    printed = attend(PROGRAM, data, tmp_path)
    assert "cannot be written (Read-only file system): the images stay in memory" in printed
    assert printed.splitlines()[-1] == "[5, 45]" and len(printed.splitlines()) == 2


def test_an_empty_shared_folder_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "mirror", CONTENTS)
    mirror = str(tmp_path / "mirror")
    printed = attend(PROGRAM, tmp_path / "data", tmp_path, COURSE_DATA_MIRROR=mirror)
    assert "cannot be written (Read-only file system): the images stay in memory" in printed
    assert printed.splitlines()[-1] == "[5, 45]"
