"""MNIST-C (Mu & Gilmer 2019, arXiv:1906.02337), laid out so that torch-uncertainty can read it.

``MNISTC`` of torch-uncertainty 0.13 downloads without a time-out, unpacks all 700 MB of training
images along, and looks for the labels of a single corruption where there are none. `folder` fetches
the archive within the course's time-outs (240 MB, checked against torch-uncertainty's own md5),
unpacks the test images only, whether or not they lie in a folder of their own in the archive, and
puts the labels where both ``subset="all"`` and ``subset="fog"`` find them.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from . import _files, settings
from ._atomic import remove_leftovers, write_whole
from .data import DataUnavailableError, data_dir

__all__ = ["folder"]

ARCHIVE = "mnist_c.zip"
IMAGES = "mnist_c"  # torch-uncertainty's name for the folder of images beside the archive
LARGEST = 400_000_000  # bytes; the archive has 240 MB
TOTAL_PATIENCE = 120.0  # seconds that a transfer may take in all: a lesson does not wait longer
LEFT_BEHIND = 600.0  # seconds after which half a file that does not grow is nobody's any more
_failed: dict[tuple[str, str], str] = {}  # (data folder, mirror) -> reasons, asked once a process


class _NotWritable(_files._Unavailable):
    """The disk refuses, so that no other server can help."""


def folder() -> Path:
    """The folder to give to ``MNISTC(root=...)``.

    Order: already in the data folder; the archive in the mirror (``mnist_c.zip`` in the
    folder or at the address of ``COURSE_DATA_MIRROR``); torch-uncertainty's address.

    Raises
    ------
    DataUnavailableError
        If ``COURSE_DATA`` is ``sample``, no way leads to an intact archive, or the data folder
        cannot be written.
    """
    if settings.data_mode() == "sample":
        raise DataUnavailableError(
            "COURSE_DATA is 'sample': set it to 'auto' to look for MNIST-C (240 MB)."
        )
    from torch_uncertainty.datasets import MNISTC

    root = data_dir()
    mirror = os.environ.get("COURSE_DATA_MIRROR", "").strip()
    attempt = (str(root), mirror)
    if attempt in _failed:
        raise DataUnavailableError(_failed[attempt])
    remove_leftovers(root, f".{ARCHIVE}.*.part", LEFT_BEHIND)
    try:
        if not _is_archive(root / ARCHIVE, MNISTC.zip_md5):
            _fetch(root, mirror, MNISTC.url, MNISTC.zip_md5)
        if not _is_unpacked(root / IMAGES, MNISTC.mnistc_subsets):
            _unpack(root, MNISTC.mnistc_subsets)
    except _files._Unavailable as reason:
        remedy = f"put {ARCHIVE} from zenodo.org, record 3239543, into {root}"
        if isinstance(reason, _NotWritable):
            remedy = "set COURSE_DATA_DIR to a folder with 400 MB of space"
        _failed[attempt] = (
            f"MNIST-C cannot be had ({reason}). To use it, {remedy}, and restart the kernel."
        )
        raise DataUnavailableError(_failed[attempt]) from None
    return root


def _is_archive(path: Path, md5: str) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == md5


def _wanted(subsets: list[str]) -> set[str]:
    return {f"{subset}/test_images.npy" for subset in subsets} | {"identity/test_labels.npy"}


def _is_unpacked(images: Path, subsets: list[str]) -> bool:
    return all((images / name).is_file() for name in (*_wanted(subsets), "test_labels.npy"))


def _fetch(root: Path, mirror: str, url: str, md5: str) -> None:
    """Bring the archive into the data folder, in one step; raises `_Unavailable` with reasons."""
    reasons = []
    for place in (f"{mirror.rstrip('/')}/{ARCHIVE}" if mirror else "", url):
        if not place:
            continue
        label = urlsplit(place).netloc or str(Path(place).parent)
        try:
            with _partial_file(root) as file:
                if place.lower().startswith(("http://", "https://")):
                    _download(place, file)
                else:
                    _copy(place, file)
                with _writing_into(root):
                    file.close()
                    if not _is_archive(Path(file.name), md5):
                        wrong = "the content is not the expected one (md5 differs)"
                        raise _files._Unavailable(wrong)
                    os.replace(file.name, root / ARCHIVE)
                return
        except _NotWritable:
            raise
        except _files._Unavailable as error:
            reasons.append(f"{label}: {error}")
        except FileNotFoundError:
            reasons.append(f"{label}: {ARCHIVE} is not there")
        except OSError as error:
            reasons.append(f"{label}: {error.strerror or error}")
    raise _files._Unavailable("; ".join(reasons))


@contextmanager
def _writing_into(root: Path) -> Iterator[None]:
    """Tell what the disk refuses from what a network or a mirror refuses."""
    try:
        yield
    except OSError as error:
        raise _NotWritable(f"{root} cannot be written ({error.strerror or error})") from None


@contextmanager
def _partial_file(root: Path) -> Iterator[BinaryIO]:
    """Half a file, open to be written, which is gone afterwards whatever happens.

    A transfer that was given up holds the closed file, so it cannot bring it back.
    """
    partial = root / f".{ARCHIVE}.{uuid.uuid4().hex}.part"
    with _writing_into(root):
        root.mkdir(parents=True, exist_ok=True)
        file = partial.open("xb")
    try:
        yield file
    finally:
        with suppress(OSError):  # a full disk refuses the rest once more
            file.close()
        partial.unlink(missing_ok=True)


def _copy(place: str, file: BinaryIO) -> None:
    with Path(place).expanduser().open("rb") as source:
        while chunk := source.read(1 << 20):
            with _writing_into(Path(file.name).parent):
                file.write(chunk)


def _download(url: str, file: BinaryIO) -> None:
    server = "://".join(urlsplit(url)[:2])
    if server in _files._unreachable:
        raise _files._NoAnswer(_files._unreachable[server])
    try:
        _TransferToFile(url, file).result(TOTAL_PATIENCE)
    except _files._NoAnswer as error:
        _files._unreachable[server] = str(error)
        raise


class _TransferToFile(_files._Transfer):
    """A watched download that does not stay in memory, and that a lesson can wait for."""

    def __init__(self, url: str, file: BinaryIO) -> None:
        super().__init__(url)
        self.file = file

    def run(self) -> None:
        started = time.monotonic()
        try:
            request = urllib.request.Request(self.url, headers={"User-Agent": "course-utils"})
            opener = urllib.request.build_opener(*_files._handlers(self.connected))
            with opener.open(request, timeout=_files.STALL_TIMEOUT) as response:
                while not self.abandoned.is_set() and (chunk := response.read1(1 << 16)):
                    with _writing_into(Path(self.file.name).parent):
                        self.file.write(chunk)
                    self.received += len(chunk)
                    if self.received > LARGEST:
                        raise _files._Unavailable("the file is far too large")
                    if time.monotonic() - started > TOTAL_PATIENCE:
                        raise _files._Unavailable(
                            f"only {self.received / 1e6:.0f} MB came in {TOTAL_PATIENCE:.0f} s"
                        )
        except Exception as error:  # handed to whoever waits for the result
            self.error = error
        finally:
            self.finished.set()
            self.connected.set()


def _unpack(root: Path, subsets: list[str]) -> None:
    """Take the test images out of the archive; every file appears when it is complete."""
    missing = _wanted(subsets)
    try:
        with zipfile.ZipFile(root / ARCHIVE) as archive:
            for name in archive.namelist():
                # the last two parts: the archive may or may not have a folder around everything
                short = "/".join(PurePosixPath(name).parts[-2:])
                if short in missing:
                    images = archive.read(name)
                    with _writing_into(root):
                        write_whole(root / IMAGES / short, images)
                    missing.discard(short)
        if missing:
            raise _files._Unavailable(f"the archive lacks {sorted(missing)[0]}")
        labels = (root / IMAGES / "identity" / "test_labels.npy").read_bytes()
        with _writing_into(root):
            write_whole(root / IMAGES / "test_labels.npy", labels)
    except (OSError, zipfile.BadZipFile) as error:
        raise _files._Unavailable(f"{ARCHIVE} cannot be unpacked: {error}") from None
