// What Bokeh and Panel do in the page, done better; loaded after them and before anything is drawn.
(() => {
// Bokeh lays a whole page out anew for every property that moves something, also many times within one message, and
// asks the style sheets for every colour of every figure each time. Once a frame is what anybody can see.
const owner = (proto, name) => (Object.hasOwn(proto, name) ? proto : owner(Object.getPrototypeOf(proto), name))

const places = {
  Plot: "models/plots/plot",
  Axis: "models/axes/axis",
  Grid: "models/grids/grid",
  Annotation: "models/annotations/annotation",
}

const MOST_MS = 50

function calm(Bokeh) {
  const view = (name) => Bokeh.Models.get(name).prototype.default_view.prototype
  const plain = owner(view("Column"), "compute_layout")
  const custom = owner(view("panel.models.esm.ReactComponent"), "compute_layout")
  const roots = [
    [plain, (one) => !(one.parent instanceof plain.constructor)],
    [custom, (one) => !one.is_managed],
  ]
  const waiting = new Map()
  const inside = (one, all) => { while ((one = one.parent)) if (all.has(one)) return true; return false }
  let took = 0, ended = 0
  const lay = () => {
    const all = new Map(waiting), start = performance.now()
    waiting.clear()
    for (const [one, {compute, update}] of all) {
      if (one.is_destroyed) continue
      if (update) one.update_layout()
      if (!inside(one, all)) compute.call(one)
    }
    ended = performance.now()
    took = Math.min(ended - start, MOST_MS)
  }
  const later = (one, compute, update) => {
    // one layout after another leaves the page no time; the first after a rest need not wait
    if (!waiting.size) setTimeout(() => requestAnimationFrame(lay), ended + 2 * took - performance.now())
    waiting.set(one, {compute, update: update || waiting.get(one)?.update === true})
  }
  for (const [proto, is_root] of roots) {
    const {invalidate_layout, compute_layout} = proto
    proto.invalidate_layout = function () {
      if (is_root(this)) later(this, compute_layout, true)
      else invalidate_layout.call(this)
    }
    proto.compute_layout = function () {
      if (!is_root(this)) return compute_layout.call(this)
      this._layout_computed = true
      later(this, compute_layout, false)
    }
  }
  // what the kernel told the page would come back to it, data and all, over what it has become since (jupyter_bokeh);
  // and every property that a theme sets in the page would go there, one message each, and nobody there listens
  // Who listens in the page, such as the theme that colours a new figure, hears all of it.
  const document = Bokeh.require("document/document").Document.prototype, known_tellers = new WeakMap()
  const tells = (listener) => {
    if (listener.tells) return true
    if (!known_tellers.has(listener)) known_tellers.set(listener, /_change_event|_document_changed/.test(listener))
    return known_tellers.get(listener)
  }
  const drawn = Object.entries(places).map(([name, place]) => Bokeh.require(place)[name])
  const look = /_(color|alpha|font|font_size|font_style|standoff)$/
  const idle = ({attr, model, sync}) =>
    sync === false || (look.test(attr ?? "") && drawn.some((kind) => model instanceof kind))
  document._trigger_on_change = function (event) {
    const all = event.events ?? [event], worth = all.filter((one) => !idle(one))
    for (const [listener, batches] of this._callbacks) {
      const heard = tells(listener) ? worth : all
      if (!batches || !event.events) heard.forEach((one) => listener(one))
      else if (heard.length) listener(Object.assign(event, {events: heard}))
    }
  }
  // Bokeh clears half a pixel beside the picture, so that what was drawn at the edge while a tab was hidden stays there
  const layer = Bokeh.require("core/util/canvas").CanvasLayer.prototype
  const {clear} = layer
  layer.clear = function () {
    const {ctx, backend} = this
    if (backend === "svg") return clear.call(this)
    ctx.save()
    ctx.resetTransform()
    ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height)
    ctx.restore()
  }
  const visual = Bokeh.require("core/visuals/visual").VisualProperties.prototype
  const known = new Map()
  visual._get_css_value = function (name) {
    const {el} = this.obj, key = this.css_prefix + name
    if (!known.size) setTimeout(() => known.clear(), 0)
    if (!known.has(el)) known.set(el, new Map())
    const styles = known.get(el)
    if (!styles.has(key)) styles.set(key, getComputedStyle(el).getPropertyValue(key))
    return styles.get(key)
  }
}

// Panel's React components write a value back to the model after they have shown it. Of two changes that follow each
// other closely the first is written back over the second, and sent to the server as if somebody had chosen it; and what
// changes between a component's first picture and its listening is never shown. Here a component writes when it chooses
// a value, not when it hears of one, and looks once more when it begins to listen.
const listening = `react_proxy.on(prop, cb, true)
            return`
const heard = `react_proxy.on(prop, cb, true)
            if (!target.model.events.includes(resolvedProp)) cb()
            return`
const writing = /let initialized = React\.useRef\(false\)[^]*?return \[value, setValue\]/
const chosen = `const choose = React.useCallback((next) => {
            if (target.model.events.includes(resolvedProp)) return setValue(next)
            const before = targetModel.attributes[resolvedProp]
            targetModel.setv({[resolvedProp]: typeof next === "function" ? next(before) : next})
            setValue(targetModel.attributes[resolvedProp])
          }, [])

          return [value, choose]`

function hear(Bokeh) {
  const react = owner(Bokeh.Models.get("panel.models.esm.ReactComponent").prototype, "_render_code")
  const {_render_code} = react
  react._render_code = function () {
    return _render_code.call(this).replace(listening, heard).replace(writing, () => chosen)
  }
}

// Panel's loader of modules reads a bundle through for imports to rewrite, of which a bundle has none, and hides it from
// the browser's cache of compiled code.
function load(shim) {
  const loaded = (address, ...rest) =>
    /\.bundle\.js(\?|$)/.test(address) ? import(new URL(address, document.baseURI)) : shim(address, ...rest)
  return Object.assign(loaded, shim)
}

if (window.Bokeh?.require && !window.Bokeh.prism) {
  window.Bokeh.prism = true
  if (window.importShim) window.importShim = load(window.importShim)
  calm(window.Bokeh)
  hear(window.Bokeh)
}
})()
