"""The doctor's table in a notebook, and the page's answer to the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from course_utils._support.display import leaves_still

from .report import Finding, table


@leaves_still
class LiveTable(anywidget.AnyWidget):
    """A table that knows whether a live page shows it.

    A page that can show widgets draws it and answers, and then gets the findings `after`. Whatever
    cannot, such as an exported page, shows the findings `before` as plain HTML. Nobody waits.
    """

    _esm = """
    function render({ model, el }) {
      const show = () => { el.innerHTML = model.get("page"); };
      model.on("change:page", show);
      show();
      model.set("answered", true);
      model.save_changes();
      return () => model.off("change:page", show);
    }
    export default { render };
    """
    page = traitlets.Unicode().tag(sync=True)
    answered = traitlets.Bool(False).tag(sync=True)

    def __init__(self, before: Sequence[Finding], after: Sequence[Finding]) -> None:
        super().__init__(page=table(before))
        self._after = table(after)

    @traitlets.observe("answered")
    def _show_after(self, change: Any) -> None:
        self.page = self._after

    def still(self) -> str:
        """The findings as HTML that needs no kernel."""
        return self.page

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is not None:
            bundle[0]["text/html"] = self.still()
        return bundle
