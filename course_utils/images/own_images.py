"""Images of your own: from a folder of PNGs or from an npz file, read with suspicion.

What comes back is an `ImageSet`, so everything in the course takes it.
Nothing is scaled, converted or guessed: an image that is not 28 by 28 grey values is refused with
one sentence. `remarks` says what is allowed but probably not meant, like dark ink on white paper.
"""

from __future__ import annotations

import math
import os
import unicodedata
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .image_set import ImageSet

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["OwnDataError", "from_folder", "from_npz", "inverted", "remarks"]

SIDE = 28
MOST_CLASSES = 10  # what the course's networks answer
LARGEST_PNG = 1_000_000  # bytes; 28 by 28 pixels need less than 5,000, the rest can be comments
LARGEST_NPZ = 1_000_000_000  # bytes when unpacked: more than a million images
# What operating systems leave behind.
IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}


class OwnDataError(ValueError):
    """Images that cannot be used; the message says which and what to do."""


def from_folder(
    folder: str | os.PathLike, *, classes: Sequence[str] | None = None, name: str | None = None
) -> ImageSet:
    """Read PNGs whose class is the name of their subfolder, or the beginning of their own name.

    ``digits/7/anna.png`` and ``digits/7_anna.png`` are both a 7. A class that a file's name begins
    with must end there: no letter and no digit follows, so ``10_anna.png`` is no 1. Where several
    do, the longest is meant: ``T-shirt_1.png`` is a ``T-shirt`` even if there is a class ``T``.

    Parameters
    ----------
    folder : path
    classes : sequence of str, optional
        Names of the classes in the order of their labels, at most 10; by default "0" to "9".
    name : str, optional
        What the image set is called; by default the folder's name.

    Returns
    -------
    ImageSet
        Sorted by label, then by file name.

    Raises
    ------
    OwnDataError
        If the folder is missing, empty or mixed, a class is unknown, or a file is no grey PNG of
        28 by 28 pixels.
    """
    folder = Path(folder)
    labels = _labels(classes)
    if not folder.is_dir():
        raise OwnDataError(f"{folder} is no folder: give the one that holds your images.")
    entries = _visible(folder)
    subfolders = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir()]
    if subfolders and files:
        raise OwnDataError(
            f"{folder} has both subfolders and loose files such as {files[0].name}: use either one "
            "subfolder for each class, or names that begin with the class."
        )
    found: list[tuple[int, Path]] = []
    for subfolder in subfolders:
        label = _label(subfolder.name, labels, f"The subfolder {subfolder.name}")
        for file in _visible(subfolder):
            if file.is_dir():
                raise OwnDataError(
                    f"{subfolder.name} has a folder of its own, {file.name}: put all images of a "
                    "class directly into its subfolder."
                )
            found.append((label, file))
    for file in files:
        _must_be_png(file)
        beginning = _beginning(file.stem, labels)
        found.append((_label(beginning, labels, f"The file {file.name}"), file))
    if not found:
        raise OwnDataError(f"{folder} has no images: put PNGs of 28 by 28 pixels there.")
    found.sort(key=lambda pair: (pair[0], pair[1].name))
    images = np.stack([_read_png(file) for _, file in found])
    return ImageSet(
        images,
        np.array([label for label, _ in found], dtype=np.int64),
        folder.resolve().name if name is None else name,
    )


def from_npz(
    path: str | os.PathLike,
    *,
    images: str = "images",
    labels: str = "labels",
    num_classes: int = MOST_CLASSES,
    name: str | None = None,
) -> ImageSet:
    """Read images and labels from an npz file, as ``numpy.savez`` writes it.

    Shapes and types are read before the numbers are, so that a small file cannot unpack to fill the
    memory, and Python objects (pickles), which can run any program, are never loaded.

    Parameters
    ----------
    path : path
    images, labels : str
        Names of the arrays: uint8 [N, 28, 28], and whole numbers [N] from 0 to num_classes - 1.
    num_classes : int
        At most 10.
    name : str, optional
        What the image set is called; by default the file's name.

    Raises
    ------
    OwnDataError
        If the file or its content is anything else.
    """
    path = Path(path)
    if not 1 <= num_classes <= MOST_CLASSES:
        raise OwnDataError(_too_many(num_classes))
    if not path.is_file():
        raise OwnDataError(f"There is no file {path}: give the path of an npz file.")
    try:
        with zipfile.ZipFile(path) as archive:
            pixels, truth = (_read_array(archive, key, path.name) for key in (images, labels))
    except (OwnDataError, MemoryError):
        raise
    except Exception as error:  # the parsers of zip files fail in a dozen ways
        raise OwnDataError(
            f"{path.name} is no npz file, or a damaged one: write it with numpy.savez."
        ) from error
    _check_pixels(pixels, images)
    if truth.dtype.kind not in "iu":
        raise OwnDataError(
            f"The labels in {labels!r} are {truth.dtype}: they must be whole numbers from 0 to "
            f"{num_classes - 1}."
        )
    if truth.shape != pixels.shape[:1]:
        raise OwnDataError(
            f"There are {len(pixels):,} images and labels of shape {list(truth.shape)}: give one "
            "label for each image."
        )
    if truth.min() < 0 or truth.max() >= num_classes:
        raise OwnDataError(
            f"Labels go from {truth.min()} to {truth.max()}, which does not fit {num_classes} "
            f"classes: number them from 0 to {num_classes - 1}."
        )
    return ImageSet(pixels, truth.astype(np.int64), path.stem if name is None else name)


