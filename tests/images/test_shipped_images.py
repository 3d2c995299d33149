"""The shipped images: all of both data sets, the same everywhere, and never silently damaged."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from course_utils.images import (
    MEAN,
    SPLITS,
    STD,
    ImagesError,
    files,
    load_fashion_mnist,
    load_mnist,
    read_original,
    torchvision_root,
    validation_indices,
)

REPOSITORY = Path(__file__).resolve().parents[2]
SIZES = {"train": 55_000, "val": 5_000, "test": 10_000}
# The first edition's validation digits, on which no shipped network was trained.
VALIDATION_SHA256 = "68ee34a5c78be8390b55a012fab6cb3c70cbe1de324b6e7023c6f3888e0fdb3a"


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A copy of the shipped folder, to be damaged."""
    for path in files.FOLDER.rglob("*.*"):
        target = tmp_path / path.relative_to(files.FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    return tmp_path


def test_digits_of_each_split():
    digits = {split: load_mnist(split) for split in SPLITS}
    assert {split: len(images) for split, images in digits.items()} == SIZES
    assert [images.name for images in digits.values()] == ["MNIST train", "MNIST val", "MNIST test"]
    images, labels = read_original("MNIST", "train")
    first = np.sort(np.concatenate([np.flatnonzero(labels == k)[:500] for k in range(10)]))
    assert np.array_equal(first, validation_indices())
    assert np.array_equal(digits["val"].images, images[first])
    rest = np.setdiff1d(np.arange(60_000), first)
    assert np.array_equal(digits["train"].images, images[rest])
    assert np.array_equal(digits["train"].labels, labels[rest])
    assert np.array_equal(digits["test"].images, read_original("MNIST", "test")[0])
    assert images.mean() / 255 == pytest.approx(MEAN, abs=5e-5)
    assert images.std() / 255 == pytest.approx(STD, abs=5e-5)


def test_clothes_of_each_split():
    clothes = {split: load_fashion_mnist(split) for split in SPLITS}
    assert {split: len(images) for split, images in clothes.items()} == SIZES
    images, labels = read_original("FashionMNIST", "train")
    assert np.array_equal(clothes["train"].images, images[:55_000])
    assert np.array_equal(clothes["val"].images, images[55_000:])
    assert np.array_equal(clothes["val"].labels, labels[55_000:])
    assert np.array_equal(clothes["test"].images, read_original("FashionMNIST", "test")[0])


def test_validation_digits_are_those_of_the_first_edition():
    assert hashlib.sha256(validation_indices().tobytes()).hexdigest() == VALIDATION_SHA256


@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
@pytest.mark.parametrize("split", ["training", "", "Train", None, 0])
def test_unknown_split(load, split):
    with pytest.raises(ValueError, match="'train', 'val' or 'test'"):
        load(split)


def test_a_loaded_set_may_be_written_to_without_harm():
    load_mnist("test").images[:] = 0
    assert load_mnist("test").images.any()


def test_reading_takes_less_than_a_second_of_processor_time():
    started = time.process_time()
    load_mnist("train")
    assert time.process_time() - started < 1


def test_importing_is_light():
    program = (
        "import sys, course_utils.images\n"
        "print([m for m in ('torch', 'torchvision', 'platformdirs') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.stdout.strip() == "[]"


# --- damage ---


def test_an_intact_folder_has_nothing_damaged(copy):
    assert files.damaged() == []


@pytest.mark.parametrize("damage", ["absent", "empty", "half", "bit", "page"])
def test_a_damaged_file_is_refused_and_named(copy, damage):
    path = copy / "MNIST/raw/t10k-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "absent": b"",
            "empty": b"",
            "half": content[:middle],
            "bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "page": b"<!DOCTYPE html><html>Welcome to the hotel</html>",
        }[damage]
    )
    if damage == "absent":
        path.unlink()
    with pytest.raises(ImagesError, match=r"t10k-labels.*git checkout"):
        load_mnist("test")
    assert files.damaged() == ["MNIST/raw/t10k-labels-idx1-ubyte.gz"]
    assert len(load_fashion_mnist("test")) == 10_000


def test_shifted_labels_are_refused(copy):
    """A well-formed file with other content: all labels would be wrong, and nothing would crash."""
    path = copy / "MNIST/raw/t10k-labels-idx1-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:8] + bytes((k + 1) % 10 for k in content[8:])))
    with pytest.raises(ImagesError, match="sha256 differs"):
        load_mnist("test")


def test_lost_validation_indices_are_told(copy, monkeypatch):
    monkeypatch.setattr("course_utils.images.loaders.FOLDER", copy)
    (copy / "mnist_validation.npy").write_bytes(b"nothing")
    with pytest.raises(ImagesError, match=r"mnist_validation\.npy is missing or damaged"):
        load_mnist("val")


# --- torchvision and torch-uncertainty ---


def test_torchvision_reads_the_prepared_root(tmp_path):
    from torchvision.datasets import MNIST, FashionMNIST

    root = torchvision_root(tmp_path / "images")
    for dataset, kind in (("MNIST", MNIST), ("FashionMNIST", FashionMNIST)):
        for part in ("train", "test"):
            images, labels = read_original(dataset, part)
            theirs = kind(root, train=part == "train", download=False)
            assert np.array_equal(theirs.data.numpy(), images)
            assert theirs.targets.tolist() == labels.tolist()


def test_the_datamodule_of_torch_uncertainty_asks_no_network(tmp_path, monkeypatch):
    import socket

    from torch_uncertainty.datamodules import MNISTDataModule

    def refuse(*arguments, **keywords):
        raise AssertionError("asked a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    root = torchvision_root(tmp_path)
    datamodule = MNISTDataModule(
        root=root, batch_size=128, eval_ood=True, num_workers=0, persistent_workers=False
    )
    datamodule.prepare_data()
    datamodule.setup("fit")
    datamodule.setup("test")
    assert len(datamodule.train) == 60_000 and len(datamodule.test) == 10_000
    images, _ = next(iter(datamodule.test_dataloader()[0]))
    assert images.shape == (128, 1, 28, 28)


def test_the_root_is_written_once_and_repaired(tmp_path):
    root = torchvision_root(tmp_path)
    written = {path: path.stat().st_mtime_ns for path in root.rglob("*-ubyte")}
    assert len(written) == 8
    damaged = root / "MNIST/raw/t10k-labels-idx1-ubyte"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert torchvision_root(tmp_path) == root
    for path, moment in written.items():
        assert (path.stat().st_mtime_ns == moment) == (path != damaged)
    assert hashlib.sha256(damaged.read_bytes()).hexdigest() == files.FILES["MNIST"][damaged.name][1]
    assert not list(root.rglob("*.part"))


def test_a_root_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImagesError, match=r"cannot be written.*another folder"):
        torchvision_root(tmp_path / "file" / "images")


def test_the_default_root_is_in_the_users_cache(tmp_path, monkeypatch):
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name, **_: tmp_path / name)
    assert torchvision_root() == tmp_path / "when-to-trust-a-classifier"
