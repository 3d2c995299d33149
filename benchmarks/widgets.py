"""How long after a key press a widget is painted, beside the usual `interact` pattern.

    python benchmarks/widgets.py [--presses 25] [--json benchmarks/widgets.json]

In one JupyterLab, in turns, with 10,000 images, 8 members and 3 models: a key is pressed on a
slider of the course's widget, and on one of an `interact` function that draws the same main figure
anew by `plt.show`. The clock runs in the page, from the key press to the frame after the new
picture is in it. Then 30 key presses at once: how long the last picture takes after the last press,
and in how many frames between there was no picture. On the drawing pad the clock runs from the pen
that is lifted to the answer of eight networks. Then the kernel's part alone, for growing numbers of
images and members.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / part) for part in (".", "tests", "tests/browser")]

from driving import CHROMIUM, FLAGS, Lab, run_all  # noqa: E402

DATA = """
import numpy as np
from course_utils.metrics.predictions import Predictions

def pretend(count, members, skill, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    logits = generator.normal(size=(count, 1, 10)) * 1.6
    logits = logits + 0.7 * generator.normal(size=(count, members, 10))
    logits[np.arange(count), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)

def three(count, members):
    whole = pretend(count, members, 6, 0)
    return {"LeNet": whole.subset([0]), "PE-4": whole.subset(range((members + 1) // 2)),
            "DE-8": whole}
"""
SETUP = """
models = three(10_000, 8)
images = np.random.default_rng(1).integers(0, 256, (10_000, 28, 28)).astype(np.uint8)
"""
CELLS = {
    "explorer": """
from course_utils.widgets import risk_coverage_explorer
risk_coverage_explorer(models, images)
""",
    "explorer, interact": """
import matplotlib.pyplot as plt
import ipywidgets
from course_utils import figures, scores, selective
uncertainty = {name: scores.max_probability(one) for name, one in models.items()}
curves = {name: selective.risk_coverage(uncertainty[name], one.correct)
          for name, one in models.items()}
def explore(coverage):
    threshold = curves["LeNet"].threshold_for_coverage(coverage / 100)
    figures.risk_coverage_curves(curves, operating_points={"LeNet": threshold},
                                 figure=plt.figure())
    plt.show()
ipywidgets.interact(explore, coverage=ipywidgets.FloatSlider(80, min=0, max=100, step=0.1));
""",
    "desk": """
from course_utils.widgets import abstention_desk
abstention_desk(models, models, images=images)
""",
    "desk, interact": """
def desk(coverage, cost):
    thresholds = {"LeNet": curves["LeNet"].threshold_for_coverage(coverage / 100)}
    costs = {name: selective.cost_curve(uncertainty[name], one.correct, cost, 1)
             for name, one in models.items()}
    figures.cost_curves(costs, thresholds=thresholds, unit="euros", figure=plt.figure())
    plt.show()
ipywidgets.interact(desk, coverage=ipywidgets.FloatSlider(80, min=0, max=100, step=0.1),
                    cost=ipywidgets.BoundedFloatText(10, min=0, max=100, step=1));
""",
    "disagreement": """
from course_utils.widgets import disagreement_explorer
strange = pretend(10_000, 8, 0, 3)
ood = {"LeNet": strange.subset([0]), "PE-4": strange.subset(range(4)), "DE-8": strange}
disagreement_explorer(dict(reversed(models.items())), images,
                      ood=ood, ood_images=images)
""",
    "disagreement, interact": """
order = np.argsort(-scores.mutual_information(models["DE-8"]))
strangest = int(scores.mutual_information(strange).argmax())
def disagree(place, **members):
    on = list(members.values())
    for one, index in ((models["DE-8"], order[place]), (strange, strangest)):
        figures.disagreement_sheet(images[index], one.probabilities[index],
                                   label=int(one.labels[index]), active=on, upright=True,
                                   figure=plt.figure())
    plt.show()
boxes = {f"member {number}": ipywidgets.Checkbox(True) for number in range(1, 9)}
ipywidgets.interact(disagree, place=ipywidgets.IntSlider(0, min=0, max=9_999), **boxes);
""",
}
WATCH = """
(cell) => {
  const home = document.querySelectorAll('.jp-CodeCell')[cell].querySelector('.jp-OutputArea');
  const times = window.times = {pressed: 0, painted: 0, blank: 0, frames: 0};
  window.stopWatching?.();
  const pressed = () => { times.pressed = performance.now(); };
  home.addEventListener('keydown', pressed, true);
  const painted = () => requestAnimationFrame(() => setTimeout(() => {
    times.painted = performance.now();
  }));
  const observer = new MutationObserver(changes => {
    for (const change of changes) {
      if (change.attributeName === 'data-turn') painted();
      for (const node of change.addedNodes) {
        const image = node.querySelector?.('img');
        if (image && !image.closest('.course-picture')) image.decode().then(painted);
      }
    }
  });
  observer.observe(home, {subtree: true, childList: true, attributeFilter: ['data-turn']});
  let running = true;
  const frame = () => {
    const image = home.querySelector('img');
    times.frames += 1;
    if (!image || !image.complete || !image.naturalWidth) times.blank += 1;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.stopWatching = () => {
    running = false;
    observer.disconnect();
    home.removeEventListener('keydown', pressed, true);
  };
}
"""
PAD = """
from torch_uncertainty.methods import deep_ensembles
from course_utils.images.centring import as_mnist
from course_utils.networks import zoo
from course_utils.networks.predictor import predictor_of
from course_utils.widgets import drawing_pad
eight = deep_ensembles([zoo.load(f"lenet-{number}") for number in range(8)])
drawing_pad(predictor_of(eight), centring=as_mnist)
"""
WATCH_PEN = """
() => {
  const times = window.times = {lifted: 0, painted: 0};
  document.querySelector('.course-pad canvas').addEventListener(
    'pointerup', () => { times.lifted = performance.now(); }, true);
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    times.painted = performance.now();
  }))).observe(document.querySelector('.course-picture img'), {attributeFilter: ['data-turn']});
}
"""
IDLE = "jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status === 'idle'"


def control(page: Any, cell: int, kind: str) -> Any:
    """The slider handle, number box or checkbox of a cell's widget."""
    selector = ".noUi-handle" if kind == "slider" else f"input[type={kind}]"
    return page.locator(".jp-CodeCell").nth(cell).locator(selector).first


