"""Images from strangers: what is good comes back as it was, everything else is one sentence."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from course_utils.images import ImageSet, load_mnist
from course_utils.images import own_images as own_data
from course_utils.images.own_images import OwnDataError, from_folder, from_npz, inverted, remarks


@pytest.fixture(scope="module")
def digits():
    return load_mnist("test").subset(slice(0, 40))


def write_png(path, pixels, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **settings)
    return path


def grey(value=0, size=(28, 28)):
    image = np.full(size, value, np.uint8)
    image[size[0] // 3, size[1] // 3] = 255 - value
    return image


def refused(read, *sentences, **settings):
    """The message of the refusal: one sentence, with all that is expected in it."""
    with pytest.raises(OwnDataError) as caught:
        read(**settings)
    message = str(caught.value)
    for sentence in sentences:
        assert sentence in message
    assert message.endswith(".") and "\n" not in message and ". " not in message.replace(".png", "")
    return message


# Folders


@pytest.mark.parametrize("layout", ["subfolders", "names"])
def test_a_folder_comes_back_as_it_was(tmp_path, digits, layout):
    for index, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        place = f"{label}/{index:03}.png" if layout == "subfolders" else f"{label}_{index:03}.PNG"
        write_png(tmp_path / place, image)
    (tmp_path / ".DS_Store").write_bytes(b"left behind")
    read = from_folder(tmp_path, name="mine")
    order = np.argsort(digits.labels, kind="stable")
    assert np.array_equal(read.images, digits.images[order])
    assert np.array_equal(read.labels, digits.labels[order])
    assert read.name == "mine"
    assert from_folder(str(tmp_path)).name == tmp_path.name


def test_own_names_of_classes(tmp_path):
    write_png(tmp_path / "cat" / "a.png", grey(1))
    write_png(tmp_path / "dog" / "a.png", grey(2))
    read = from_folder(tmp_path, classes=["dog", "cat"])
    assert read.labels.tolist() == [0, 1] and read.images[:, 0, 0].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("classes", "files"),
    [
        (
            ["T", "shirt", "T-shirt"],
            {"T-shirts": 0, "T_shirt": 0, "shirt_1": 1, "T-shirt": 2, "T-shirt_1": 2},
        ),
        (["boot", "ankle_boot"], {"boot_1": 0, "ankle_boot_1": 1}),
        (None, {"7 anna": 7, "7(2)": 7, "7_anna": 7}),
    ],
)
def test_the_longest_class_that_a_name_begins_with(tmp_path, classes, files):
    for file in files:
        write_png(tmp_path / f"{file}.png", grey())
    assert from_folder(tmp_path, classes=classes).labels.tolist() == list(files.values())


@pytest.mark.parametrize("file", ["uhu.png", "u\u0308_1.png", "u2.png", "U_1.png"])
def test_a_class_ends_where_its_name_ends(tmp_path, file):
    """The second is an ü as some systems write it: a u and a mark."""
    classes = ["u", "\u00fc"]
    write_png(tmp_path / "u 1.png", grey())
    assert from_folder(tmp_path, classes=classes).labels.tolist() == [0]
    write_png(tmp_path / file, grey())
    refused(from_folder, "belongs to no class", folder=tmp_path, classes=classes)


def test_grey_in_other_clothes_is_taken(tmp_path):
    image = grey(7)
    for number, mode in enumerate(("L", "RGB", "RGBA", "LA", "P")):
        Image.fromarray(image).convert(mode).save(tmp_path / f"1_{number}.png")
    Image.fromarray(image > 100).save(tmp_path / "2_black_and_white.png")
    read = from_folder(tmp_path)
    for found in read.images[:5]:
        assert np.array_equal(found, image)
    assert np.array_equal(read.images[5], np.where(image > 100, 255, 0))


@pytest.mark.parametrize("size", [(28, 27), (32, 32), (280, 280)])
def test_another_size(tmp_path, size):
    write_png(tmp_path / "3" / "big.png", grey(size=size))
    shape = f"3/big.png is {size[1]} by {size[0]} pixels and must be 28 by 28"
    refused(from_folder, shape, "centring.as_mnist", folder=tmp_path)


def test_colours(tmp_path):
    image = np.zeros((28, 28, 3), np.uint8)
    image[5, 5] = (200, 10, 10)
    write_png(tmp_path / "3" / "red.png", image)
    refused(from_folder, "3/red.png is a colour image: save it in grey", folder=tmp_path)


def test_a_palette_of_colours(tmp_path):
    image = Image.fromarray(grey()).convert("P")
    image.putpalette([9, 0, 0] * 256)
    image.save(tmp_path / "1_red.png")
    refused(from_folder, "is a colour image", folder=tmp_path)


def test_transparency_depth_and_films(tmp_path):
    Image.fromarray(np.full((28, 28, 4), 100, np.uint8)).save(tmp_path / "0_glass.png")
    refused(from_folder, "0_glass.png has transparent pixels", folder=tmp_path)
    (tmp_path / "0_glass.png").unlink()
    Image.fromarray(np.full((28, 28), 30_000, np.uint16)).save(tmp_path / "0_deep.png")
    refused(from_folder, "0_deep.png has more than 256 grey values", folder=tmp_path)
    (tmp_path / "0_deep.png").unlink()
    first, second = (Image.fromarray(grey(value)) for value in (0, 9))
    first.save(tmp_path / "0_film.png", save_all=True, append_images=[second])
    refused(from_folder, "0_film.png is a film of several images", folder=tmp_path)


def test_broken_files(tmp_path):
    path = write_png(
        tmp_path / "1" / "a.png", np.random.default_rng(0).integers(0, 255, (28, 28), np.uint8)
    )
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:20], b"", b"GIF89a, really", whole[::-1]):
        path.write_bytes(content)
        refused(from_folder, "1/a.png is damaged or no PNG at all", folder=tmp_path)
    path.write_bytes(whole)
    assert len(from_folder(tmp_path)) == 1


def test_another_format_under_a_png_s_name(tmp_path):
    Image.fromarray(grey()).save(tmp_path / "1_a.png", format="BMP")
    refused(from_folder, "no PNG at all", folder=tmp_path)


def test_other_files(tmp_path):
    write_png(tmp_path / "1" / "a.png", grey())
    (tmp_path / "1" / "notes.txt").write_text("mine")
    refused(from_folder, "notes.txt is no PNG file", folder=tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "1_pipe.png")
    refused(from_folder, "1_pipe.png is no PNG file", folder=tmp_path)


def test_mixed_empty_missing(tmp_path):
    refused(from_folder, "has no images", folder=tmp_path)
    refused(from_folder, "is no folder", folder=tmp_path / "absent")
    file = write_png(tmp_path / "1_a.png", grey())
    refused(from_folder, "is no folder", folder=file)
    (tmp_path / "2").mkdir()
    refused(from_folder, "both subfolders and loose files such as 1_a.png", folder=tmp_path)
    file.unlink()
    refused(from_folder, "has no images", folder=tmp_path)
    write_png(tmp_path / "2" / "more" / "a.png", grey())
    refused(from_folder, "2 has a folder of its own, more", folder=tmp_path)


def test_unknown_and_too_many_classes(tmp_path):
    write_png(tmp_path / "cat" / "a.png", grey())
    refused(from_folder, "The subfolder cat belongs to no class", "0, 1, 2", folder=tmp_path)
    refused(from_folder, "11 classes", "num_classes", folder=tmp_path, classes=list("abcdefghijk"))
    refused(from_folder, "There are 0 classes", folder=tmp_path, classes=[])
    refused(from_folder, "the same name", folder=tmp_path, classes=["cat", "cat"])
    loose = tmp_path / "loose"
    write_png(loose / "10_a.png", grey())
    refused(from_folder, "The file 10_a.png belongs to no class", folder=loose)


def giant_png(width, height):
    """A valid PNG of zeros: tiny on disk, giant in memory."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_decompression_bombs_are_not_unpacked(tmp_path, monkeypatch, side):
    from PIL import ImageFile

    def unpack(*_):
        raise AssertionError("pixels were unpacked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", unpack)
    (tmp_path / "1_bomb.png").write_bytes(giant_png(side, side))
    refused(from_folder, "must be 28 by 28", folder=tmp_path)


