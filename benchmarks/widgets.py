"""How long after a key press a widget is painted, beside the usual `interact` pattern.

    python -m benchmarks.widgets [--presses 25] [--json benchmarks/widgets.json]

In one JupyterLab, in turns, with 10,000 images, 8 members and 3 models: a key is pressed on the
slider of the risk-coverage explorer, and on that of an `interact` function that draws the same
figure anew. The clock runs in the page, from the time stamp of the key press to the
end of the frame in which the widget has changed, or in which the new picture is there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pandas as pd

from benchmarks.harness import REPOSITORY, write_record

sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "tests" / "browser")]

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

whole = pretend(10_000, 8, 6, 0)
models = {"LeNet": whole.subset([0]), "PE-4": whole.subset(range(4)), "DE-8": whole}
images = np.random.default_rng(1).integers(0, 256, (10_000, 28, 28)).astype(np.uint8)
"""
CELLS = {
    "explorer": """
from course_utils.widgets import risk_coverage_explorer
risk_coverage_explorer(models, images)
""",
    "explorer, interact": """
import ipywidgets
from course_utils import figures
from course_utils.metrics import scores, selective
curves = {name: selective.risk_coverage(scores.max_probability(one), one.correct)
          for name, one in models.items()}
def explore(coverage):
    threshold = curves["LeNet"].threshold_for_coverage(coverage / 100)
    display(figures.risk_coverage_curves(curves, operating_points={"LeNet": threshold}))
ipywidgets.interact(explore, coverage=ipywidgets.FloatSlider(80, min=0, max=100, step=0.1));
""",
}
WATCH = """
(cell) => {
  const home = document.querySelectorAll('.jp-CodeCell')[cell].querySelector('.jp-OutputArea');
  const times = window.times = {pressed: 0, painted: 0};
  window.stopWatching?.();
  const pressed = (event) => { times.pressed = event.timeStamp; };
  home.addEventListener('keydown', pressed, true);
  // a task of its own comes after the frame in which it was asked for
  const painted = () => setTimeout(() => {
    home.getBoundingClientRect();
    times.painted ||= performance.now();
  });
  const observer = new MutationObserver(changes => {
    if (!times.pressed) return;
    for (const { target, addedNodes } of changes) {
      if (target.parentElement?.closest('.course-widget svg')) painted();
      for (const node of addedNodes) {
        const image = node.querySelector?.('img');
        if (image) image.decode().then(() => requestAnimationFrame(painted));
      }
    }
  });
  observer.observe(home, {subtree: true, childList: true, attributes: true, characterData: true});
  window.stopWatching = () => {
    observer.disconnect();
    home.removeEventListener('keydown', pressed, true);
  };
}
"""
IDLE = "jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status === 'idle'"


def press(page: Any, cell: int) -> float:
    """Milliseconds from one key press on a slider to the paint."""
    handle = page.locator(".jp-CodeCell").nth(cell).locator("input[type=range], .noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    page.wait_for_timeout(150)
    page.evaluate(WATCH, cell)
    page.keyboard.press("ArrowRight")
    page.wait_for_function("window.times.painted > window.times.pressed", timeout=20_000)
    page.wait_for_timeout(250)
    page.wait_for_function(IDLE)
    times = page.evaluate("window.times")
    return times["painted"] - times["pressed"]


def in_the_page(presses: int) -> list[dict[str, Any]]:
    """Measure both in one JupyterLab, in turns."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            lab.write("latency", [DATA, *CELLS.values()])
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            run_all(page, lab.address, "latency")
            ours, usual = 1, 2
            for cell in (ours, usual):
                press(page, cell)  # first drawings are not counted
            taken: dict[int, list[float]] = {ours: [], usual: []}
            for _ in range(presses):
                for cell in (ours, usual):
                    taken[cell].append(press(page, cell))
            page.close()
        finally:
            browser.close()
            lab.close()
    return [
        {
            "widget": name,
            "median ms": median(taken[cell]),
            "p90 ms": quantiles(taken[cell], n=10)[-1],
        }
        for name, cell in (("the course's explorer", ours), ("interact", usual))
    ]


def main() -> int:
    """Measure, print and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--presses", type=int, default=25)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if CHROMIUM is None:
        print("There is no Chromium, so there is no page to measure.", file=sys.stderr)
        return 1
    rows = in_the_page(options.presses)
    print(pd.DataFrame(rows).round(1).to_string(index=False))
    write_record(options.json, page=rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