def press(page: Any, cell: int, kind: str, key: str) -> float:
    """Milliseconds from one key press to the paint."""
    handle = control(page, cell, kind)
    handle.scroll_into_view_if_needed()
    handle.focus()
    page.wait_for_timeout(150)
    page.evaluate(WATCH, cell)
    page.keyboard.press(key)
    page.wait_for_function("window.times.painted > window.times.pressed", timeout=20_000)
    page.wait_for_timeout(250)
    page.wait_for_function(IDLE)
    times = page.evaluate("window.times")
    return times["painted"] - times["pressed"]


def burst(page: Any, cell: int, presses: int = 30) -> tuple[float, int]:
    """Milliseconds from the last of many key presses to the last paint, and blank frames."""
    handle = control(page, cell, "slider")
    handle.focus()
    page.wait_for_timeout(300)
    page.evaluate(WATCH, cell)
    handle.evaluate(
        """(handle, presses) => {
            for (let i = 0; i < presses; i++)
                handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'Left', bubbles: true}));
        }""",
        presses,
    )
    page.wait_for_timeout(3000)
    times = page.evaluate("window.times")
    return times["painted"] - times["pressed"], times["blank"]


def percentile(values: list[float], share: float) -> float:
    """A percentile of a few values."""
    return float(np.percentile(values, 100 * share))


