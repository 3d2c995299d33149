"""Training the zoo: resumable, stored at once, and safe side by side."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import sys

import numpy as np
import pytest

from course_utils.images import load_mnist
from course_utils.networks import augmentation, evaluation, registry, zoo
from course_utils.networks.registry import Ensemble, Network, Recipe
from tools.author import zoo as make_zoo

TINY = Recipe(epochs=2, num_train=200, affine=True)
NETWORKS = {
    "first": Network("lenet", TINY, 0),
    "second": Network("lenet", TINY, 1),
    "packed": Network("packed 2 4", TINY, 0),
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """An empty zoo and three tiny networks to train."""
    monkeypatch.setattr(zoo, "FOLDER", tmp_path / "zoo")
    monkeypatch.setattr(make_zoo, "UNFINISHED", tmp_path / "unfinished")
    monkeypatch.setattr(make_zoo, "NETWORKS", NETWORKS)
    monkeypatch.setattr(make_zoo, "ENSEMBLES", {"pair": Ensemble(("first", "second"))})
    return tmp_path


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["make_zoo.py", *arguments])
    make_zoo.main()


def test_all_networks_and_then_their_ensembles(folders, monkeypatch, capsys):
    command(monkeypatch, "second")
    assert zoo.names() == ["second"]
    command(monkeypatch)
    assert zoo.names() == ["first", "second", "packed", "pair"]
    assert "second" not in capsys.readouterr().out.split("second:", 1)[1].replace("seconds", "")
    val = load_mnist("val")
    for name, described in json.loads((zoo.FOLDER / "manifest.json").read_text())[
        "networks"
    ].items():
        predictions = evaluation.predict(zoo.load(name), val)
        measured = described["metrics"]
        assert measured["val accuracy"] == pytest.approx(predictions.correct.mean(), abs=1e-6)
        of_label = predictions.mean[np.arange(len(val)), val.labels]
        assert measured["val NLL"] == pytest.approx(-np.log(of_label).mean(), abs=1e-6)
        assert described["architecture"] == NETWORKS[name].architecture
        assert (described["epochs"], described["num_train"], described["affine"]) == (2, 200, True)
    assert evaluation.count_members(zoo.load("pair")) == 2
    assert not [path for path in (folders / "unfinished").iterdir() if path.is_dir()]
    assert {path.suffix for path in zoo.FOLDER.iterdir()} == {".json", ".safetensors"}


def test_an_interrupted_training_goes_on(folders, monkeypatch):
    affine, calls = augmentation.random_affine, []

    def change(images):
        calls.append(len(images))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return affine(images)

    monkeypatch.setattr(augmentation, "random_affine", change)
    with pytest.raises(KeyboardInterrupt):
        command(monkeypatch, "first")
    assert make_zoo.read_manifest()["networks"] == {}
    assert (folders / "unfinished" / "first" / "last.ckpt").exists()
    command(monkeypatch, "first")
    assert calls == [128, 72, 128, 128, 72]  # the second epoch again, the first one not
    assert zoo.names() == ["first"]


def test_what_is_stored_is_trained_again_on_demand_or_if_its_weights_are_gone(folders, monkeypatch):
    trained = []
    monkeypatch.setattr(make_zoo, "train_one", lambda name, recipe: trained.append(name))
    zoo.FOLDER.mkdir()
    (zoo.FOLDER / "first.safetensors").write_bytes(b"weights")
    sha256 = make_zoo.hashlib.sha256(b"weights").hexdigest()
    entry = {**dataclasses.asdict(TINY), "sha256": sha256}
    make_zoo.update_manifest(dict.fromkeys(("first", "second"), entry))
    command(monkeypatch, "first", "second")
    assert trained == ["second"]
    command(monkeypatch, "--again", "first")
    assert trained == ["second", "first"]
    (zoo.FOLDER / "first.safetensors").write_bytes(b"damaged")
    command(monkeypatch, "first")
    assert trained == ["second", "first", "first"]
    (zoo.FOLDER / "first.safetensors").write_bytes(b"weights")
    make_zoo.update_manifest({"first": entry | {"epochs": 1}})  # a first version, of a short recipe
    command(monkeypatch, "first")
    assert trained == ["second", "first", "first", "first"]


def test_a_short_first_version_is_trained_by_the_short_recipe(folders, monkeypatch):
    monkeypatch.setattr(make_zoo, "SHORT", dataclasses.replace(TINY, epochs=1))
    command(monkeypatch, "--short", "first")
    assert zoo.facts("first")["epochs"] == 1
    assert not make_zoo.is_stored("first", TINY)


def test_only_what_a_chapter_draws_keeps_its_log(folders, monkeypatch):
    networks = NETWORKS | {"first": dataclasses.replace(NETWORKS["first"], keeps_log=True)}
    monkeypatch.setattr(make_zoo, "NETWORKS", networks)
    command(monkeypatch, "first", "second")
    assert "val/cls/NLL" in zoo.log("first").read_text()
    with pytest.raises(zoo.ZooError):
        zoo.log("second")


def test_the_shipped_zoo_is_the_registry():
    for name, network in registry.NETWORKS.items():
        assert make_zoo.is_stored(name, network.recipe), name
        described = zoo.facts(name)
        assert (described["architecture"], described["seed"]) == (
            network.architecture,
            network.seed,
        )
    assert {path.stem for path in zoo.FOLDER.glob("*.safetensors")} == set(registry.NETWORKS)
    kept = {name for name, network in registry.NETWORKS.items() if network.keeps_log}
    assert {path.stem for path in zoo.FOLDER.glob("*.csv")} == kept
    manifest = make_zoo.read_manifest()
    assert list(manifest["networks"]) == list(registry.NETWORKS)
    members = {name: list(one.members) for name, one in registry.ENSEMBLES.items()}
    assert manifest["ensembles"] == members


def test_the_manifest_is_extended_in_the_order_of_the_list(folders):
    make_zoo.update_manifest({"packed": {"seed": 0}})
    make_zoo.update_manifest({"first": {"seed": 0}})
    make_zoo.update_manifest({"first": {"seed": 7}})
    manifest = make_zoo.read_manifest()
    assert manifest["version"] == zoo.VERSION
    assert list(manifest["networks"].items()) == [("first", {"seed": 7}), ("packed", {"seed": 0})]
    assert manifest["ensembles"] == {}
    make_zoo.update_manifest({"second": {}})
    assert make_zoo.read_manifest()["ensembles"] == {"pair": ["first", "second"]}


def add_each(names):
    for name in names:
        make_zoo.update_manifest({name: {}})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes share the patched names by fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_processes_at_once_lose_no_entry(folders, monkeypatch):
    names = [f"network-{number}" for number in range(40)]
    monkeypatch.setattr(make_zoo, "NETWORKS", dict.fromkeys(names))
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=add_each, args=(names[half::2],)) for half in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert list(make_zoo.read_manifest()["networks"]) == names


def test_an_unknown_name_is_one_sentence(folders, monkeypatch):
    with pytest.raises(SystemExit, match=r"Unknown: third\. The zoo trains first, second, packed"):
        command(monkeypatch, "third")


def test_modest_digits_are_the_first_of_each_class_and_those_of_the_stored_networks():
    train = load_mnist("train")
    few = train.subset(registry.positions_of(train.labels, 200))
    assert np.bincount(few.labels).tolist() == [20] * 10
    zeros = train.images[train.labels == 0][:20]
    np.testing.assert_array_equal(few.images[few.labels == 0], zeros)
    modest = train.subset(registry.positions_of(train.labels, registry.MODEST.num_train))
    assert modest.content_hash == zoo.facts("modest-lenet-0")["data_hash"]
