"""A line of text that screen readers speak when it changes."""

from __future__ import annotations

import param
from panel.custom import JSComponent

__all__ = ["Live"]


class Live(JSComponent):
    """A status line: ``aria-live`` and polite; the element stays, so that a change of its text is spoken."""

    text = param.String(default="", doc="What it says.")
    busy = param.Boolean(default=False, doc="Whether work is under way.")

    _esm = """
export function render({model}) {
  const line = document.createElement("div")
  line.setAttribute("role", "status")
  line.setAttribute("aria-live", "polite")
  line.style.cssText = "font-size:14px;min-height:20px;color:inherit"
  const show = () => {
    line.textContent = model.text
    line.setAttribute("aria-busy", String(model.busy))
  }
  model.on("text", show)
  model.on("busy", show)
  show()
  return line
}
"""