def test_a_bomb_in_the_comments(tmp_path):
    comments = PngImagePlugin.PngInfo()
    for number in range(3):
        comments.add_text(f"c{number}", "a" * 40_000_000, zip=True)
    write_png(tmp_path / "1_text.png", grey(), pnginfo=comments)
    refused(from_folder, "damaged", folder=tmp_path)
    with (tmp_path / "1_text.png").open("ab") as file:
        file.write(bytes(own_data.LARGEST_PNG))
    refused(from_folder, "far too large", folder=tmp_path)


# npz


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        path = tmp_path / "mine.npz"
        np.savez_compressed(path, **arrays)
        return path

    return write


def test_an_npz_comes_back_as_it_was(npz, digits):
    path = npz(images=digits.images, labels=digits.labels.astype(np.uint8))
    read = from_npz(path)
    assert read.content_hash == digits.content_hash
    assert read.name == "mine"
    path = npz(x_test=digits.images, y_test=digits.labels)
    assert from_npz(path, images="x_test", labels="y_test").content_hash == digits.content_hash


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"images": np.zeros((3, 32, 32), np.uint8)}, "[3, 32, 32] and must have [N, 28, 28]"),
        ({"images": np.zeros((3, 784), np.uint8)}, "[3, 784]"),
        ({"images": np.zeros((3, 28, 28, 3), np.uint8)}, "colour images"),
        ({"images": np.zeros((3, 28, 28))}, "float64 and must hold uint8"),
        ({"images": np.zeros((0, 28, 28), np.uint8), "labels": np.zeros(0, int)}, "has no images"),
        ({"labels": np.zeros(4, int)}, "3 images and labels of shape [4]"),
        ({"labels": np.zeros((3, 10), int)}, "labels of shape [3, 10]"),
        ({"labels": np.zeros(3)}, "float64: they must be whole numbers"),
        ({"labels": np.array([0, 1, 10])}, "from 0 to 10, which does not fit 10 classes"),
        ({"labels": np.array([-1, 1, 2])}, "from -1 to 2"),
        ({"labels": np.array(["a", "b", "c"])}, "whole numbers"),
    ],
)
def test_arrays_that_do_not_fit(npz, arrays, sentence):
    good = {"images": np.zeros((3, 28, 28), np.uint8), "labels": np.zeros(3, int)}
    refused(from_npz, sentence, path=npz(**(good | arrays)))


