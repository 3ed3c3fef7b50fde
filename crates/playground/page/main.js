// Which part is shown.

import { start as startDraw } from "/draw.js";
import { start as startFilters } from "/filters.js";
import { start as startBackprop } from "/backprop.js";
import { start as startRuns } from "/runs.js";

const parts = { draw: startDraw, filters: startFilters, backprop: startBackprop, runs: startRuns };
const titles = { draw: "draw", filters: "filters", backprop: "backpropagation", runs: "runs" };
const started = {};
let shown;

function show() {
  const asked = location.hash.slice(1);
  // The skip link; but a page that is loaded at it must show something.
  if (asked === "main" && shown) return;
  const name = Object.hasOwn(parts, asked) ? asked : "draw";
  if (name === shown) return;
  started[shown]?.leave?.();
  shown = name;
  for (const other of Object.keys(parts)) {
    document.querySelector(`#part-${other}`).hidden = other !== name;
    const link = document.querySelector(`nav a[href="#${other}"]`);
    if (other === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `digits: ${titles[name]}`;
  started[name] ??= parts[name]();
  started[name].enter?.();
  window.scrollTo(0, 0);
}

// A picture that is dropped beside its place would otherwise replace the whole page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
}
window.addEventListener("hashchange", show);
show();
