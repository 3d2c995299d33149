"""The benchmark says what it measured: ratios from the right numbers, and a run from end to end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import against_ancestor  # noqa: E402
import ancestor  # noqa: E402
import tasks  # noqa: E402
from processes import Side, tree_memory  # noqa: E402

from course_utils import images as data
from course_utils.images import ImagesError, batches, load_mnist
from course_utils.networks import evaluation, training  # noqa: E402
from course_utils.networks.models import LeNet  # noqa: E402


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
                    "floor_seconds": 4 * factor * slow,
                    "floor_cpu_seconds": 8 * factor * slow,
                    "reach": {
                        # PE-4 never came so far in the second repeat
                        "seconds": None if (name, repeat) == ("PE-4", 1) else 2 * slow,
                        "steps": 40,
                        "accuracy": 0.81,
                    },
                }
            )
        rows.append(
            {
                "repeat": repeat,
                "loader_epoch_seconds": 0.5,
                "step_seconds": {
                    "LeNet": [0.010, 0.010, 0.5],
                    "DE-2": [0.018, 0.018, 0.018],
                    "PE-4": [0.016, 0.016, 0.016],
                },
            }
        )
    memory = {"ancestor": 900.0, "course": 700.0}
    return {
        "device": "CPU",
        "threads": 1,
        "source": "full",
        "epochs": 3,
        "repeats": 2,
        "workers": [8, 4],
        "rows": rows,
        "memory_before_mb": {"ancestor": 500.0, "course": 500.0},
        "peak_memory_mb": memory,
    }


def test_ratios_come_from_the_right_numbers():
    summary = against_ancestor.summarise(_measured())
    goals = {goal["goal"]: goal for goal in summary["goals"]}

    assert summary["models"]["LeNet"]["fit_ratio"] == 6
    assert summary["models"]["DE-2"]["test_ratio"] == 6
    assert summary["models"]["DE-2"]["cpu_over_floor"] == 20 / 16
    # (30 + 60 + 120 + 18) / (5 + 10 + 20 + 3) in both repeats
    whole = goals["whole work, times faster"]
    assert whole["value"] == pytest.approx(228 / 38)
    assert whole["reached"] is True
    lenet = goals["sooner to the ancestor's accuracy, times (LeNet)"]
    assert lenet["value"] == 15
    assert lenet["reached"] is True
    packed = goals["sooner to the ancestor's accuracy, times (PE-4)"]
    assert packed["value"] is None  # not the median of the repeats that came so far
    assert packed["reached"] is None
    # one epoch is a third of the median fit of 10 s
    loader = goals["loader's share of a LeNet epoch"]
    assert loader["value"] == pytest.approx(0.5 / (10 / 3))
    assert loader["reached"] is False
    assert goals["fit over its pure computation (PE-4)"]["value"] == 1.25
    assert goals["fit over its pure computation (PE-4)"]["reached"] is False
    assert goals["DE-2 step in LeNet steps"]["value"] == pytest.approx(1.8)
    assert goals["PE-4 step in LeNet steps"]["reached"] is False


def test_the_report_names_misses_and_what_never_came():
    measured = _measured()
    words = against_ancestor.report(measured, against_ancestor.summarise(measured))
    assert "MISSED" in words
    assert "not in the same epochs" in words
    assert "900 MB against 700 MB" in words
    assert "sample" not in words


def test_every_goal_is_judged():
    names = {goal["goal"] for goal in against_ancestor.summarise(_measured())["goals"]}
    for goal in against_ancestor.GOALS:
        assert any(name.startswith(goal) for name in names), goal


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
    assert (reach.steps, reach.accuracy) == (6, 0.7)
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
        assert tree_memory(side._process.pid) > 10


def divmod_of(numerator: int, denominator: int) -> tuple[int, int]:
    return divmod(numerator, denominator)


def test_without_the_full_data_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", "sample")
    with pytest.raises(SystemExit):
        against_ancestor.main([])
    assert "needs the full data, or --sample" in capsys.readouterr().err

    def unavailable(split: str) -> None:
        raise ImagesError("no mirror, no network.")

    monkeypatch.setenv("COURSE_DATA", "auto")
    monkeypatch.setattr(data, "load_mnist", unavailable)
    with pytest.raises(SystemExit, match=r"needs all of MNIST.*no mirror(.|\n)*--sample"):
        against_ancestor.main([])


@pytest.mark.slow
def test_a_run_from_end_to_end_on_the_sample(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", "sample")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent)]))
    path = against_ancestor.main(
        ["--sample", "--repeats", "1", "--epochs", "2", "--threads", "1", "--workers", "2", "1",
         "--folder", str(tmp_path)]
    )  # fmt: skip
    record = json.loads(path.read_text())
    words = capsys.readouterr().out
    assert "this was the sample" in words
    assert record["measured"]["source"] == "sample"
    assert record["measured"]["threads"] == 1
    rows = [row for row in record["measured"]["rows"] if "model" in row]
    assert [row["model"] for row in rows] == list(against_ancestor.MODELS)
    assert all(row["course"]["num_steps"] == 2 * 24 for row in rows)
    assert all(row["floor_seconds"] > 0 for row in rows)
    assert record["measured"]["peak_memory_mb"]["course"] > 100
    recomputed = against_ancestor.summarise(record["measured"])
    assert json.loads(json.dumps(recomputed)) == record["summary"]
