"""What the grouping loss is made of: regions of equal confidence and different accuracy."""

from __future__ import annotations

import numpy as np

from course_utils.metrics.grouping import GroupingLoss

from . import style
from .picture import Picture


@style.drawn
def grouping_diagram(estimate: GroupingLoss) -> Picture:
    """Accuracy of each region against its confidence, and of each bin as a whole.

    After the grouping diagram of Perez-Lebel, Le Morvan & Varoquaux 2023 (arXiv:2210.16315),
    figure 4. Without groups, the regions scatter around their bin by chance alone.

    Parameters
    ----------
    estimate : GroupingLoss
        Regions are drawn with an area that grows with their number of images.
    """
    if not len(estimate.region_count):
        raise ValueError("The estimate has no regions: there is nothing to draw.")
    bins = np.unique(estimate.bin_of_region)
    together = np.array([_mean_of_bin(estimate, number) for number in bins])
    spread = np.array(
        [np.ptp(estimate.region_accuracy[estimate.bin_of_region == number]) for number in bins]
    )
    figure = style.canvas(8, style.fitting(4.2))
    ((axes,),) = style.panels(figure, left=5.6, right=17.0, top=1.4, bottom=3.6)
    look = style.current()
    low = max(0.0, 100 * float(estimate.region_confidence.min()) - 3)
    high = min(102.0, 100 * float(estimate.region_confidence.max()) + 3)
    (perfect,) = axes.plot(
        [low, high], [low, high], color=style.REFERENCE, linewidth=look.thin, linestyle=(0, (2, 2))
    )
    area = estimate.region_count / estimate.region_count.max() * (0.9 * look.text) ** 2
    dots = axes.scatter(
        100 * estimate.region_confidence, 100 * estimate.region_accuracy, s=area,
        color=style.SOFT, alpha=0.45, linewidth=0, zorder=2,
    )  # fmt: skip
    (line,) = axes.plot(
        100 * together[:, 0], 100 * together[:, 1], color=style.INK, marker="D",
        markersize=0.5 * look.text, linewidth=look.thin, zorder=3,
    )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(max(-3.0, 100 * float(estimate.region_accuracy.min()) - 8), 103)
    style.label(axes, x="confidence (%)", y="accuracy (%)", grid="both")
    style.legend(
        axes,
        [dots, line, perfect],
        ["region of alike images", "bin as a whole", "calibrated"],
        loc="center left",
        bbox_to_anchor=(1.02, 0.5),
    )
    alt = (
        f"Grouping diagram: {style.plural(len(estimate.region_count), 'region')} in "
        f"{style.plural(len(bins), 'bin')} of confidence. Whole bins have accuracies from "
        f"{style.percent(together[:, 1].min())} to {style.percent(together[:, 1].max())}; inside a "
        f"bin, regions differ by {style.percent(float(np.median(spread)))} in the median and by up "
        f"to {style.percent(spread.max())}. "
    )
    if estimate.lower_bound > 0:
        alt += (
            f"At least {estimate.lower_bound:.4f} of the Brier score of the confidence is grouping "
            "loss, up to chance."
        )
    else:
        alt += "They show no grouping loss beyond chance."
    return Picture(figure, alt)


def _mean_of_bin(estimate: GroupingLoss, number: int) -> tuple[float, float]:
    """Confidence and accuracy of a bin, from its regions."""
    chosen = estimate.bin_of_region == number
    weights = estimate.region_count[chosen]
    return (
        float(np.average(estimate.region_confidence[chosen], weights=weights)),
        float(np.average(estimate.region_accuracy[chosen], weights=weights)),
    )
