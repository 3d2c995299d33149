"""A hub's shared folders: the course with its images and weights on a disk that nobody can write.

Root writes into folders of any mode, so the folders are mounted read-only, in a namespace of mounts
that only the tested process sees.
"""

from __future__ import annotations

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
# What an attendee's kernel does, once it is sure that the folders cannot be written.
PROGRAM = """
import os
from pathlib import Path
from course_utils.images import ImagesError, load_fashion_mnist, load_mnist
from course_utils.images.files import torchvision_root
from course_utils.networks import runs, zoo
for folder in os.environ["SHARED"].split():
    try:
        Path(folder, "mine").touch()
    except OSError:
        continue
    raise SystemExit("could write " + folder)
print(*(len(load_mnist(split)) for split in ("train", "val", "test")))
print(len(load_fashion_mnist("test")))
print(sum(weights.numel() for weights in zoo.load("short-lenet").parameters()))
print(runs.load("lenet").name)
try:
    torchvision_root(os.environ["SHARED"].split()[1])
except ImagesError as error:
    print(error)
"""


def works() -> bool:
    command = [*UNSHARE, "sh", "-c", "mount --bind /tmp /tmp"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(command, capture_output=True).returncode
    )


@pytest.mark.skipif(not works(), reason="needs Linux that allows mounts of one's own")
def test_images_and_weights_of_a_hub_are_only_read(tmp_path: Path) -> None:
    for name in ("home", "shared"):
        (tmp_path / name).mkdir()
    shared = [str(REPOSITORY / "course_utils"), str(tmp_path / "shared")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    own = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        [*UNSHARE, "sh", "-c", MOUNT, "sh", sys.executable, "-c", PROGRAM],
        env={**kept, **own, "SHARED": " ".join(shared)},
        cwd=tmp_path / "home",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[:3] == ["55000 5000 10000", "10000", "44426"]
    assert lines[-2] == "lenet"
    assert lines[-1].startswith(f"{tmp_path}/shared cannot be written (Read-only file system)")
    assert not any((tmp_path / "shared").iterdir())
    # nothing is left in the attendee's home or working folder but libraries' caches
    assert not [path for path in (tmp_path / "home").iterdir() if path.name[0] != "."]
