// What a dashboard's page needs beside Voila's own script: theme, formulas, and an honest end of its kernel.
const prism = {
  base: new URL("../../", document.currentScript.src).pathname,
  config: () => JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}"),
  darkness: matchMedia("(prefers-color-scheme: dark)"),
};

// "auto" follows the reader's system, live; panel-material-ui watches the attribute and takes the figures along.
function prismTheme() {
  const body = document.body;
  if (body.dataset.prismTheme !== "auto") return;
  const follow = () => {
    body.dataset.jpThemeLight = String(!prism.darkness.matches);
    body.dataset.jpThemeName = prism.darkness.matches ? "JupyterLab Dark" : "JupyterLab Light";
    body.classList.toggle("theme-dark", prism.darkness.matches);
    body.classList.toggle("theme-light", !prism.darkness.matches);
  };
  follow();
  prism.darkness.addEventListener("change", follow);
}

// Runs after the cells are in the page and before Voila's script reads its settings.
function prismReady() {
  const element = document.getElementById("jupyter-config-data");
  if (element) {
    const config = JSON.parse(element.textContent);
    if (config.jupyterLabTheme === "auto") config.jupyterLabTheme = prism.darkness.matches ? "dark" : "light";
    element.textContent = JSON.stringify(config);
  }
  window.voila_finish();
  prismFormulas();
  prismWatch();
}

// A page that shows nothing but widgets of Bokeh's needs none of JupyterLab's code; any other gets Voila's script.
async function prismDraw(voila) {
  const places = [];
  for (const script of document.querySelectorAll("script[type='application/vnd.voila.cell-output+json']")) {
    const { data = null } = JSON.parse(script.textContent);
    const widget = data?.["application/vnd.jupyter.widget-view+json"];
    if (widget && data["text/plain"]?.startsWith("BokehModel(")) places.push([widget.model_id, script.parentElement]);
    // what Panel sets up for other pages, by a type that only its own extension of JupyterLab knows
    else if (!data || !("application/vnd.holoviews_exec.v0+json" in data)) return prismVoila(voila);
  }
  if (!places.length) return prismVoila(voila);
  window.themeLoaded = true; // by the template
  window.display_cells();
  const { view } = await import(`${prism.base}prism/static/viewer.js`);
  view(`${location.origin}${prism.base}api/kernels/${prism.config().kernelId}`, places);
}

function prismVoila(voila) {
  const script = document.createElement("script");
  script.src = voila;
  document.body.append(script);
}

// Formulas in text become MathML by the KaTeX that comes with Panel: no fonts, no other host.
function prismFormulas() {
  const texts = [...document.querySelectorAll(".jp-RenderedMarkdown")].filter((text) => /\$|\\\(|\\\[/.test(text.textContent));
  if (texts.length === 0) return;
  const load = (file) => new Promise((done) => {
    const script = document.createElement("script");
    script.src = `${prism.base}prism/lib/panel/bundled/katex/katex@0.16.22/dist/${file}`;
    script.onload = done;
    document.head.append(script);
  });
  const pairs = [["$$", "$$", true], ["\\[", "\\]", true], ["$", "$", false], ["\\(", "\\)", false]];
  const delimiters = pairs.map(([left, right, display]) => ({ left, right, display }));
  load("katex.min.js").then(() => load("contrib/auto-render.min.js")).then(() => {
    for (const text of texts) window.renderMathInElement(text, { delimiters, output: "mathml", throwOnError: false });
  });
}

// The first thing that has to be said stays.
function prismNotice(sentence) {
  const notice = document.getElementById("prism-notice");
  if (!notice.hidden) return;
  const button = document.createElement("button");
  button.textContent = "Reload";
  button.onclick = () => location.reload();
  notice.append(`${sentence} `, button);
  notice.hidden = false;
}

// Where no kernel started, nothing more comes.
function prismFailed(sentence) {
  document.getElementById("loading").style.display = "none";
  prismNotice(sentence);
}

// Ask the server now and then whether the kernel lives; a page whose kernel was ended says so instead of playing dead.
function prismWatch() {
  const kernel = prism.config().kernelId;
  const ask = async () => {
    const answer = await fetch(`${prism.base}prism/session?kernel=${kernel || ""}`, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok || !kernel || (await answer.json()).alive) return;
    prismNotice("This dashboard was put to sleep because nobody looked at it.");
  };
  ask(); // also sets the _xsrf cookie that the farewell needs
  setInterval(ask, 60000);
  for (const event of ["online", "pageshow", "focus"]) addEventListener(event, ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
}

// Voila ends its kernel on beforeunload, which a download link fires too; this page says farewell when it is really left.
addEventListener("beforeunload", (event) => event.stopImmediatePropagation());
addEventListener("pagehide", (event) => {
  const kernel = prism.config().kernelId;
  if (!kernel || event.persisted) return;
  const form = new FormData();
  form.append("_xsrf", (document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/) || [])[1] || "");
  navigator.sendBeacon(`${prism.base}voila/api/shutdown/${kernel}`, form);
});
