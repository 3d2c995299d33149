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
import shutil
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from . import _files, settings
from ._atomic import write_whole
from .data import DataUnavailableError, data_dir

__all__ = ["folder"]

ARCHIVE = "mnist_c.zip"
IMAGES = "mnist_c"  # torch-uncertainty's name for the folder of images beside the archive
LARGEST = 400_000_000  # bytes; the archive has 240 MB
TOTAL_PATIENCE = 120.0  # seconds that a transfer may take in all: a lesson does not wait longer
_failed: dict[tuple[str, str], str] = {}  # (data folder, mirror) -> reasons, asked once a process


def folder() -> Path:
    """The folder to give to ``MNISTC(root=...)``.

    Order: already in the data folder; the archive in the mirror (``mnist_c.zip`` in the
    folder or at the address of ``COURSE_DATA_MIRROR``); torch-uncertainty's address.

    Raises
    ------
    DataUnavailableError
        If ``COURSE_DATA`` is ``sample``, or no way leads to an intact archive.
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
    try:
        if not _is_archive(root / ARCHIVE, MNISTC.zip_md5):
            _fetch(root, mirror, MNISTC.url, MNISTC.zip_md5)
        if not _is_unpacked(root / IMAGES, MNISTC.mnistc_subsets):
            _unpack(root, MNISTC.mnistc_subsets)
    except _files._Unavailable as reason:
        _failed[attempt] = (
            f"MNIST-C cannot be had ({reason}). To use it, put {ARCHIVE} from zenodo.org, record "
            f"3239543, into {root}, and restart the kernel."
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
            with _partial_file(root) as partial:
                if place.lower().startswith(("http://", "https://")):
                    _download(place, partial)
                else:
                    shutil.copyfile(Path(place).expanduser(), partial)
                if not _is_archive(partial, md5):
                    raise _files._Unavailable("the content is not the expected one (md5 differs)")
                os.replace(partial, root / ARCHIVE)
                return
        except _files._Unavailable as error:
            reasons.append(f"{label}: {error}")
        except FileNotFoundError:
            reasons.append(f"{label}: {ARCHIVE} is not there")
        except OSError as error:
            reasons.append(f"{label}: {error.strerror or error}")
    raise _files._Unavailable("; ".join(reasons))


@contextmanager
def _partial_file(root: Path) -> Iterator[Path]:
    """A name for half a file, which is gone afterwards whatever happens."""
    root.mkdir(parents=True, exist_ok=True)
    partial = root / f".{ARCHIVE}.{uuid.uuid4().hex}.part"
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def _download(url: str, path: Path) -> None:
    server = "://".join(urlsplit(url)[:2])
    if server in _files._unreachable:
        raise _files._NoAnswer(_files._unreachable[server])
    try:
        _TransferToFile(url, path).result(TOTAL_PATIENCE)
    except _files._NoAnswer as error:
        _files._unreachable[server] = str(error)
        raise


class _TransferToFile(_files._Transfer):
    """A watched download that does not stay in memory, and that a lesson can wait for."""

    def __init__(self, url: str, path: Path) -> None:
        super().__init__(url)
        self.path = path

    def run(self) -> None:
        started = time.monotonic()
        try:
            request = urllib.request.Request(self.url, headers={"User-Agent": "course-utils"})
            opener = urllib.request.build_opener(*_files._handlers(self.connected))
            with (
                opener.open(request, timeout=_files.STALL_TIMEOUT) as response,
                self.path.open("wb") as file,
            ):
                while not self.abandoned.is_set() and (chunk := response.read1(1 << 16)):
                    file.write(chunk)
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
                    write_whole(root / IMAGES / short, archive.read(name))
                    missing.discard(short)
        if missing:
            raise _files._Unavailable(f"the archive lacks {sorted(missing)[0]}")
        labels = (root / IMAGES / "identity" / "test_labels.npy").read_bytes()
        write_whole(root / IMAGES / "test_labels.npy", labels)
    except (OSError, zipfile.BadZipFile) as error:
        raise _files._Unavailable(f"{ARCHIVE} cannot be unpacked: {error}") from None