def remarks(image_set: ImageSet) -> list[str]:
    """What looks unlike MNIST, a sentence each; empty where nothing does.

    A remark is no error: decide yourself. Looked at are the paper (MNIST's is black: the median of
    an image's outermost pixels), contrast, empty images, classes, and images that come twice.
    """
    found = []
    images, count = image_set.images, len(image_set)
    if not count:
        return ["There are no images."]
    border = np.ones((SIDE, SIDE), dtype=bool)
    border[1:-1, 1:-1] = False
    bright = np.median(images[:, border], axis=1) > 127
    if bright.any():
        share = "All" if bright.all() else f"{bright.sum():,} of {count:,}"
        remedy = "inverted()" if bright.all() else "inverted() for these"
        found.append(
            f"{share} images have bright paper and dark ink, MNIST has white ink on black: "
            f"use {remedy}."
        )
    contrast = np.ptp(images.reshape(count, -1), axis=1)
    if (contrast == 0).any():
        found.append(f"{(contrast == 0).sum():,} of {count:,} images are of a single grey: empty?")
    if ((contrast > 0) & (contrast < 128)).any():
        pale = ((contrast > 0) & (contrast < 128)).sum()
        found.append(
            f"{pale:,} of {count:,} images are pale: their grey values span less than half of the "
            "range from 0 to 255."
        )
    counts = np.bincount(image_set.labels, minlength=MOST_CLASSES)
    if (counts == 0).any():
        missing = ", ".join(map(str, np.flatnonzero(counts == 0)))
        found.append(f"No image has the label {missing}: nothing can be said about these classes.")
    if counts.max() > 2 * counts[counts > 0].min():
        found.append(
            f"Classes have from {counts[counts > 0].min():,} to {counts.max():,} images: an "
            "average over images says most about the largest."
        )
    unique = len(np.unique(images.reshape(count, -1), axis=0))
    if unique < count:
        found.append(
            f"{count - unique:,} images are exact copies of others: they count more than once, and "
            "must not be in training and test at the same time."
        )
    return found


def inverted(image_set: ImageSet) -> ImageSet:
    """The negative of every image: dark ink on white paper becomes MNIST's white on black."""
    return ImageSet(255 - image_set.images, image_set.labels.copy(), image_set.name)


def _labels(classes: Sequence[str] | None) -> dict[str, int]:
    names = [str(number) for number in range(MOST_CLASSES)] if classes is None else list(classes)
    if not 1 <= len(names) <= MOST_CLASSES:
        raise OwnDataError(_too_many(len(names)))
    if len(set(names)) < len(names):
        raise OwnDataError("Two classes have the same name: give each its own.")
    return {name: label for label, name in enumerate(names)}


def _too_many(count: int) -> str:
    return (
        f"There are {count} classes, and the course's networks answer with one of "
        f"{MOST_CLASSES}: give 1 to {MOST_CLASSES} classes, or build a network with another "
        "num_classes."
    )


def _label(text: str, labels: dict[str, int], what: str) -> int:
    if text not in labels:
        known = ", ".join(labels)
        raise OwnDataError(
            f"{what} belongs to no class: names must be or begin with one of {known}, or give "
            "your own names as classes=[...]."
        )
    return labels[text]


def _beginning(stem: str, labels: dict[str, int]) -> str:
    """The longest name of a class that a file's name begins with; the whole name if none does."""
    fitting = [
        name
        for name in labels
        if stem == name or (stem.startswith(name) and not _goes_on(stem[len(name)]))
    ]
    return max(fitting, key=len, default=stem)


def _goes_on(character: str) -> bool:
    # letters, marks and numbers: some systems write ü as a u with a mark after it, which is no u
    return unicodedata.category(character)[0] in "LMN"


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise OwnDataError(f"{folder} cannot be read: check its permissions.") from error
    return [
        entry
        for entry in entries
        if not entry.name.startswith(".") and entry.name.lower() not in IGNORED
    ]


