"""What only the browser can do: speak a status, fill the clipboard, save the picture that is on screen."""

from __future__ import annotations

import param
from panel.custom import JSComponent

__all__ = ["BrowserButton", "Live"]


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


class BrowserButton(JSComponent):
    """A button that copies a text, or saves a figure as PNG as it is drawn, without asking the server."""

    label = param.String(default="", doc="What stands on it.")
    action = param.Selector(default="copy", objects=["copy", "png"], doc="What it does.")
    text = param.String(default="", doc="What it copies.")
    figure = param.String(default="", doc="Id of the Bokeh figure or layout it saves.")
    filename = param.String(default="result.png", doc="What the saved file is called.")

    _stylesheets = [  # noqa: RUF012  read by Panel from the class
        "button{font:500 13px Roboto,system-ui,sans-serif;letter-spacing:.4px;color:inherit;background:transparent;"
        "border:1px solid currentColor;border-radius:4px;padding:6px 16px;min-width:90px;cursor:pointer}"
        "button:hover{background:rgba(128,128,128,.15)}"
        "button:focus-visible{outline:2px solid currentColor;outline-offset:2px}"
    ]

    _esm = """
async function copy(text, host) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement("textarea")
  area.value = text
  host.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}

async function save(id, filename, host) {
  const view = window.Bokeh.index.find_one_by_id(id)
  const canvas = view.export("png").canvas
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"))
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = filename
  host.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

export function render({model}) {
  const host = document.createElement("div")
  const button = document.createElement("button")
  button.type = "button"
  button.textContent = model.label
  button.onclick = async () => {
    if (model.action === "copy") {
      await copy(model.text, host)
      button.textContent = "Copied"
      setTimeout(() => { button.textContent = model.label }, 1500)
    } else {
      await save(model.figure, model.filename, host)
    }
  }
  host.append(button)
  return host
}
"""
