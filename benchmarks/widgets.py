"""How long after a key press each widget is painted, on a laptop and on a slow phone.

    python -m benchmarks.widgets [--presses 40] [--json benchmarks/widgets.json]

Each widget has a page of its own, opened from a file, with the test digits and the answers of three
models, one of them with eight members. The clock of the page runs from the time stamp of an input
to the end of the frame that answers it, layout included, and for the first paint from the start of
the navigation. The phone is Chromium's: 390 pixels wide, its processor slowed down four times.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import REPOSITORY, write_record

sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "tests" / "browser")]

from driving import CHROMIUM, FLAGS  # noqa: E402

DEVICES: dict[str, tuple[int, dict[str, Any]]] = {  # slowdown, and what the page is told
    "laptop": (1, {"viewport": {"width": 1000, "height": 900}}),
    "phone": (4, {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}),
}
# The control of each widget that is moved by keys; the pad is drawn on.
CONTROLS = {
    "risk_coverage_explorer": "input[type=range] >> nth=0",
    "abstention_desk": "input[type=range] >> nth=0",
    "disagreement_explorer": "input[type=range] >> nth=0",
    "misclassified_browser": "input[type=range] >> nth=2",
    "ensemble_builder": "input[type=checkbox] >> nth=2",
    "packed_calculator": "input[type=range] >> nth=0",
    "temperature_slider": "input[type=range] >> nth=0",
    "averaging": "input[type=range] >> nth=0",
    "who_answers": "input[type=range] >> nth=0",
    "drawing_pad": "canvas[tabindex]",
}
WARM = 3  # inputs before the clock counts: the first ones still compile the page's code
WATCH = """
window.taken = {};
// a task of its own comes after the frame in which it was asked for
const painted = then => requestAnimationFrame(() => setTimeout(() => {
    document.body.getBoundingClientRect();
    then(performance.now());
}));
for (const kind of ['keydown', 'pointermove', 'pointerup'])
    addEventListener(kind, event => painted(now => {
        (taken[kind] ??= []).push(now - event.timeStamp);
    }), true);
