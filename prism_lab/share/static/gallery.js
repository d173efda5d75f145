// The gallery works without this file; it adds the search, the "/" key and JupyterLab's own theme.
const field = document.getElementById("search");
const cards = [...document.querySelectorAll(".card")];
const found = document.getElementById("found");
const nothing = document.getElementById("nothing");

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    const fits = words.every((word) => card.dataset.text.includes(word));
    card.hidden = !fits;
    shown += fits;
  }
  nothing.hidden = shown > 0 || cards.length === 0;
  found.textContent = words.length ? `${shown} of ${cards.length} shown` : `${cards.length} ${cards.length === 1 ? "dashboard" : "dashboards"}`;
}

field.addEventListener("input", search);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.value = "";
    search();
  }
});

// Inside JupyterLab's launcher tab: follow its theme, and do not offer JupyterLab within JupyterLab.
if (window.parent !== window) {
  document.getElementById("lab")?.remove();
  const body = window.parent.document.body;
  const follow = () => {
    if (body.dataset.jpThemeLight) document.documentElement.dataset.theme = body.dataset.jpThemeLight === "true" ? "light" : "dark";
  };
  follow();
  new MutationObserver(follow).observe(body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
}
search();
