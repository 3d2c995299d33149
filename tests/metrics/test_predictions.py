"""Predictions: what they hold, derive, refuse and keep on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from course_utils.metrics.predictions import Predictions


def make(num_images=20, num_members=3, num_classes=5, seed=0, labelled=True):
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=3, size=(num_images, num_members, num_classes))
    labels = generator.integers(0, num_classes, num_images) if labelled else None
    return Predictions(logits, labels)


def same(first, second):
    return (
        (first.logits is None) == (second.logits is None)
        and np.array_equal(first.probabilities, second.probabilities)
        and (first.logits is None or np.array_equal(first.logits, second.logits))
        and (first.labels is None) == (second.labels is None)
        and (first.labels is None or np.array_equal(first.labels, second.labels))
    )


# What they hold and derive


def test_types_shapes_and_sizes():
    predictions = make(20, 3, 5)
    assert predictions.logits.dtype == np.float32
    assert predictions.labels.dtype == np.int64
    assert predictions.probabilities.shape == (20, 3, 5)
    assert predictions.mean.shape == (20, 5)
    assert predictions.probabilities.dtype == predictions.mean.dtype == np.float64
    assert predictions.predicted.shape == predictions.correct.shape == (20,)
    assert predictions.member_predicted.shape == (20, 3)
    assert (len(predictions), predictions.num_members, predictions.num_classes) == (20, 3, 5)
    assert repr(predictions) == (
        "Predictions(logits of 3 members for 20 images, 5 classes, with labels)"
    )


def test_hand_computed_ensemble():
    # Two members with probabilities (1/5, 4/5) and (3/4, 1/4): mean (0.475, 0.525).
    logits = np.log([[[1.0, 4.0], [3.0, 1.0]]])
    predictions = Predictions(logits, [1])
    assert predictions.probabilities[0] == pytest.approx(np.array([[0.2, 0.8], [0.75, 0.25]]))
    assert predictions.mean[0] == pytest.approx([0.475, 0.525])
    assert predictions.predicted.tolist() == [1]
    assert predictions.member_predicted.tolist() == [[1, 0]]
    assert predictions.correct.tolist() == [True]


def test_the_softmax_does_not_overflow():
    predictions = Predictions([[[1e30, 0.0], [-1e30, 0.0]]])
    assert predictions.probabilities[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_float64_keeps_apart_what_float32_ties():
    logits = np.array([[[17.5, 0.0]], [[20.0, 0.0]], [[22.5, 0.0]]])
    in_float32 = np.exp(logits.astype(np.float32))
    in_float32 /= in_float32.sum(axis=-1, keepdims=True)
    assert len(np.unique(in_float32.max(axis=-1))) == 1  # all exactly 1
    assert len(np.unique(Predictions(logits).mean.max(axis=-1))) == 3


def test_derived_arrays_are_computed_once_and_read_only():
    predictions = make()
    assert predictions.probabilities is predictions.probabilities
    assert predictions.correct is predictions.correct
    for array in (
        predictions.logits,
        predictions.labels,
        predictions.probabilities,
        predictions.mean,
        predictions.predicted,
        predictions.member_predicted,
        predictions.correct,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_later_changes_of_the_input_do_not_reach_in():
    logits = np.zeros((2, 1, 3), dtype=np.float32)
    labels = np.zeros(2, dtype=np.int64)
    predictions = Predictions(logits, labels)
    logits[:] = 7
    labels[:] = 2
    assert not predictions.logits.any()
    assert not predictions.labels.any()


def test_no_labels_no_correct():
    predictions = make(labelled=False)
    assert predictions.predicted.shape == (20,)
    with pytest.raises(ValueError, match="no labels"):
        predictions.correct  # noqa: B018


# What they refuse


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((4, 3)), None, r"\[images, members, classes\].*logits\[:, None, :\]"),
        (np.zeros(4), None, r"\[images, members, classes\]"),
        (np.zeros((4, 0, 3)), None, "at least 1 member"),
        (np.zeros((4, 1, 1)), None, "2 classes"),
        (np.array([[["a", "b"]]]), None, "real numbers"),
        (np.zeros((2, 1, 2), dtype=complex), None, "real numbers"),
        (np.full((4, 1, 3), np.nan), None, "NaN or infinite values for 4 of 4"),
        ([[[0.0, 1.0]], [[0.0, np.inf]]], None, "for 1 of 2 images, first for image 1"),
        ([[[0.0, 1e300]]], None, "NaN or infinite"),  # not a float32
        (np.zeros((4, 1, 3)), [0, 1, 2], "each of the 4 images"),
        (np.zeros((4, 1, 3)), np.zeros((4, 1), dtype=int), "each of the 4 images"),
        (np.zeros((2, 1, 3)), [0, 3], "between 0 and 2, got 0 to 3"),
        (np.zeros((2, 1, 3)), [-1, 2], "between 0 and 2, got -1 to 2"),
        (np.zeros((2, 1, 3)), [0.0, 1.0], "must be integers"),
        (np.zeros((2, 1, 3)), [True, False], "must be integers"),
        (None, [0], "Give logits"),
    ],
)
def test_bad_input_gets_one_clear_sentence(logits, labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        Predictions(logits, labels)
    assert "\n" not in str(caught.value)


# Foreign models


def test_from_probabilities_keeps_float64():
    certain = 1 - 2.0**-40
    predictions = Predictions.from_probabilities([[certain, 1 - certain], [0.5, 0.5]], [0, 1])
    assert predictions.logits is None
    assert predictions.num_members == 1
    assert predictions.mean[0, 0] == certain
    assert predictions.correct.tolist() == [True, False]


def test_from_probabilities_divides_out_coarse_rounding():
    coarse = make().probabilities.astype(np.float16)
    predictions = Predictions.from_probabilities(coarse)
    assert predictions.probabilities.sum(axis=-1) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    "probabilities", [[[0.5, 0.6]], [[-0.1, 1.1]], [[2.0, 5.0]], [[np.nan, 1.0]], [0.5, 0.5]]
)
def test_from_probabilities_refuses_what_are_none(probabilities):
    with pytest.raises(ValueError, match="probabilities"):
        Predictions.from_probabilities(probabilities)


# Members and images


def test_from_stacked_sorts_by_image_as_torch_uncertainty_does():
    torch = pytest.importorskip("torch")
    einops = pytest.importorskip("einops")
    stacked = torch.randn(4 * 6, 3, generator=torch.Generator().manual_seed(0))
    expected = einops.rearrange(stacked, "(m b) c -> b m c", m=4)
    predictions = Predictions.from_stacked(stacked.numpy(), 4, np.zeros(6, dtype=int))
    assert np.array_equal(predictions.logits, expected.numpy())
    assert not np.array_equal(predictions.logits, stacked.view(6, 4, 3).numpy())


@pytest.mark.parametrize(
    ("shape", "num_members", "message"),
    [
        ((10, 3), 4, "4 members do not divide 10 rows"),
        ((12, 3), 0, "at least 1"),
        ((12, 3), -2, "at least 1"),
        ((12, 3), 2.0, "integer"),
        ((12, 3), True, "integer"),
        ((4, 3, 3), 2, r"\[members \* images, classes\]"),
    ],
)
def test_from_stacked_refuses(shape, num_members, message):
    with pytest.raises(ValueError, match=message):
        Predictions.from_stacked(np.zeros(shape), num_members)


def test_from_stacked_checks_the_labels():
    with pytest.raises(ValueError, match="each of the 6 images"):
        Predictions.from_stacked(np.zeros((12, 3)), 2, np.zeros(12, dtype=int))


def test_combine_undoes_subset():
    predictions = make(num_members=4)
    parts = [predictions.subset(members=m) for m in range(4)]
    assert all(part.num_members == 1 for part in parts)
    assert same(Predictions.combine(parts), predictions)


def test_combine_takes_labels_from_any_part_that_has_them():
    with_labels = make()
    without = Predictions(with_labels.logits)
    assert np.array_equal(Predictions.combine([without, with_labels]).labels, with_labels.labels)


def test_combine_logits_with_probabilities():
    predictions = make()
    foreign = Predictions.from_probabilities(predictions.probabilities, predictions.labels)
    both = Predictions.combine([predictions, foreign])
    assert both.logits is None
    assert both.num_members == 6
    assert both.mean == pytest.approx(predictions.mean, abs=1e-15)


def test_combine_refuses_other_images():
    predictions = make(20)
    with pytest.raises(ValueError, match="Nothing to combine"):
        Predictions.combine([])
    with pytest.raises(ValueError, match="same images"):
        Predictions.combine([predictions, make(19)])
    with pytest.raises(ValueError, match="same images"):
        Predictions.combine([predictions, make(20, num_classes=6)])
    with pytest.raises(ValueError, match="labels of the parts differ"):
        Predictions.combine([predictions, Predictions(predictions.logits, np.zeros(20, int))])


@pytest.mark.parametrize("members", [2, [2], slice(2, 3), [False, False, True], np.int64(2), -1])
def test_subset_one_member_in_every_spelling(members):
    predictions = make()
    expected = predictions.logits[:, 2:3]
    assert np.array_equal(predictions.subset(members).logits, expected)


def test_subset_orders_and_works_on_probabilities():
    predictions = make()
    foreign = Predictions.from_probabilities(predictions.probabilities, predictions.labels)
    assert np.array_equal(
        foreign.subset(members=[2, 0]).probabilities, foreign.probabilities[:, [2, 0]]
    )


@pytest.mark.parametrize("members", [[], slice(5, 9), 3, [0, -4], [0.5], [True], [[0]], "0"])
def test_subset_refuses(members):
    with pytest.raises(ValueError, match="member"):
        make().subset(members)


def test_take_images_by_index_mask_and_slice():
    predictions = make()
    mask = predictions.correct
    taken = predictions.take(mask)
    assert taken.correct.all()
    assert same(taken, predictions.take(np.flatnonzero(mask)))
    assert same(predictions.take(slice(3)), predictions.take([0, 1, 2]))
    assert len(predictions.take(~(mask | ~mask))) == 0  # none is a legitimate answer
    with pytest.raises(ValueError, match="20 images"):
        predictions.take([20])
    with pytest.raises(ValueError, match="mask"):
        predictions.take([True, False])


def test_order_of_members_does_not_matter():
    predictions = make(num_members=4)
    shuffled = predictions.subset(members=[2, 0, 3, 1])
    assert shuffled.mean == pytest.approx(predictions.mean, abs=1e-15)
    assert np.array_equal(shuffled.predicted, predictions.predicted)


# Files


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("foreign", [True, False])
def test_round_trip(tmp_path, labelled, foreign):
    predictions = make(labelled=labelled)
    if foreign:
        predictions = Predictions.from_probabilities(predictions.probabilities, predictions.labels)
    path = predictions.save(tmp_path / "new" / "lenet.predictions")
    assert path == tmp_path / "new" / "lenet.predictions"
    assert same(Predictions.load(path), predictions)
    assert [file.name for file in path.parent.iterdir()] == ["lenet.predictions"]


def test_the_file_is_plain_npz(tmp_path):
    path = make().save(tmp_path / "p.npz")
    with np.load(path, allow_pickle=False) as file:
        assert {name: file[name].dtype.kind for name in file} == {
            "format": "U",
            "logits": "f",
            "labels": "i",
        }


def test_an_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    old = make(seed=0)
    path = old.save(tmp_path / "p.npz")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        make(seed=1).save(path)
    assert same(Predictions.load(path), old)
    assert [file.name for file in tmp_path.iterdir()] == ["p.npz"]


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="run the chapter"):
        Predictions.load(tmp_path / "absent.npz")


def write_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def write_pickle(path):
    with path.open("wb") as file:
        np.savez(file, format=np.array(["x", None], dtype=object))


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "not an array")


def write_other_npz(path):
    with path.open("wb") as file:
        np.savez(file, logits=np.zeros((2, 1, 3)), labels=np.zeros(2, dtype=int))


def write_contradiction(path):
    with path.open("wb") as file:
        np.savez(
            file,
            format=np.array("course_utils.metrics.predictions/1"),
            logits=np.zeros((2, 1, 3)),
            labels=np.zeros(5, dtype=int),
        )


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("<html>404</html>"),
        write_array,
        write_pickle,
        write_zip,
        write_other_npz,
        write_contradiction,
    ],
    ids=["empty", "html", "npy", "pickle", "zip", "other npz", "contradiction"],
)
def test_foreign_files_get_one_clear_sentence(tmp_path, write):
    path = tmp_path / "p.npz"
    write(path)
    with pytest.raises(ValueError, match="damaged or not a predictions file") as caught:
        Predictions.load(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused_at_every_length(tmp_path):
    whole = make(4).save(tmp_path / "p.npz").read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            Predictions.load(path)


def test_a_flipped_byte_never_changes_a_number(tmp_path):
    predictions = make(4)
    whole = predictions.save(tmp_path / "p.npz").read_bytes()
    path = tmp_path / "flipped.npz"
    refused = 0
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            loaded = Predictions.load(path)
        except ValueError as error:
            assert "damaged" in str(error)
            refused += 1
        else:  # dates and the like in the zip's own headers
            assert loaded.logits is not None
            assert np.array_equal(loaded.logits, predictions.logits)
    assert refused > len(whole) / 3 / 2


def test_a_damaged_size_is_not_believed(tmp_path):
    path = make(400).save(tmp_path / "p.npz")
    small, huge = b"'shape': (400, 3, 5), }", b"'shape': (400, 3, 55555555555), }"
    whole = path.read_bytes()
    assert whole.count(small) == 1
    padding = b" " * (len(huge) - len(small))
    path.write_bytes(whole.replace(small + padding, huge))  # 267 TB, if believed
    with pytest.raises(ValueError, match="damaged"):
        Predictions.load(path)


# Weight


def test_the_numpy_half_imports_no_heavy_library():
    script = (
        "import sys, time, numpy\n"
        "start = time.perf_counter()\n"
        "import course_utils.metrics.predictions, course_utils.metrics.scores\n"
        "import course_utils.metrics.selective, course_utils.metrics.intervals\n"
        "print(time.perf_counter() - start)\n"
        "print([name for name in ('torch', 'scipy', 'pandas', 'matplotlib') "
        "if name in sys.modules])\n"
    )
    seconds = []
    for _ in range(3):  # the best of three: other work on the machine only adds
        finished = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        elapsed, heavy = finished.stdout.splitlines()
        assert heavy == "[]"
        seconds.append(float(elapsed))
    assert min(seconds) < 0.3
