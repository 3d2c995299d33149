"""What one chapter hands to the next, and what happens when it does not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.images import ImageSet, load_mnist
from course_utils.networks import evaluation, runs, training, zoo
from course_utils.networks.models import LeNet, PackedLeNet
from course_utils.networks.registry import chapters

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


@pytest.fixture(scope="module")
def digits():
    return load_mnist("test").subset(slice(0, 40))


@pytest.fixture(autouse=True)
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("COURSE_SPEED", "train")
    return tmp_path / "runs" / "train"


def a_fit(model=None, name="lenet", seed=0):
    if model is None:
        torch.manual_seed(seed)
        model = LeNet()
    nowhere = Path("nowhere")
    return training.Fit(
        model.eval(), name, 3, 1290, 12.345, "CPU, 1 thread", 1e-7, nowhere, nowhere, nowhere
    )


def no_network(*arguments):
    raise AssertionError("the network was asked, although its predictions are on file")


def test_round_trip(own_runs, digits, monkeypatch, capsys):
    fit = a_fit()
    saved = runs.save(fit, digits, digits)
    assert saved.origin == "this chapter"
    assert saved.facts["seconds"] == 12.35 or saved.facts["seconds"] == 12.34
    loaded = runs.load("lenet")
    assert capsys.readouterr().out == "lenet: from your own training, 3 epochs on 40 digits.\n"
    assert loaded.facts == saved.facts
    assert loaded.facts["data_hash"] == digits.content_hash
    assert loaded.facts["num_train"] == 40
    assert not loaded.model.training
    expected = evaluation.predict(fit.model, digits)
    monkeypatch.setattr(evaluation, "predict", no_network)
    predictions = loaded.predictions(digits)
    np.testing.assert_array_equal(predictions.logits, expected.logits)
    np.testing.assert_array_equal(predictions.labels, digits.labels)
    assert sorted(path.name for path in own_runs.glob("[!.]*")) == [
        f"lenet.{saved.facts['sha256'][:12]}.{digits.content_hash[:12]}.npz",
        "lenet.json",
        "lenet.safetensors",
    ]
    assert [path.name for path in own_runs.glob(".*")] in ([], [".lock"])


def test_ensembles_round_trip_with_their_members(digits):
    torch.manual_seed(0)
    for name in ("deep-ensemble-2", "packed-4"):
        fit = a_fit(zoo.build(chapters()[name].architecture), name)
        runs.save(fit, digits, digits)
        loaded = runs.load(name)
        members = int(name[-1])
        assert loaded.predictions(digits).num_members == members
        again = evaluation.predict(loaded.model, digits)
        np.testing.assert_array_equal(loaded.predictions(digits).logits, again.logits)


def test_other_images_are_predicted_anew(digits):
    fit = a_fit()
    run = runs.save(fit, digits, digits)
    others = digits.subset(slice(10, 30))
    np.testing.assert_array_equal(
        run.predictions(others).logits, evaluation.predict(fit.model, others).logits
    )
    relabelled = ImageSet(digits.images, (digits.labels + 1) % 10, "relabelled")
    np.testing.assert_array_equal(run.predictions(relabelled).labels, relabelled.labels)


def test_damaged_predictions_are_computed_again(own_runs, digits):
    run = runs.save(a_fit(), digits, digits)
    (path,) = own_runs.glob("lenet.*.npz")
    expected = run.predictions(digits)
    path.write_bytes(path.read_bytes()[:500])
    np.testing.assert_array_equal(run.predictions(digits).logits, expected.logits)


def test_a_second_training_leaves_no_predictions_of_the_first(digits):
    others = digits.subset(slice(10, 30))
    runs.save(a_fit(seed=0), digits, digits, others)
    second = a_fit(seed=1)
    runs.save(second, digits, digits)
    loaded = runs.load("lenet")
    np.testing.assert_array_equal(
        loaded.predictions(others).logits, evaluation.predict(second.model, others).logits
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left")])
def test_an_interrupted_second_training_leaves_the_first(own_runs, digits, monkeypatch, error):
    first = runs.save(a_fit(seed=0), digits, digits)
    before = {path.name: path.read_bytes() for path in own_runs.iterdir()}

    def stop(*arguments):
        raise error

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, OSError)) as caught:
        patched.setattr(evaluation, "predict", stop)
        runs.save(a_fit(seed=1), digits, digits)
    if caught.type is OSError:
        assert "lenet cannot be kept in" in str(caught.value)
        assert caught.value.errno == errno.ENOSPC
    assert {path.name: path.read_bytes() for path in own_runs.iterdir()} == before
    assert runs.load("lenet").facts == first.facts


def test_what_killed_notebooks_left_is_removed_unless_somebody_may_be_writing(own_runs, digits):
    for name in (".new-first", ".new-second", ".new-now"):
        (own_runs / name).mkdir(parents=True)
        (own_runs / name / "lenet.safetensors").write_bytes(b"half")
        if name != ".new-now":
            os.utime(own_runs / name, (time.time() - 7200,) * 2)
    runs.save(a_fit(), digits)
    assert [path.name for path in own_runs.glob(".new-*")] == [".new-now"]


def test_predictions_of_another_training_are_not_taken_for_these(digits):
    first = runs.save(a_fit(seed=0), digits, digits)
    expected = first.predictions(digits).logits
    runs.save(a_fit(seed=1), digits, digits)  # in another notebook, while the first is open
    np.testing.assert_array_equal(first.predictions(digits).logits, expected)


@pytest.mark.slow
def test_two_notebooks_that_save_at_once_leave_a_whole_run(own_runs, digits):
    """Each reader sees the run of one or of the other, and never parts of both."""
    program = (
        "import sys\n"
        "from test_runs import a_fit, load_mnist, runs\n"
        "digits = load_mnist('test').subset(slice(0, 40))\n"
        "fit = a_fit(seed=int(sys.argv[1]))\n"
        "for _ in range(20): runs.save(fit, digits, digits)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(HERE)])}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(seed)], env=environment)
        for seed in range(2)
    ]
    origins = set()
    try:
        while any(writer.poll() is None for writer in writers):
            if (own_runs / "lenet.json").exists():
                origins.add(runs.load("lenet").origin)
    finally:
        for writer in writers:
            writer.kill()
    assert [writer.wait() for writer in writers] == [0, 0]
    assert origins == {"your own training"}


def test_without_an_earlier_chapter_the_zoo_steps_in(digits, capsys):
    run = runs.load("lenet")
    assert capsys.readouterr().out == (
        "lenet: from the course's zoo (short-lenet), 3 epochs on 55,000 digits.\n"
    )
    assert run.predictions(digits).correct.mean() > 0.9


def test_each_speed_has_a_folder_of_its_own(digits, monkeypatch, capsys):
    runs.save(a_fit(), digits)
    monkeypatch.setenv("COURSE_SPEED", "look")
    assert "zoo" in runs.load("lenet").origin
    monkeypatch.setenv("COURSE_SPEED", "train")
    assert "own" in runs.load("lenet").origin


def damage_facts(folder):
    (folder / "lenet.json").write_text('{"epochs": 3')


def empty_facts(folder):
    (folder / "lenet.json").write_text("[]")


def incomplete_facts(folder):
    facts = json.loads((folder / "lenet.json").read_text())
    del facts["sha256"]
    (folder / "lenet.json").write_text(json.dumps(facts))


def flip_a_byte(folder):
    content = bytearray((folder / "lenet.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "lenet.safetensors").write_bytes(content)


def remove_weights(folder):
    (folder / "lenet.safetensors").unlink()


@pytest.mark.parametrize(
    "damage", [damage_facts, empty_facts, incomplete_facts, flip_a_byte, remove_weights]
)
def test_a_damaged_run_is_named_and_the_zoo_steps_in(own_runs, digits, capsys, damage):
    runs.save(a_fit(), digits)
    damage(own_runs)
    assert "zoo" in runs.load("lenet").origin
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"lenet: what is in {own_runs} is damaged or belongs to another network."
    assert second.startswith("lenet: from the course's zoo")


def test_another_architecture_under_the_same_name_is_not_loaded(digits, capsys):
    runs.save(a_fit(PackedLeNet(), "lenet"), digits)
    assert "zoo" in runs.load("lenet").origin
    assert "belongs to another network" in capsys.readouterr().out


def test_unknown_name_is_one_clear_sentence():
    with pytest.raises(ValueError, match=r"No chapter trains 'resnet': choose among lenet,"):
        runs.load("resnet")


@pytest.mark.parametrize(
    ("name", "speed", "stored"),
    [
        ("lenet", "look", "short-lenet"),
        ("lenet", "train", "short-lenet"),
        ("lenet", "full", "lenet-0"),
        ("deep-ensemble-2", "train", "short-deep-ensemble-2"),
        ("deep-ensemble-2", "full", "deep-ensemble-2"),
        ("packed-4", "look", "short-packed-4"),
        ("packed-4", "full", "packed-4-0"),
    ],
)
def test_the_zoo_stands_in_with_as_long_a_training(name, speed, stored, monkeypatch):
    monkeypatch.setenv("COURSE_SPEED", speed)
    run = runs.load(name)
    assert run.origin == f"the course's zoo ({stored})"
    expected = zoo.build(chapters()[name].architecture).state_dict()
    found = {key: value.shape for key, value in run.model.state_dict().items()}
    assert found == {key: value.shape for key, value in expected.items()}


# Where it is kept


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_RUNS_DIR")
    top = tmp_path / "course"
    for folder in ("course_utils", "notebooks", "work/mine", "build/scratch"):
        (top / folder).mkdir(parents=True)
    return top


@pytest.mark.parametrize("place", [".", "notebooks", "work", "work/mine", "build/scratch"])
def test_runs_are_at_the_top_of_the_course(course, monkeypatch, place):
    monkeypatch.chdir(course / place)
    assert runs.folder() == course / "runs" / "train"


def test_elsewhere_runs_are_in_the_working_directory(course, tmp_path, monkeypatch):
    elsewhere = tmp_path / "content"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert runs.folder() == elsewhere / "runs" / "train"


def test_this_repository_is_recognised(monkeypatch):
    monkeypatch.delenv("COURSE_RUNS_DIR")
    monkeypatch.chdir(REPOSITORY / "notebooks")
    assert runs.folder() == REPOSITORY / "runs" / "train"


def test_the_variable_decides_unless_it_is_empty(course, tmp_path, monkeypatch):
    monkeypatch.chdir(course)
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / "shared"))
    assert runs.folder() == tmp_path / "shared" / "train"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_RUNS_DIR", "~/mine")
    assert runs.folder() == tmp_path / "home" / "mine" / "train"
    monkeypatch.setenv("COURSE_RUNS_DIR", "mine")
    assert runs.folder() == course / "mine" / "train"
    monkeypatch.setenv("COURSE_RUNS_DIR", "")
    assert runs.folder() == course / "runs" / "train"
