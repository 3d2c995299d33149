"""The trained networks: all load, none is taken unchecked, and they are as good as recorded."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
import torch

from course_utils.images import load_mnist
from course_utils.networks import evaluation, zoo
from course_utils.networks.models import LeNet, PackedLeNet

MB = 1_000_000
FILES = {".safetensors", ".csv", ".json"}  # no pickle: loading one can run anything


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A zoo of one network that a test may damage."""
    whole = zoo.FOLDER
    name = "short-lenet"
    manifest = json.loads((whole / "manifest.json").read_text())
    manifest["networks"] = {name: manifest["networks"][name]}
    manifest["ensembles"] = {"pair": [name, name]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    for suffix in (".safetensors", ".csv"):
        shutil.copyfile(whole / f"{name}{suffix}", tmp_path / f"{name}{suffix}")
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    return tmp_path


def rewrite(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_every_network_loads_ready_to_predict():
    for name in zoo.names():
        model = zoo.load(name)
        assert not model.training, name
        described = zoo.facts(name)
        num_members = evaluation.count_members(model)
        outputs = model(torch.zeros(2, 1, 28, 28))
        assert outputs.shape == (2 * num_members, 10), name
        assert outputs.isfinite().all(), name
        if "members" in described:
            assert num_members == len(described["members"]), name


def test_every_network_has_its_history():
    for name in zoo.names():
        described = zoo.facts(name)
        assert described["name"] == name
        assert described["epochs"] >= 1 and described["seconds"] > 0, name
        assert {"torch", "torch-uncertainty", "lightning"} <= set(described["versions"]), name
        assert {"seed", "device", "data_hash", "num_train", "metrics"} <= set(described), name


def test_no_pickle_and_no_more_than_six_megabytes():
    # A file that starts with a dot is one that is being written at this moment.
    files = [path for path in zoo.FOLDER.iterdir() if not path.name.startswith(".")]
    assert {path.suffix for path in files} <= FILES
    assert sum(path.stat().st_size for path in files) <= 6 * MB


@pytest.mark.parametrize(
    "name", ["short-lenet", "short-packed-4", "modest-lenet-0", "modest-packed-4", "lenet-0"]
)
def test_recorded_accuracy_is_reproduced(name):
    if name not in zoo.names():
        pytest.skip(f"{name} is not in the zoo yet")
    recorded = zoo.facts(name)["metrics"]["val accuracy"]
    digits = load_mnist("val")
    predictions = evaluation.predict(zoo.load(name), digits)
    # other processors round differently: one digit may stand on the edge
    assert predictions.correct.mean() == pytest.approx(recorded, abs=1.5 / len(digits))


def test_log_of_a_short_training():
    assert zoo.log("short-lenet").read_text().startswith("epoch,")
    with pytest.raises(zoo.ZooError, match=r"no training log for 'modest-lenet-0'"):
        zoo.log("modest-lenet-0")


# Bad input


def test_unknown_name_lists_the_known_ones(copy):
    for ask in (zoo.load, zoo.facts):
        with pytest.raises(zoo.ZooError, match=r"no 'resnet'\. It has: short-lenet, pair\."):
            ask("resnet")


def test_one_flipped_byte_anywhere_is_noticed(copy):
    path = copy / "short-lenet.safetensors"
    content = path.read_bytes()
    for position in (0, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        for name in ("short-lenet", "pair"):
            with pytest.raises(zoo.ZooError, match=r"short-lenet\.safetensors differ .*git"):
                zoo.load(name)


def test_truncated_and_missing_weights(copy):
    path = copy / "short-lenet.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(zoo.ZooError, match="differ from the recorded ones: get the file again"):
        zoo.load("short-lenet")
    path.unlink()
    with pytest.raises(zoo.ZooError, match="are missing: get the file again"):
        zoo.load("short-lenet")


def test_truncated_weights_are_noticed_without_a_hash_too(copy):
    path = copy / "short-lenet.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(zoo.ZooError, match="not a safetensors file, or a damaged one"):
        zoo.load_weights(LeNet(), path)
    path.write_bytes(b"")
    with pytest.raises(zoo.ZooError, match="not a safetensors file, or a damaged one"):
        zoo.load_weights(LeNet(), path)


def test_weights_of_another_architecture(copy):
    with pytest.raises(zoo.ZooError, match="another architecture than PackedLeNet"):
        zoo.load_weights(PackedLeNet(), copy / "short-lenet.safetensors")
    with pytest.raises(zoo.ZooError, match="another architecture than LeNet"):
        zoo.load_weights(LeNet(num_classes=5), copy / "short-lenet.safetensors")


@pytest.mark.parametrize("version", [zoo.VERSION - 1, zoo.VERSION + 1])
def test_manifest_of_another_version(copy, version):
    rewrite(copy, version=version, networks="laid out differently")
    with pytest.raises(
        zoo.ZooError, match=rf"version {version}, this package reads .*same release"
    ):
        zoo.names()


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"version": 1, "networks": {',
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": 1, "networks": {"a": {}}, "ensembles": {}}',
        '{"version": 1, "networks": {"a": 3}, "ensembles": {}}',
        '{"version": 1, "networks": {}, "ensembles": {"pair": ["a", "b"]}}',
    ],
)
def test_broken_manifest(copy, text):
    (copy / "manifest.json").write_text(text)
    for ask in (zoo.names, lambda: zoo.load("short-lenet")):
        with pytest.raises(zoo.ZooError, match=r"manifest\.json, is unreadable: get the file"):
            ask()


def test_missing_manifest_and_its_return(copy):
    kept = (copy / "manifest.json").read_text()
    (copy / "manifest.json").unlink()
    with pytest.raises(zoo.ZooError, match="unreadable"):
        zoo.names()
    (copy / "manifest.json").write_text(kept)
    assert zoo.names() == ["short-lenet", "pair"]


def test_a_network_added_meanwhile_is_seen(copy):
    assert "new" not in zoo.names()
    manifest = json.loads((copy / "manifest.json").read_text())
    content = (copy / "short-lenet.safetensors").read_bytes()
    entry = {"architecture": "lenet", "sha256": hashlib.sha256(content).hexdigest()}
    rewrite(copy, networks={**manifest["networks"], "new": entry})
    (copy / "new.safetensors").write_bytes(content)
    assert "new" in zoo.names()
    assert isinstance(zoo.load("new"), LeNet)


def test_what_a_caller_does_to_the_facts_stays_with_the_caller(copy):
    zoo.facts("short-lenet")["metrics"].clear()
    assert zoo.facts("short-lenet")["metrics"]


# Architectures


@pytest.mark.parametrize(
    ("architecture", "num_members"),
    [
        ("lenet", 1),
        ("deep-ensemble 3", 3),
        ("packed 2 4", 4),
        ("mc-dropout 0.1 5", 5),
        ("batch-ensemble 3", 3),
    ],
)
def test_architectures(architecture, num_members):
    assert evaluation.count_members(zoo.build(architecture)) == num_members


def test_members_of_a_built_ensemble_start_differently():
    first, second = zoo.build("deep-ensemble 2").core_models
    assert not torch.equal(first.fc1.weight, second.fc1.weight)


@pytest.mark.parametrize("architecture", ["packed 2 7", "packed 3 4", "packed 0 4", "packed 2 0"])
def test_packed_settings_that_cannot_build_say_why(architecture):
    with pytest.raises(
        zoo.ZooError, match=f"'{architecture}' cannot be built: .*(divisible|should be)"
    ):
        zoo.build(architecture)


@pytest.mark.parametrize(
    "architecture",
    [
        "",
        "packed 2",
        "packed two 4",
        "packed 2 4 1",
        "deep-ensemble",
        "deep-ensemble 1",
        "mc-dropout 2 4",
        "mc-dropout 0.1",
        "batch-ensemble",
        "batch-ensemble 0",
        "lenet 5",
        "resnet",
    ],
)
def test_descriptions_that_mean_nothing(architecture):
    with pytest.raises(zoo.ZooError, match=f"rchitecture '{architecture}'"):
        zoo.build(architecture)
