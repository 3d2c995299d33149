"""Images: what an image set is, where images come from, and how they are dealt out in batches.

`load_mnist` and `load_fashion_mnist` return the full data sets if they can be had and the bundled
sample otherwise. Three environment variables steer them: ``COURSE_DATA_DIR`` (the folder where the
files are kept, in torchvision's layout), ``COURSE_DATA_MIRROR`` (a folder or an http address that
has them) and ``COURSE_DATA`` (``auto``, ``full`` or ``sample``).

Splits
------
========================  ================================  ==================================
data set                  full                              sample
========================  ================================  ==================================
MNIST ``train``           the other 55,000 of 60,000        3,000
MNIST ``val``             the 5,000 digits of the sample    1,000
MNIST ``test``            the original 10,000               1,000
Fashion-MNIST ``train``   the first 55,000 of 60,000        none: asking raises
Fashion-MNIST ``val``     the last 5,000 of 60,000          first 1,000 of the original test set
Fashion-MNIST ``test``    the original 10,000               second 1,000 of it
========================  ================================  ==================================

Whatever was trained on the full ``train`` has therefore never seen a digit of the sample.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Literal

import numpy as np

from course_utils import settings
from course_utils._files import (
    DataUnavailableError,
    data_dir,
    forget_failures,
    intact_folder,
    original_files,
    say_once,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "MEAN",
    "SPLITS",
    "STD",
    "Batches",
    "DataUnavailableError",
    "ImageSet",
    "batches",
    "damaged_sample_files",
    "data_dir",
    "forget_failures",
    "intact_folder",
    "load_fashion_mnist",
    "load_mnist",
    "load_validation_digits",
    "read_original",
]

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SOURCES = ("full", "sample", "custom")

# Mean and standard deviation of all pixels of MNIST's training set, on the scale from 0 to 1.
MEAN = 0.1307
STD = 0.3081

_TITLES = {"MNIST": "MNIST", "FashionMNIST": "Fashion-MNIST"}
_SAMPLE_FILES = {"MNIST": "mnist.npz", "FashionMNIST": "fashion_mnist.npz"}


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Grey images with their labels.

    Parameters
    ----------
    images : uint8 array [N, 28, 28]
        Grey values from 0 (background) to 255.
    labels : int64 array [N]
        Classes from 0 to 9.
    name : str
        What a figure or table calls these images, such as ``"MNIST test"``.
    source : {"full", "sample", "custom"}
        The full data set, the bundled sample, or images of your own.

    Raises
    ------
    TypeError, ValueError
        If one of the above does not hold; the message says which.
    """

    images: np.ndarray
    labels: np.ndarray
    name: str
    source: Literal["full", "sample", "custom"] = "custom"

    def __post_init__(self) -> None:
        for field in ("images", "labels"):
            value = getattr(self, field)
            if not isinstance(value, np.ndarray):
                raise TypeError(f"{field} must be a NumPy array, not {type(value).__name__}.")
        if self.images.dtype != np.uint8:
            raise ValueError(
                f"images must be uint8 grey values from 0 to 255, not {self.images.dtype}."
            )
        if self.images.ndim != 3 or self.images.shape[1:] != (28, 28):
            raise ValueError(f"images must have the shape [N, 28, 28], not {self.images.shape}.")
        if self.labels.dtype != np.int64:
            raise ValueError(
                f"labels must be int64, not {self.labels.dtype}: use labels.astype(np.int64)."
            )
        if self.labels.ndim != 1:
            raise ValueError(f"labels must have the shape [N], not {self.labels.shape}.")
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"There are {len(self.images):,} images and {len(self.labels):,} labels: "
                "give one label for each image."
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() <= 9:
            raise ValueError(
                f"labels must lie between 0 and 9, not {self.labels.min()} and {self.labels.max()}."
            )
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, not {type(self.name).__name__}.")
        if self.source not in SOURCES:
            raise ValueError(f"source is {self.source!r}: it must be one of {', '.join(SOURCES)}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """One image (uint8 [28, 28]) and its label: enough for torch's ``DataLoader``."""
        return self.images[operator.index(index)], int(self.labels[index])

    def __repr__(self) -> str:
        return f"ImageSet({self.name!r}, {len(self):,} images, source={self.source!r})"

    @property
    def content_hash(self) -> str:
        """sha256 of all pixels and labels, 64 hexadecimal digits: equal hash, equal content.

        Computed afresh each time, because the arrays themselves can be written to.
        """
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def subset(self, indices: np.ndarray | list[int] | slice) -> ImageSet:
        """The images at the given positions (or where a boolean mask is true), in that order."""
        if not isinstance(indices, slice):
            indices = np.asarray(indices)
            if indices.size == 0:
                indices = indices.astype(np.int64)
            if indices.ndim != 1 or indices.dtype.kind not in "iub":
                raise ValueError("indices must be a list of positions or one true/false per image.")
            if indices.dtype == bool:
                if len(indices) != len(self):
                    raise ValueError(
                        f"The mask has {len(indices):,} entries for {len(self):,} images."
                    )
            elif len(indices) and not -len(self) <= indices.min() <= indices.max() < len(self):
                raise IndexError(
                    f"There are {len(self):,} images: positions go from 0 to {len(self) - 1:,}."
                )
        return ImageSet(
            self.images[indices].copy(), self.labels[indices].copy(), self.name, self.source
        )


# --- loading ------------------------------------------------------------------------------------


def load_mnist(split: Split) -> ImageSet:
    """Handwritten digits: ``"train"``, ``"val"`` or ``"test"`` (see the table of this module).

    Raises
    ------
    ValueError
        For any other split.
    DataUnavailableError
        If ``COURSE_DATA=full`` and the full data set cannot be had.
    """
    return _load("MNIST", split)


def load_fashion_mnist(split: Split) -> ImageSet:
    """Pictures of clothes in MNIST's format: no classifier of digits should be sure about them.

    Raises
    ------
    ValueError
        For any other split than ``"train"``, ``"val"`` and ``"test"``.
    DataUnavailableError
        If ``COURSE_DATA=full`` and the full data set cannot be had; for the sample's ``"train"``.
    """
    return _load("FashionMNIST", split)


def load_validation_digits() -> ImageSet:
    """The 5,000 bundled digits in MNIST's order, which are ``val`` with full data.

    They need no network and are the same everywhere, whatever ``COURSE_DATA`` says.
    """
    arrays = _sample_arrays("MNIST")
    return ImageSet(arrays["images"], arrays["labels"], "MNIST validation digits", "sample")


def damaged_sample_files() -> list[str]:
    """Names of bundled files that are missing or differ from the sha256 in their PROVENANCE.md."""
    folder = resources.files("course_utils") / "assets" / "sample"
    damaged = []
    try:
        provenance = (folder / "PROVENANCE.md").read_text(encoding="utf-8")
    except OSError:
        return sorted(_SAMPLE_FILES.values())
    for name in _SAMPLE_FILES.values():
        try:
            sha256 = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError:
            sha256 = "missing"
        if f"{sha256}  {name}" not in provenance:
            damaged.append(name)
    return damaged


def read_original(dataset: str, part: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """One original data set in its original order, whatever ``COURSE_DATA`` says.

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
    DataUnavailableError
        If the files cannot be had.
    """
    prefix = {"train": "train", "test": "t10k"}[part]
    files = original_files(dataset)
    # The content is known by its hash, so the headers (16 and 8 bytes) need no parsing.
    images = np.frombuffer(files[f"{prefix}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(files[f"{prefix}-labels-idx1-ubyte"], np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels.astype(np.int64)


def _load(dataset: str, split: str) -> ImageSet:
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: ask for 'train', 'val' or 'test'.")
    mode = settings.data_mode()
    if mode == "sample":
        return _load_sample(dataset, split)
    title = _TITLES[dataset]
    try:
        return _load_full(dataset, split)
    except DataUnavailableError as error:
        remedy = "set COURSE_DATA_MIRROR to a folder or http address that has them and start again"
        if mode == "full":
            raise DataUnavailableError(
                f"The full {title} cannot be had ({error}): {remedy}, "
                "or set COURSE_DATA=auto to work with the bundled sample."
            ) from None
        # One line for all data sets. It names one way: the mirror that somebody chose or the first
        # server (the folder before them is merely empty); COURSE_DATA=full tells about all of them.
        reason = str(error).split("; ")[:2][-1]
        say_once(
            f"{title} cannot be had in full ({reason}): the bundled sample is used, 5,000 digits "
            "and 2,000 clothes. Models will be less accurate and every score less certain. "
            f"For all images, {remedy}.",
            topic="sample",
        )
        return _load_sample(dataset, split)


def _load_full(dataset: str, split: str) -> ImageSet:
    images, labels = read_original(dataset, "test" if split == "test" else "train")
    if split != "test":
        validation = np.zeros(len(labels), dtype=bool)
        if dataset == "MNIST":
            validation[_sample_arrays("MNIST")["indices"]] = True
        else:
            validation[-5000:] = True
        chosen = validation if split == "val" else ~validation
        images, labels = images[chosen], labels[chosen]
    return ImageSet(np.array(images), labels, f"{_TITLES[dataset]} {split}", "full")


def _load_sample(dataset: str, split: str) -> ImageSet:
    if dataset == "FashionMNIST" and split == "train":
        raise DataUnavailableError(
            "The bundled sample has no Fashion-MNIST training images: ask for 'val' or 'test', "
            "or let COURSE_DATA_MIRROR or a network give you the full data (COURSE_DATA=full)."
        )
    arrays = _sample_arrays(dataset)
    chosen = arrays["split"] == SPLITS.index(split)
    return ImageSet(
        arrays["images"][chosen],
        arrays["labels"][chosen],
        f"{_TITLES[dataset]} {split}",
        "sample",
    )


def _sample_arrays(dataset: str) -> dict[str, np.ndarray]:
    """``images``, ``labels``, ``indices`` (in the original set) and ``split`` of the sample."""
    path = resources.files("course_utils") / "assets" / "sample" / _SAMPLE_FILES[dataset]
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in ("images", "labels", "indices", "split")}
    except MemoryError:
        raise
    except Exception as error:  # zip, zlib and npy parsers fail in a dozen ways
        raise DataUnavailableError(
            f"The bundled sample {path} is missing or damaged: install the course again."
        ) from error


# --- batches ------------------------------------------------------------------------------------


def batches(
    image_set: ImageSet,
    batch_size: int,
    *,
    shuffle: bool = False,
    crop_padding: int = 0,
    device: str | torch.device = "cpu",
    seed: int | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Batches:
    """Deal out images in batches, ready for a network.

    The same numbers as torchvision's ``RandomCrop(28, padding=crop_padding)``, ``ToDtype(float32,
    scale=True)`` and ``Normalize([MEAN], [STD])`` applied image by image, much faster: the grey
    values stay in memory as they are, and a whole batch is cropped and normalised at once.

    Parameters
    ----------
    image_set : ImageSet
    batch_size : int
        Images in a batch; the last batch may be smaller.
    shuffle : bool
        Whether every epoch has a new order.
    crop_padding : int
        Pixels of background added on every side before a window of 28 by 28 is cut out, at a random
        position for each image. 0 means no augmentation.
    device : str or torch.device
        Where the batches are made and live.
    seed : int, optional
        Makes order and crops repeatable. Without it, torch's global generator is asked for one, so
        that ``torch.manual_seed`` and Lightning's ``seed_everything`` work as usual.
    rank, world_size : int
        Deal out only every ``world_size``-th image, starting at ``rank``, as for several GPUs. All
        ranks need the same seed, and get equally many batches: the first images fill up the rest.

    Returns
    -------
    Batches
        Each iteration is one epoch of (float32 [B, 1, 28, 28], int64 [B]).

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be used; the message says which.
    """
    if not isinstance(image_set, ImageSet):
        raise TypeError(f"batches needs an ImageSet, not {type(image_set).__name__}.")
    if len(image_set) == 0:
        raise ValueError(f"{image_set.name} has no images: there is nothing to deal out.")
    batch_size, crop_padding = operator.index(batch_size), operator.index(crop_padding)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: a batch needs at least one image.")
    if crop_padding < 0:
        raise ValueError(f"crop_padding is {crop_padding}: it cannot be negative.")
    if not 0 <= rank < world_size:
        raise ValueError(
            f"rank is {rank}: with world_size {world_size} it goes from 0 to that less one."
        )
    if world_size > len(image_set):
        raise ValueError(
            f"There are {len(image_set)} images for {world_size} ranks: use fewer ranks."
        )
    if world_size > 1 and seed is None:
        raise ValueError("Several ranks need the same seed to share the images: give one.")
    return Batches(image_set, batch_size, shuffle, crop_padding, device, seed, rank, world_size)


class Batches:
    """What `batches` returns: iterate once for each epoch; ``len`` is the number of batches."""

    def __init__(
        self,
        image_set: ImageSet,
        batch_size: int,
        shuffle: bool,
        crop_padding: int,
        device: str | torch.device,
        seed: int | None,
        rank: int,
        world_size: int,
    ) -> None:
        import torch

        self.image_set = image_set
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.crop_padding = crop_padding
        self.device = torch.device(device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise ValueError(
                'There is no GPU here that PyTorch can use: leave device="cuda" out, or give '
                "course_utils.training.device(), which falls back to the CPU."
            )
        self.rank, self.world_size = rank, world_size
        if seed is None:
            seed = int(torch.randint(2**62, (), dtype=torch.int64))
        # Random numbers come from the CPU, so that a seed gives the same epoch on every device.
        self._generator = torch.Generator().manual_seed(seed)
        self._labels = torch.tensor(image_set.labels, device=self.device)
        images = torch.tensor(image_set.images, device=self.device)
        if crop_padding:
            images = torch.nn.functional.pad(images, (crop_padding,) * 4)
            # Every window of every image, [N, 2P+1, 2P+1, 28, 28]: a view, nothing is copied.
            images = images.unfold(1, 28, 1).unfold(2, 28, 1)
        self._images = images

    def __len__(self) -> int:
        images_per_rank = -(-len(self.image_set) // self.world_size)
        return -(-images_per_rank // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        import torch

        # All random numbers of an epoch are drawn at its start: one copy to the device for all.
        count = len(self.image_set)
        order = torch.arange(count)
        if self.shuffle:
            order = torch.randperm(count, generator=self._generator)
        positions = order
        if self.crop_padding:
            windows = 2 * self.crop_padding + 1
            offsets = torch.randint(windows, (2, count), generator=self._generator)
            positions = torch.stack([order, *offsets])
        if self.world_size > 1:
            missing = -count % self.world_size
            positions = torch.cat([positions, positions[..., :missing]], dim=-1)
            positions = positions[..., self.rank :: self.world_size]
        positions = positions.to(self.device)
        for chosen in positions.split(self.batch_size, dim=-1):
            index = chosen if not self.crop_padding else chosen[0]
            window = index if not self.crop_padding else tuple(chosen)
            yield _normalise(self._images[window]), self._labels[index]


def _normalise(grey_values: torch.Tensor) -> torch.Tensor:
    """uint8 [B, 28, 28] -> float32 [B, 1, 28, 28], to the bit as torchvision's transforms do it."""
    import torch

    # times 1 / 255, as torchvision does: dividing by 255 differs in the last bit
    normalised = grey_values.to(torch.float32).mul_(1 / 255).sub_(MEAN).div_(STD)
    # The channel axis is added last and then moved, not inserted: with a single channel both give
    # the same numbers in the same memory, but only these strides tell PyTorch's convolutions that
    # the batch is channels-last, which makes a training step on a CPU about a third faster.
    return normalised.unsqueeze(-1).movedim(-1, 1)
