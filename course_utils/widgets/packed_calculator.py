"""Packed-Ensemble calculator: which M and alpha can be built, and what they cost."""

from __future__ import annotations

from typing import Any

import traitlets

from course_utils.figures import Picture, packed_diagram, packed_plan
from course_utils.figures.packed import PackedPlan

from .front_end import LiveWidget, widget

MOST_MEMBERS = 16


class PackedCalculator(LiveWidget):
    """Choose M and alpha of a Packed-Ensemble of LeNets, and see its channels and its costs.

    Attributes
    ----------
    num_members : int
        M.
    alpha : float
        Width of the whole, in LeNets.
    """

    num_members = traitlets.Int(4).tag(sync=True)
    alpha = traitlets.Float(2.0).tag(sync=True)

    def __init__(self) -> None:
        super().__init__(kind="packed", given={})

    def choose(self, num_members: int, alpha: float) -> None:
        """Set both at once; a choice that can't be built raises ValueError."""
        packed_plan(num_members, alpha)
        if num_members > MOST_MEMBERS:
            raise ValueError(f"The number of members M goes from 1 to {MOST_MEMBERS} here.")
        with self.settling():
            self.num_members, self.alpha = num_members, float(alpha)

    @traitlets.validate("num_members", "alpha")
    def _can_be_built(self, proposal: Any) -> Any:
        if not (self._settling or self.from_page or "given" not in self._trait_values):
            setting: dict[str, Any] = {"num_members": self.num_members, "alpha": self.alpha}
            setting[proposal["trait"].name] = proposal["value"]
            packed_plan(**setting)
        return proposal["value"]

    @property
    def plan(self) -> PackedPlan:
        """Channels and parameters."""
        return packed_plan(self.num_members, self.alpha)

    def picture(self) -> Picture:
        return packed_diagram(self.num_members, self.alpha)


packed_calculator = widget(PackedCalculator)
