"""What only the browser can do: speak a status, fill the clipboard, save the picture that is on screen."""

from __future__ import annotations

import param
from panel.custom import JSComponent

__all__ = ["BrowserButton", "Live"]


class Live(JSComponent):
    """A status line with a bar under it: ``aria-live`` and polite; the element stays, so that a new text is spoken."""

    text = param.String(default="", doc="What it says.")
    busy = param.Boolean(default=False, doc="Whether work is under way.")
    running = param.Boolean(default=False, doc="Whether the bar is there.")
    share = param.Number(default=None, bounds=(0, 1), allow_None=True, doc="How much is done; None where nobody knows.")
    link = param.String(default="", doc="What the page's own address asks for.")

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
  const bar = document.createElement("div"), done = document.createElement("div")
  bar.setAttribute("role", "progressbar")
  bar.setAttribute("aria-label", "Progress")
  bar.append(done)
  const move = () => {
    const known = model.share !== null
    bar.style.visibility = model.running ? "visible" : "hidden"
    bar.classList.toggle("unknown", !known)
    done.style.width = known ? `${100 * model.share}%` : "40%"
    if (known) bar.setAttribute("aria-valuenow", String(Math.round(100 * model.share)))
    else bar.removeAttribute("aria-valuenow")
  }
  model.on("running", move)
  model.on("share", move)
  move()
  const link = new URLSearchParams(window.location.search).get("run")
  if (link) model.link = link
  const whole = document.createElement("div")
  whole.append(line, bar)
  return whole
}
"""
    _stylesheets = [  # noqa: RUF012  read by Panel from the class
        "[role=progressbar]{height:4px;margin-top:4px;border-radius:2px;overflow:hidden;background:rgba(25,118,210,.25)}"
        "[role=progressbar]>div{height:100%;background:rgb(25,118,210);transition:width .2s}"
        ".unknown>div{animation:prism-wait 1.4s linear infinite}"
        "@keyframes prism-wait{from{transform:translateX(-100%)}to{transform:translateX(250%)}}"
        "@media (prefers-reduced-motion:reduce){.unknown>div{animation:none}}"
    ]


class BrowserButton(JSComponent):
    """A button that copies a text or a link to this page, or saves a figure as it is drawn; the server is not asked."""

    label = param.String(default="", doc="What stands on it.")
    action = param.Selector(default="copy", objects=["copy", "link", "png"], doc="What it does.")
    text = param.String(default="", doc="What it copies; of a link, the query.")
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
    if (model.action !== "png") {
      const {origin, pathname} = window.location
      await copy(model.action === "link" ? `${origin}${pathname}?${model.text}` : model.text, host)
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