new MutationObserver((changes, self) => {
    if (!document.querySelector('.course-widget[data-ready]')) return;
    self.disconnect();
    painted(now => { taken.first = now; });
}).observe(document, {subtree: true, childList: true, attributes: true});
"""
SHOWN = "document.querySelector('.cw-words').textContent"


def pretend(labels: np.ndarray, skill: float, seed: int) -> Any:
    """Eight members' answers, right about as often as the course's modest networks."""
    from course_utils.metrics.predictions import Predictions

    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(labels), 1, 10)) * 1.6
    logits = logits + 0.7 * generator.normal(size=(len(labels), 8, 10))
    logits[np.arange(len(labels)), :, labels] += skill
    return Predictions(logits.astype("float32"), labels)


def all_widgets() -> Iterator[tuple[str, Any]]:
    """Every widget by its name, with as much data as a chapter gives it."""
    from course_utils import widgets
    from course_utils.images import load_fashion_mnist, load_mnist
    from course_utils.networks import zoo
    from course_utils.widgets.who_answers import who_answers

    digits, clothes = load_mnist("test"), load_fashion_mnist("test")
    eight, test = (pretend(digits.labels, skill=6, seed=seed) for seed in (0, 1))
    strange = pretend(clothes.labels, skill=0, seed=2)

    def three(whole: Any) -> dict[str, Any]:
        return {"LeNet": whole.subset([0]), "DE-4": whole.subset(range(4)), "DE-8": whole}

    models, strangers = three(eight), three(strange)
    some, few = digits.subset(slice(200)), clothes.subset(slice(100))
    calls = {
        "risk_coverage_explorer": lambda make: make(models, digits),
        "abstention_desk": lambda make: make(
            models, three(test), strangers, images=digits, ood_images=clothes
        ),
        "disagreement_explorer": lambda make: make(
            models, digits, foreign=strangers, foreign_images=clothes
        ),
        "misclassified_browser": lambda make: make(models, digits),
        "ensemble_builder": lambda make: make(eight, strange),
        "packed_calculator": lambda make: make(),
        "temperature_slider": lambda make: make(models["LeNet"]),
        "averaging": lambda make: make(eight, digits),
        "who_answers": lambda make: make(
            {"eight": (eight.take(slice(200)), strange.take(slice(100)))},
            some,
            few,
            stray_names=["clothes"] * 100,
        ),
        "drawing_pad": lambda make: make(zoo.load("deep-ensemble-8"), examples={"digit": digits}),
    }
    for name, call in calls.items():
        yield name, call(who_answers if name == "who_answers" else getattr(widgets, name))


def keys(page: Any, control: Any, presses: int) -> list[float]:
    """Milliseconds from each key press to the paint; a slider turns round at its ends."""
    control.focus()
    box = control.get_attribute("type") == "checkbox"
    ways = cycle(["Space"] if box else ["ArrowRight", "ArrowLeft"])
    way, taken = next(ways), []
    for press in range(2 * presses + WARM):
        before = page.evaluate(SHOWN)
        page.keyboard.press(way)
        page.wait_for_function(f"taken.keydown?.length > {press}")
        page.wait_for_timeout(60)
        if page.evaluate(SHOWN) == before:  # nothing moved, so nothing was measured
            way = next(ways)
        else:
            taken.append(page.evaluate("taken.keydown.at(-1)"))
    return taken[WARM:][:presses]


def strokes(page: Any, canvas: Any, presses: int) -> list[float]:
    """Milliseconds from lifting the pen to the paint."""
    box = canvas.bounding_box()
    for press in range(presses + WARM):
        x = box["x"] + box["width"] * (0.2 + 0.6 * (press % 10) / 10)
        page.mouse.move(x, box["y"] + 0.2 * box["height"])
        page.mouse.down()
        page.mouse.move(x, box["y"] + 0.8 * box["height"], steps=6)
        page.mouse.up()
        page.wait_for_function(f"taken.pointerup?.length > {press}")
        page.wait_for_timeout(60)
    return page.evaluate("taken.pointerup")[WARM:]


def measure(browser: Any, file: Path, name: str, device: str, presses: int) -> dict[str, Any]:
    """One widget on one device."""
    slowdown, told = DEVICES[device]
    context = browser.new_context(**told)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.add_init_script(WATCH)
    page.goto(file.as_uri())
    page.wait_for_function("taken.first", timeout=60_000)
    control = page.locator(f".course-widget {CONTROLS[name]}")
    control.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    taken = (strokes if name == "drawing_pad" else keys)(page, control, presses)
    found = {
        "first paint": page.evaluate("taken.first"),
        "median": median(taken),
        "p95": quantiles(taken, n=20)[-1],
    }
    context.close()
    return {f"{device}, {what}": value for what, value in found.items()}


def in_pages(presses: int) -> list[dict[str, Any]]:
    """Measure every widget on every device."""
    from playwright.sync_api import sync_playwright

    from tools.learner.page_widgets import document

    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, made in all_widgets():
            file = Path(folder, f"{name}.html")
            file.write_text(document([made]), encoding="utf-8")
            made.close()
            row: dict[str, Any] = {"widget": name, "page, MB": file.stat().st_size / 1e6}
            for device in DEVICES:
                row |= measure(browser, file, name, device, presses)
            rows.append(row)
        browser.close()
    return rows


def main() -> int:
    """Measure, print and write. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--presses", type=int, default=40)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    if CHROMIUM is None:
        print("There is no Chromium, so there is no page to measure.", file=sys.stderr)
        return 1
    rows = in_pages(options.presses)
    print("Milliseconds; the pad's from pen-up, the others' from a key press to the paint.")
    print(pd.DataFrame(rows).round(1).to_string(index=False))
    write_record(options.json, milliseconds=rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