def test_names_and_numbers_of_classes(npz):
    path = npz(pictures=np.zeros((3, 28, 28), np.uint8), labels=np.arange(3))
    refused(from_npz, "no array 'images', it has pictures, labels", path=path)
    assert len(from_npz(path, images="pictures", num_classes=3)) == 3
    refused(from_npz, "does not fit 2 classes", path=path, images="pictures", num_classes=2)
    refused(from_npz, "There are 11 classes", path=path, num_classes=11)


class Malicious:
    def __reduce__(self):
        return (os.mkdir, (os.environ["OWN_DATA_TRAP"],))


@pytest.mark.parametrize("key", ["images", "labels"])
def test_pickles_are_never_loaded(tmp_path, npz, monkeypatch, key):
    trap = tmp_path / "trap"
    monkeypatch.setenv("OWN_DATA_TRAP", str(trap))
    good = {"images": np.zeros((1, 28, 28), np.uint8), "labels": np.zeros(1, int)}
    path = npz(**(good | {key: np.array([Malicious()], dtype=object)}))
    refused(from_npz, f"{key!r}", "Python objects, which are never loaded", path=path)
    path.write_bytes(pickle.dumps(Malicious()))
    refused(from_npz, "no npz file", path=path)
    assert not trap.exists()
    pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap must work, or the test proves nothing"


