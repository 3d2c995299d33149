"""Training curves from CSV files, DataFrames and mappings."""

from __future__ import annotations

import numpy as np
import pytest
from figure_examples import LOGS

from course_utils import figures
from course_utils.figures.training import MOST_POINTS, read_log

CSV = """epoch,step,train_loss,val/cls/Acc,note
0,10,2.0,,a
0,20,,0.5,b
1,30,1.0,,c
1,40,,0.75,d
"""


def test_a_csv_log_of_lightning_is_read_with_its_gaps(tmp_path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(CSV)
    log = read_log(path)
    assert set(log) == {"epoch", "step", "train_loss", "val/cls/Acc"}
    np.testing.assert_array_equal(log["train_loss"], [2, np.nan, 1, np.nan])
    picture = figures.training_curves({"LeNet": path})
    loss, accuracy = picture.figure.axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [[1, 2], [2, 1]])
    np.testing.assert_array_equal(accuracy.lines[0].get_xydata(), [[1, 50], [2, 75]])
    assert "training loss at the end: LeNet 1" in picture.alt
    assert "validation accuracy at the end: LeNet 75.0 %" in picture.alt


def test_a_data_frame_draws_the_same_as_a_mapping() -> None:
    pandas = pytest.importorskip("pandas")
    frames = {name: pandas.DataFrame(log) for name, log in LOGS.items()}
    assert figures.training_curves(frames).png() == figures.training_curves(LOGS).png()


def test_one_panel_per_metric_one_line_per_run_one_legend() -> None:
    picture = figures.training_curves(LOGS, metrics={"train_loss": "loss", "val/cls/NLL": "NLL"})
    assert [axes.get_title(loc="left") for axes in picture.figure.axes] == ["loss", "NLL"]
    for axes, column in zip(picture.figure.axes, ("train_loss", "val/cls/NLL"), strict=True):
        for line, (name, log) in zip(axes.lines, LOGS.items(), strict=True):
            assert line.get_label() == name
            np.testing.assert_allclose(line.get_ydata(), log[column])
            looks = figures.style.model_styles([name])[name]
            assert (line.get_color(), line.get_marker()) == (looks.color, looks.marker)
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(LOGS)


def test_a_run_without_a_metric_is_left_out_of_its_panel() -> None:
    logs = {"LeNet": LOGS["LeNet"], "DE-8": {"epoch": [0, 1], "train_loss": [1.0, 0.5]}}
    loss, nll, _ = figures.training_curves(logs).figure.axes
    assert len(loss.lines) == 2 and len(nll.lines) == 1


def test_one_epoch_is_drawn() -> None:
    picture = figures.training_curves({"LeNet": {"epoch": [0], "train_loss": [0.7]}})
    np.testing.assert_array_equal(picture.figure.axes[0].lines[0].get_xydata(), [[1, 0.7]])


@pytest.mark.parametrize(
    ("logs", "metrics", "sentence"),
    [
        ({}, None, "dictionary from model names"),
        ({"LeNet": {"epoch": [], "train_loss": []}}, None, "holds no numbers"),
        ({"LeNet": {"epoch": [0], "train_loss": [np.nan]}}, None, "hold no value"),
        ({"LeNet": {"epoch": [0, 1], "train_loss": [1]}}, None, "different lengths"),
        ({"LeNet": {"train_loss": [1]}}, None, "no column 'epoch'"),
        (LOGS, ["val/AUC"], "No log has the column 'val/AUC'; there are epoch"),
        ({"LeNet": "missing.csv"}, None, r"no training log 'missing\.csv' for LeNet"),
    ],
)
def test_bad_logs_are_named(logs, metrics, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.training_curves(logs, metrics=metrics)


def test_a_million_steps_become_a_line_of_few_points_with_every_peak() -> None:
    values = np.ones(1_000_000)
    peaks = [3, 123_456, 999_998]
    values[peaks] = [9.0, -5.0, 7.0]
    log = {"step": np.arange(1_000_000), "train_loss": values}
    picture = figures.training_curves({"LeNet": log}, x="step")
    x, y = picture.figure.axes[0].lines[0].get_data()
    assert len(x) <= MOST_POINTS
    assert (x[0], x[-1]) == (0, 999_999)
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(y, values[x.astype(int)])
    assert set(peaks) <= set(x)
