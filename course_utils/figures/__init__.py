"""Figures of the course: data in, a :class:`Picture` (matplotlib figure and alt text) out.

Pure functions, without torch and without pyplot. The look is switched in one place::

    from course_utils import figures
    figures.style.use("slides")
"""

from __future__ import annotations

from . import style
from .calibration import reliability_diagram
from .choices import best_of_many, choices_of_members, risks_of_rules
from .comparison import model_comparison
from .confusion import confusion_matrix
from .disagreement import agreement_matrix, disagreement_sheet
from .ensembles import MemberSeries, metric_against_members, series_over_subsets
from .images import augmentation_sheet, crop_windows, misclassified_gallery, sample_grid
from .office import daily_costs, wrong_answers
from .ood import roc_and_precision_recall, score_histograms
from .packed import PackedPlan, packed_diagram, packed_plan
from .packed_costs import packed_cost_bars, packed_costs
from .picture import Picture, message
from .score_ranking import score_ranking
from .selective import cost_curves, hidden_mistakes, mistake_weights, risk_coverage_curves
from .shift import fixed_threshold
from .style import CLASS_NAMES, DIGITS, FASHION
from .training import training_curves

__all__ = [
    "CLASS_NAMES",
    "DIGITS",
    "FASHION",
    "MemberSeries",
    "PackedPlan",
    "Picture",
    "agreement_matrix",
    "augmentation_sheet",
    "best_of_many",
    "choices_of_members",
    "confusion_matrix",
    "cost_curves",
    "crop_windows",
    "daily_costs",
    "disagreement_sheet",
    "fixed_threshold",
    "hidden_mistakes",
    "message",
    "metric_against_members",
    "misclassified_gallery",
    "mistake_weights",
    "model_comparison",
    "packed_cost_bars",
    "packed_costs",
    "packed_diagram",
    "packed_plan",
    "reliability_diagram",
    "risk_coverage_curves",
    "risks_of_rules",
    "roc_and_precision_recall",
    "sample_grid",
    "score_histograms",
    "score_ranking",
    "series_over_subsets",
    "style",
    "training_curves",
    "wrong_answers",
]