def announced(shape, dtype="|u1", content=b""):
    """An npy file whose header promises what its content does not hold."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue() + content


@pytest.mark.parametrize("shape", [(2_000_000, 28, 28), (2**62, 28, 28)])
def test_what_would_fill_the_memory_is_not_unpacked(tmp_path, shape):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", announced(shape))
        archive.writestr("labels.npy", announced((1,), "<i8", bytes(8)))
    refused(from_npz, "GB of memory", path=path)


def test_a_small_header_before_a_giant_content(tmp_path, monkeypatch):
    monkeypatch.setattr(own_data, "LARGEST_NPZ", 100_000)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", announced((1, 28, 28), content=bytes(1_000_000)))
    assert path.stat().st_size < 10_000
    refused(from_npz, "of memory", path=path)


def test_damaged_npz(tmp_path, npz, digits):
    path = npz(images=digits.images, labels=digits.labels)
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (b"", b"PK", whole[:middle], whole[:middle] + b"\0" * 9 + whole[middle + 9 :]):
        path.write_bytes(content)
        refused(from_npz, "damaged", path=path)
    refused(from_npz, "There is no file", path=tmp_path / "absent.npz")
    refused(from_npz, "There is no file", path=tmp_path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", announced((3, 28, 28)))
        archive.writestr("labels.npy", b"no array")
    refused(from_npz, "damaged", path=path)


def test_a_flipped_bit_is_harmless_or_refused(npz):
    images = np.random.default_rng(0).integers(4, size=(3, 28, 28), dtype=np.uint8)
    labels = np.array([3, 1, 4])
    path = npz(images=images, labels=labels)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 17):  # an odd step: each place in a byte has its turn
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            read = from_npz(path)
        except OwnDataError:
            continue
        assert np.array_equal(read.images, images) and read.labels.tolist() == [3, 1, 4], bit


def test_a_header_that_is_no_python(tmp_path):
    path = tmp_path / "mine.npz"
    header = b"{'descr': (\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + bytes([len(header), 0]) + header)
    refused(from_npz, "'images' in mine.npz is damaged", path=path)


# Remarks


def test_mnist_s_own_digits_get_no_remark(digits):
    many = load_mnist("test")
    assert remarks(many) == []


def test_white_paper_is_noticed(digits):
    negative = inverted(digits)
    assert any("All images have bright paper" in remark for remark in remarks(negative))
    assert inverted(negative).content_hash == digits.content_hash
    mixed = ImageSet(
        np.concatenate([digits.images, negative.images[:3]]),
        np.concatenate([digits.labels, digits.labels[:3]]),
        "mixed",
    )
    assert any(remark.startswith("3 of 43 images have bright paper") for remark in remarks(mixed))


def test_a_frame_of_dirt_is_not_paper(digits):
    dirty = digits.images.copy()
    dirty[:, 0, :] = 255  # one bright edge of four
    assert not any("paper" in remark for remark in remarks(ImageSet(dirty, digits.labels, "d")))


def test_other_remarks(digits):
    images = np.concatenate([digits.images[:20] // 3, np.zeros((2, 28, 28), np.uint8)])
    labels = np.array([0] * 15 + [1] * 7)
    found = " ".join(remarks(ImageSet(images, labels, "odd")))
    for part in ("20 of 22 images are pale", "2 of 22 images are of a single grey",
                 "label 2, 3, 4, 5, 6, 7, 8, 9", "from 7 to 15", "1 images are exact"):  # fmt: skip
        assert part in found
    assert remarks(digits.subset([])) == ["There are no images."]


def test_the_course_takes_them(tmp_path, digits):
    from course_utils.networks import evaluation, zoo

    np.savez(tmp_path / "mine.npz", images=digits.images, labels=digits.labels)
    own = from_npz(tmp_path / "mine.npz")
    predictions = evaluation.predict(zoo.load("short-lenet"), own)
    assert predictions.correct.mean() > 0.8
