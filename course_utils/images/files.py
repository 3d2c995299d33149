"""The shipped files of MNIST and Fashion-MNIST: the originals, gzipped, in torchvision's layout.

Every byte is compared with the known sha256 of the published files before anyone sees it.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from course_utils._support.atomic import write_whole

__all__ = ["FILES", "ImagesError", "damaged", "read_original", "torchvision_root"]

FOLDER = Path(__file__).parents[1] / "assets" / "images"
REPAIR = "get the file again (git checkout course_utils/assets/images, or reinstall the course)"

# File (decompressed) -> its size in bytes and the sha256 of its content.
FILES: dict[str, dict[str, tuple[int, str]]] = {
    "MNIST": {
        "t10k-labels-idx1-ubyte": (
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        "train-labels-idx1-ubyte": (
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": (
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "train-images-idx3-ubyte": (
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
    },
    "FashionMNIST": {
        "t10k-labels-idx1-ubyte": (
            10_008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        "train-labels-idx1-ubyte": (
            60_008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte": (
            7_840_016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "train-images-idx3-ubyte": (
            47_040_016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
    },
}


class ImagesError(RuntimeError):
    """A shipped file of images is missing or damaged; the message says what to do."""


def read_original(dataset: str, part: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """One original data set in its original order.

    Parameters
    ----------
    dataset : {"MNIST", "FashionMNIST"}
    part : {"train", "test"}
        The 60,000 or the 10,000 images.

    Returns
    -------
    images : uint8 array [N, 28, 28], read-only
    labels : int64 array [N]

    Raises
    ------
    ImagesError
        If a file is missing or damaged.
    """
    prefix = {"train": "train", "test": "t10k"}[part]
    # The content is known by its hash, so the headers (16 and 8 bytes) need no parsing.
    images = _content(dataset, f"{prefix}-images-idx3-ubyte")[16:]
    labels = _content(dataset, f"{prefix}-labels-idx1-ubyte")[8:]
    return (
        np.frombuffer(images, np.uint8).reshape(-1, 28, 28),
        np.frombuffer(labels, np.uint8).astype(np.int64),
    )


def torchvision_root(folder: str | Path | None = None) -> Path:
    """Prepare a folder that torchvision's and torch-uncertainty's own data sets can read.

    They want the files decompressed. The first call writes them, 110 MB; later calls check their
    hashes and repair what differs. No network is asked, now or by the data sets.

    Parameters
    ----------
    folder : str or Path, optional
        By default a folder in the user's cache.

    Returns
    -------
    Path
        The `root` for ``torchvision.datasets.MNIST`` and ``FashionMNIST``, and for
        ``torch_uncertainty.datamodules.MNISTDataModule``.

    Raises
    ------
    ImagesError
        If a shipped file is missing or damaged, or the folder cannot be written.

    Examples
    --------
    >>> from torchvision.datasets import MNIST
    >>> MNIST(torchvision_root(), train=True)  # doctest: +SKIP
    Dataset MNIST
        Number of datapoints: 60000
        ...
    """
    if folder is None:
        import platformdirs

        folder = platformdirs.user_cache_path("when-to-trust-a-classifier", appauthor=False)
    root = Path(folder).expanduser().absolute()
    for dataset, files in FILES.items():
        for name, (_, sha256) in files.items():
            path = root / dataset / "raw" / name
            try:
                intact = hashlib.sha256(path.read_bytes()).hexdigest() == sha256
            except OSError:
                intact = False
            if intact:
                continue
            try:
                write_whole(path, _content(dataset, name))
            except OSError as error:
                raise ImagesError(
                    f"{root} cannot be written ({error.strerror or error}): give torchvision_root "
                    "another folder, with 110 MB of space."
                ) from None
    return root


def damaged() -> list[str]:
    """Shipped files that are missing or damaged, relative to the folder of images."""
    found = []
    for dataset, files in FILES.items():
        for name in files:
            try:
                _content(dataset, name)
            except ImagesError:
                found.append(f"{dataset}/raw/{name}.gz")
    return found


def _content(dataset: str, name: str) -> bytes:
    """One file, decompressed and verified."""
    path = FOLDER / dataset / "raw" / f"{name}.gz"
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise ImagesError(f"{path} is missing: {REPAIR}.") from None
    except (OSError, EOFError, zlib.error):  # gzip.BadGzipFile is an OSError
        raise ImagesError(f"{path} cannot be read, or is damaged: {REPAIR}.") from None
    if hashlib.sha256(content).hexdigest() != FILES[dataset][name][1]:
        raise ImagesError(f"{path} is not the published file (sha256 differs): {REPAIR}.")
    return content
