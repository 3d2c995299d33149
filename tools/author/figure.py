"""Draw an example of a figure into `build/figures/`: `make figure NAME=risk_coverage_curves`.

The examples are those that the tests draw.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Draw the named example, or list all names. Returns the exit status."""
    sys.path.insert(0, str(ROOT / "tests" / "figures"))
    from figure_examples import EXAMPLES, EXTREMES

    examples = {**EXAMPLES, **EXTREMES}
    name = " ".join(sys.argv[1:] if arguments is None else arguments).strip()
    if name not in examples:
        print("NAME is one of:", *sorted(examples), sep="\n  ", file=sys.stderr)
        return 2
    picture = examples[name]()
    folder = root / "build" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    print(picture.save(folder / f"{name.replace(' ', '-')}.png"))
    print(picture.alt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