def in_the_page(presses: int) -> list[dict[str, Any]]:
    """Measure all widgets and their counterparts in one JupyterLab, in turns."""
    from playwright.sync_api import sync_playwright

    pairs = [
        ("explorer: coverage", 2, 3, "slider"),
        ("desk: coverage", 4, 5, "slider"),
        ("desk: cost", 4, 5, "number"),
        ("disagreement: place", 6, 7, "slider"),
        ("disagreement: member", 6, 7, "checkbox"),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            lab.write("latency", [DATA, SETUP, *CELLS.values()])
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            run_all(page, lab.address, "latency")
            for name, ours, usual, kind in pairs:
                key = {"number": "ArrowUp", "slider": "ArrowRight", "checkbox": "Space"}[kind]
                for cell in (ours, usual):
                    press(page, cell, kind, key)  # first drawings are not counted
                taken: dict[int, list[float]] = {ours: [], usual: []}
                for _ in range(presses):
                    for cell in (ours, usual):
                        taken[cell].append(press(page, cell, kind, key))
                row = {
                    "widget": name,
                    "median ms": median(taken[ours]),
                    "p90 ms": percentile(taken[ours], 0.9),
                    "interact median ms": median(taken[usual]),
                    "interact p90 ms": percentile(taken[usual], 0.9),
                    "ratio": median(taken[ours]) / median(taken[usual]),
                }
                if kind == "slider":
                    row["burst of 30 ms"], row["blank frames"] = burst(page, ours)
                rows.append(row)
            page.close()
        finally:
            browser.close()
            lab.close()
    return rows


def pen_in_the_page(strokes: int) -> list[dict[str, Any]]:
    """From the pen that is lifted to the painted answer to the whole drawing, 8 LeNets."""
    from playwright.sync_api import sync_playwright

    generator = np.random.default_rng(0)
    taken = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            lab.write("pad", [PAD])
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            run_all(page, lab.address, "pad")
            page.locator(".course-picture img[data-turn]").wait_for()
            page.evaluate(WATCH_PEN)
            box = page.locator(".course-pad canvas").bounding_box()
            corner, size = np.array([box["x"], box["y"]]), box["width"]
            for stroke in range(strokes + 1):
                start, end = corner + size * generator.uniform(0.1, 0.9, (2, 2))
                page.mouse.move(*start)
                page.mouse.down()
                page.mouse.move(*end, steps=25)
                page.mouse.up()
                page.wait_for_timeout(800)
                page.wait_for_function(IDLE)
                times = page.evaluate("window.times")
                if stroke:  # the first one is not counted
                    taken.append(times["painted"] - times["lifted"])
                if stroke % 4 == 3:
                    page.get_by_role("button", name="Clear").click()
                    page.wait_for_timeout(400)
            page.close()
        finally:
            browser.close()
            lab.close()
    row = {"widget": "pad: pen up", "median ms": median(taken), "p90 ms": percentile(taken, 0.9)}
    return [row]


def in_the_kernel() -> list[dict[str, Any]]:
    """Milliseconds of the kernel for one move of a slider, for growing data."""
    names: dict[str, Any] = {}
    exec(DATA, names)
    from course_utils.widgets import abstention_desk, risk_coverage_explorer

    rows = []
    for count, members in [(10**3, 8), (10**4, 8), (10**5, 8), (10**6, 1), (10**4, 1), (10**4, 32)]:
        models = (
            names["three"](count, members)
            if members > 1
            else {"LeNet": names["pretend"](count, 1, 6, 0)}
        )
        row: dict[str, Any] = {"images": count, "members": members}
        for name, make in (("explorer", risk_coverage_explorer), ("desk", abstention_desk)):
            start = time.perf_counter()
            made = make(models)
            row[f"{name} first ms"] = 1000 * (time.perf_counter() - start)
            taken = []
            for value in np.linspace(60, 99, 9):
                start = time.perf_counter()
                made.coverage.value = value
                taken.append(1000 * (time.perf_counter() - start))
            row[f"{name} move ms"] = median(taken)
            made.close()
        rows.append(row | disagreement_in_the_kernel(models, count))
    return rows


def disagreement_in_the_kernel(models: dict[str, Any], count: int) -> dict[str, float]:
    """Milliseconds to open two sheets, to go to the next digit and to switch a member."""
    from course_utils.widgets import disagreement_explorer

    models = dict(reversed(models.items()))  # opens on the first
    images = np.broadcast_to(np.arange(784, dtype=np.uint8).reshape(28, 28), (count, 28, 28))
    start = time.perf_counter()
    made = disagreement_explorer(models, images, ood=models, ood_images=images)
    row = {"disagreement first ms": 1000 * (time.perf_counter() - start)}
    for name, control, values in (
        ("place", made.sides[0].place, range(2, 11)),
        ("member", made.members[0], [False, True] * 5),
    ):
        taken = []
        for value in values:
            start = time.perf_counter()
            control.value = value
            taken.append(1000 * (time.perf_counter() - start))
        row[f"disagreement {name} ms"] = median(taken)
    made.close()
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as an aligned table."""
    heads = list(dict.fromkeys(head for row in rows for head in row))

    def cell(value: Any) -> str:
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    lines = [heads, *([cell(row.get(head, "")) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
        for line in lines
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=25)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    growth = in_the_kernel()
    print(table(growth), flush=True)
    if CHROMIUM is None:
        print("The page is not measured: there is no Chromium.")
        page = []
    else:
        page = in_the_page(options.presses) + pen_in_the_page(options.presses)
        print(table(page))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": platform.platform(), "page": page, "growth": growth}
    options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