def _must_be_png(file: Path) -> None:
    # not a file: a pipe would be waited for until somebody writes
    if file.suffix.lower() != ".png" or not file.is_file():
        raise OwnDataError(f"{file.name} is no PNG file: keep nothing but PNGs in the folder.")


def _read_png(file: Path) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    _must_be_png(file)
    shown = f"{file.parent.name}/{file.name}"
    if (size := file.stat().st_size) > LARGEST_PNG:
        raise OwnDataError(
            f"{shown} is a file of {size / 1e6:.1f} MB, far too large for 28 by 28 pixels: save "
            "the image again without anything else."
        )
    try:
        with warnings.catch_warnings():
            # a header that announces a giant: its size is all we look at
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=["PNG"]) as image:  # reads the header only
                return _grey(image, shown)
    except OwnDataError:
        raise
    except Image.DecompressionBombError as error:
        raise OwnDataError(_wrong_size(shown, "gigantic")) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise OwnDataError(
            f"{shown} is damaged or no PNG at all: save the image again, or take it out."
        ) from error


def _grey(image: Image, shown: str) -> NDArray[np.uint8]:
    if image.size != (SIDE, SIDE):
        raise OwnDataError(_wrong_size(shown, f"{image.size[0]} by {image.size[1]} pixels"))
    if getattr(image, "n_frames", 1) > 1:
        raise OwnDataError(f"{shown} is a film of several images: save a single one.")
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise OwnDataError(
            f"{shown} has more than 256 grey values (mode {image.mode}): save it with 8 bits."
        )
    if image.mode == "L" and "transparency" not in image.info:
        return np.array(image)
    pixels = np.array(image.convert("RGBA"))
    if (pixels[..., 3] < 255).any():
        raise OwnDataError(f"{shown} has transparent pixels: save it without transparency.")
    if (pixels[..., :1] != pixels[..., 1:3]).any():
        raise OwnDataError(f"{shown} is a colour image: save it in grey.")
    return np.ascontiguousarray(pixels[..., 0])  # grey that was saved as a colour


def _wrong_size(shown: str, size: str) -> str:
    return (
        f"{shown} is {size} and must be {SIDE} by {SIDE}: scale it first, for drawings with "
        "course_utils.images.centring.as_mnist."
    )


def _read_array(archive: zipfile.ZipFile, key: str, shown: str) -> NDArray[Any]:
    """One array of an npz file, after its header has been found harmless."""
    member = f"{key}.npy"
    if member not in archive.namelist():
        there = ", ".join(entry.removesuffix(".npy") for entry in archive.namelist()) or "nothing"
        raise OwnDataError(f"{shown} has no array {key!r}, it has {there}: name the right one.")
    try:
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, kind = read_header(file)
    except MemoryError:
        raise
    except Exception as error:  # zip, zlib and npy parsers fail in a dozen ways
        raise OwnDataError(_damaged(key, shown)) from error
    if kind.hasobject:
        raise OwnDataError(
            f"{key!r} in {shown} holds Python objects, which are never loaded because they could "
            "run a program: save arrays of numbers."
        )
    # Python's integers: a header may announce more than fits into 64 bits
    num_bytes = math.prod(int(length) for length in shape) * kind.itemsize
    if max(num_bytes, archive.getinfo(member).file_size) > LARGEST_NPZ:
        raise OwnDataError(
            f"{key!r} in {shown} would take {num_bytes / 1e9:,.1f} GB of memory: give at most "
            f"{LARGEST_NPZ / 1e9:.0f} GB at a time."
        )
    try:
        with archive.open(member) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:
        raise OwnDataError(_damaged(key, shown)) from error


def _damaged(key: str, shown: str) -> str:
    return f"{key!r} in {shown} is damaged: write the file again with numpy.savez."


def _check_pixels(pixels: NDArray[Any], key: str) -> None:
    if pixels.ndim == 4 and pixels.shape[-1] in (3, 4):
        raise OwnDataError(f"{key!r} holds colour images, {list(pixels.shape)}: save them in grey.")
    if pixels.ndim != 3 or pixels.shape[1:] != (SIDE, SIDE):
        raise OwnDataError(
            f"{key!r} has the shape {list(pixels.shape)} and must have [N, {SIDE}, {SIDE}]: scale "
            "or reshape the images first."
        )
    if pixels.dtype != np.uint8:
        raise OwnDataError(
            f"{key!r} holds {pixels.dtype} and must hold uint8, grey values from 0 to 255: convert "
            "it, after multiplying by 255 if your values go from 0 to 1."
        )
    if not len(pixels):
        raise OwnDataError(f"{key!r} has no images: there is nothing to evaluate.")
