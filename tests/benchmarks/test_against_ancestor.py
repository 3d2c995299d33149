"""The benchmark says what it measured: ratios from the right numbers, and a run from end to end."""

from __future__ import annotations

import json

import psutil
import pytest
import torch

from benchmarks import against_ancestor, ancestor, tasks
from benchmarks.harness import Side, tree_memory
from course_utils.images import batches, load_mnist
from course_utils.networks import evaluation, training
from course_utils.networks.models import LeNet


def _side(fit: float, test: float, accuracy: float) -> dict[str, float]:
    return {
        "fit_seconds": fit,
        "fit_cpu_seconds": fit * 2,
        "test_seconds": test,
        "val_accuracy": accuracy,
        "test_accuracy": accuracy - 0.01,
        "ood_auroc": 0.9,
    }


def _measured() -> dict:
    """Two repeats with round numbers; the second on a machine three times as slow."""
    rows = []
    for repeat, slow in enumerate((1, 3)):
        for name, factor in (("LeNet", 1), ("DE-2", 2), ("PE-4", 4)):
            rows.append(
                {
                    "repeat": repeat,
                    "model": name,
                    "ancestor": _side(30 * factor * slow, 6 * slow, 0.8),
                    "course": _side(5 * factor * slow, 1 * slow, 0.98) | {"num_steps": 90},
                    # PE-4 never came so far in the second repeat
                    "reach_seconds": None if (name, repeat) == ("PE-4", 1) else 2 * slow,
                }
            )
    memory = {"ancestor": 900.0, "course": 700.0}
    return {
        "device": "CPU",
        "threads": 1,
        "digits": 55_000,
        "epochs": 3,
        "repeats": 2,
        "workers": [8, 4],
        "rows": rows,
        "peak_memory_mb": memory,
    }


def test_ratios_come_from_the_right_numbers():
    summary = against_ancestor.summarise(_measured())
    models = summary["models"]
    assert models["LeNet"]["fit_ratio"] == models["DE-2"]["test_ratio"] == 6
    assert models["LeNet"]["reach_ratio"] == 15
    assert models["PE-4"]["reach_ratio"] is None  # not the median of the repeats that came so far
    assert models["PE-4"]["course_fit_seconds"] == 40
    # (30 + 60 + 120 + 18) / (5 + 10 + 20 + 3) in both repeats
    assert summary["whole"]["ratio"] == pytest.approx(228 / 38)


def test_the_report_names_what_never_came():
    measured = _measured()
    words = against_ancestor.report(measured, against_ancestor.summarise(measured))
    assert "6.00 times faster (goal: 3.5)" in words
    assert "LeNet: 15.0 times sooner" in words
    assert "PE-4: not reached in every repeat" in words
    assert "900 MB against 700 MB" in words


def test_reach_stops_above_the_target_with_the_clock_paused(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(tasks, "wall_clock", lambda: float(next(clock)))
    val = load_mnist("val")
    accuracies = iter([0.3, 0.5, 0.7, 0.9])
    reach = tasks.Reach(val, 0.5, every=2)
    monkeypatch.setattr(reach, "_look", lambda routine: next(accuracies))
    torch.manual_seed(0)
    training.fit(
        LeNet(), load_mnist("train"), val,
        name="LeNet", folder=tmp_path, epochs=1, callbacks=[reach],
    )  # fmt: skip
    # 0.5 is not above 0.5: the third look stops
    assert next(accuracies) == 0.9
    # the clock was read at 0; 10 and 20 (first look), 30 and 40, then 50: two pauses of 10
    assert reach.seconds == 50 - 2 * 10


def test_reach_sees_the_accuracy_of_the_mean_of_the_members(monkeypatch):
    val = load_mnist("val").subset(slice(0, 300))
    model = tasks._build("PE-4", 0).train()
    routine = training.CourseRoutine(
        model, num_classes=10, is_ensemble=True, format_batch_fn=training.RepeatTarget(4)
    )
    expected = evaluation.predict(model, val).correct.mean()
    assert tasks.Reach(val, 2.0, 1)._look(routine) == pytest.approx(expected)
    assert model.training


def test_both_sides_see_the_same_digits():
    train = load_mnist("train").subset(slice(0, 40))
    inputs, labels = next(iter(ancestor.evaluation_loader(train, workers=0)))
    ours, our_labels = next(iter(batches(train, 40)))
    torch.testing.assert_close(inputs, ours)
    assert torch.equal(labels, our_labels)


def test_the_ancestors_schedule_is_ignored_as_published():
    recipe = ancestor.optim_recipe(LeNet(), 4)
    assert recipe["optimizer"].param_groups[0]["lr"] == pytest.approx(0.2)
    assert recipe["optimizer"].param_groups[0]["momentum"] == 0
    assert "lr_scheduler" not in recipe


def test_a_side_reports_failures_and_memory():
    with Side("test") as side:
        assert side.run(pow, base=2, exp=5) == 32
        with pytest.raises(RuntimeError, match=r"test failed:(.|\n)*ZeroDivisionError"):
            side.run(divmod_of, numerator=1, denominator=0)
        assert side.run(divmod_of, numerator=7, denominator=2) == (3, 1)  # it lives on
        assert tree_memory(psutil.Process(side._process.pid)) > 10


def divmod_of(numerator: int, denominator: int) -> tuple[int, int]:
    return divmod(numerator, denominator)


@pytest.mark.slow
def test_a_run_from_end_to_end_on_few_digits(tmp_path):
    path = against_ancestor.main(
        ["--digits", "1280", "--repeats", "1", "--epochs", "1", "--threads", "1",
         "--workers", "0", "0", "--folder", str(tmp_path)]
    )  # fmt: skip
    record = json.loads(path.read_text())
    assert (record["measured"]["digits"], record["measured"]["threads"]) == (1280, 1)
    rows = record["measured"]["rows"]
    assert [row["model"] for row in rows] == list(against_ancestor.MODELS)
    assert all(row["course"]["num_steps"] == 10 for row in rows)
    assert record["measured"]["peak_memory_mb"]["course"] > 100
    recomputed = against_ancestor.summarise(record["measured"])
    assert json.loads(json.dumps(recomputed)) == record["summary"]
