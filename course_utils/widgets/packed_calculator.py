"""Packed-Ensemble calculator: which M and alpha can be built, and what they cost."""

from __future__ import annotations

from typing import Any

import traitlets

from course_utils.figures import Picture, packed_diagram, packed_plan

from .front_end import LiveWidget, widget


class PackedCalculator(LiveWidget):
    """Choose M and alpha of a Packed-Ensemble of LeNets, and see its channels and its costs.

    To set both in code, use ``with calculator.hold_trait_notifications():``.

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

    @traitlets.validate("num_members", "alpha")
    def _can_be_built(self, proposal: Any) -> Any:
        if not self.from_page:
            both = {"num_members": self.num_members, "alpha": self.alpha}
            packed_plan(**{**both, proposal["trait"].name: proposal["value"]})
        return proposal["value"]

    def picture(self) -> Picture:
        return packed_diagram(self.num_members, self.alpha)


packed_calculator = widget(PackedCalculator)
