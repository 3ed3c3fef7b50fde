// Filters: a window slides over the image, and the sum is written out.

import { ask, latest, show } from "/ask.js";
import { make, number } from "/paint.js";
import { applyToPicture, enterPicture, startPicture } from "/picture.js";

const $ = (id) => document.getElementById(id);
const BEAT = 700;

let presets;
let image;
let kernel;
let windows = null;
let place = 0;
let done = 0;
let timer = null;

export function start() {
  startPicture(() => ({ kernel, stride: $("stride").value, padding: $("padding").value }));
  for (const id of ["stride", "padding"]) $(id).addEventListener("change", () => compute(true));
  $("image-preset").addEventListener("change", () => preset("image"));
  $("kernel-preset").addEventListener("change", () => preset("kernel"));
  $("play").addEventListener("click", () => (timer ? pause() : play()));
  $("step").addEventListener("click", () => (pause(), go(place + 1)));
  $("back").addEventListener("click", () => (pause(), go(place - 1)));
  $("restart").addEventListener("click", () => (pause(), (done = 0), go(0)));
  dragOver($("image-grid"), fromImage);
  dragOver($("result-grid"), (cell) => Number(cell.dataset.at));
  $("result-grid").addEventListener("keydown", arrows);
  load();
  return { enter: enterPicture, leave: pause };
}

async function load() {
  try {
    presets = await ask("/api/filters");
    show("filters", null);
  } catch (error) {
    return show("filters", error);
  }
  for (const kind of ["image", "kernel"]) {
    const options = presets[`${kind}s`].map(({ name }) => make("option", { value: name }, name));
    $(`${kind}-preset`).replaceChildren(...options, make("option", { value: "", disabled: true }, "your own"));
  }
  image = copy(presets.images[0].rows);
  kernel = copy(presets.kernels[0].rows);
  says("kernel");
  editors();
  compute(true);
}

const copy = (rows) => rows.map((row) => [...row]);

function preset(kind) {
  const chosen = presets[`${kind}s`].find(({ name }) => name === $(`${kind}-preset`).value);
  if (kind === "image") image = copy(chosen.rows);
  else kernel = copy(chosen.rows);
  says(kind);
  editors();
  compute(true);
}

function says(kind) {
  const { name, says } = presets[`${kind}s`].find(({ name }) => name === $(`${kind}-preset`).value);
  $("preset-says").textContent = `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${says}.`;
}

// ---- the two editable grids

function editors() {
  grid($("image-grid"), image, "image", "Image");
  grid($("kernel-grid"), kernel, "kernel", "Kernel");
}

function grid(element, rows, kind, label) {
  element.style.setProperty("--columns", rows[0].length);
  const cells = rows.flatMap((row, r) =>
    row.map((value, c) => {
      const input = make("input", { type: "text", inputMode: "decimal", value: short(value), "aria-label": `${label}, row ${r + 1}, column ${c + 1}` });
      input.dataset.at = r * row.length + c;
      input.addEventListener("focus", () => (input.value = String(rows[r][c])));
      input.addEventListener("blur", () => (input.value = short(rows[r][c])));
      input.addEventListener("input", () => {
        const typed = Number(input.value.replace("−", "-").replace(",", "."));
        const sound = input.value.trim() !== "" && Number.isFinite(typed);
        input.setAttribute("aria-invalid", String(!sound));
        if (!sound) return;
        rows[r][c] = typed;
        $(`${kind}-preset`).value = "";
        compute(false);
      });
      return input;
    }),
  );
  element.replaceChildren(...cells);
}

/** With padding `same`, the zeros around the image; they cannot be edited. */
function padded() {
  const element = $("image-grid");
  element.querySelectorAll(".zero-cell").forEach((cell) => cell.remove());
  const { top, bottom, left, right } = windows.margins;
  const [height, width] = [image.length, image[0].length];
  $("equation").classList.toggle("padded", top + bottom + left + right > 0);
  element.style.setProperty("--columns", width + left + right);
  const put = (cell, r, c) => {
    cell.style.gridRow = r + top + 1;
    cell.style.gridColumn = c + left + 1;
    cell.dataset.row = r;
    cell.dataset.column = c;
  };
  [...element.children].forEach((input) => put(input, Math.floor(input.dataset.at / width), input.dataset.at % width));
  for (let r = -top; r < height + bottom; r++) {
    for (let c = -left; c < width + right; c++) {
      if (r >= 0 && r < height && c >= 0 && c < width) continue;
      const cell = make("span", { className: "zero-cell", "aria-hidden": "true" }, "0");
      put(cell, r, c);
      element.append(cell);
    }
  }
}

function short(value) {
  return Number.isInteger(value) ? String(value).replace("-", "−") : number(value, 2);
}

// ---- the windows

const compute = latest("window", async (restart) => {
  const question = { image, kernel, stride: Number($("stride").value), padding: $("padding").value };
  applyToPicture();
  windows = await ask("/api/window", question);
  if (restart || done > windows.sums.length) done = 0;
  padded();
  results();
  go(restart ? 0 : Math.min(place, windows.sums.length - 1));
});

function results() {
  const element = $("result-grid");
  element.style.setProperty("--columns", windows.columns);
  element.replaceChildren(
    ...windows.sums.map((_, at) => {
      const cell = make("button", { type: "button", tabIndex: -1 });
      cell.dataset.at = at;
      cell.addEventListener("click", () => (pause(), go(at)));
      return cell;
    }),
  );
}

/** Puts the window at a cell of the result; cells up to the furthest one visited are filled in. */
function go(at) {
  if (!windows || windows.sums.length === 0) return;
  const count = windows.sums.length;
  place = Math.max(0, Math.min(count - 1, at));
  done = Math.max(done, place + 1);
  const [row, column] = [Math.floor(place / windows.columns), place % windows.columns];
  const largest = Math.max(...windows.sums.map(Math.abs), 1e-12);
  [...$("result-grid").children].forEach((cell, number) => {
    const known = number < done;
    const sum = windows.sums[number];
    cell.textContent = known ? short(sum) : "";
    cell.className = number === place ? "here" : "";
    cell.tabIndex = number === place ? 0 : -1;
    cell.dataset.sign = !known || sum === 0 ? "" : sum < 0 ? "minus" : "plus";
    cell.style.setProperty("--share", known ? Math.abs(sum) / largest : 0);
    const name = `Result, row ${Math.floor(number / windows.columns) + 1}, column ${(number % windows.columns) + 1}`;
    cell.setAttribute("aria-label", known ? `${name}: ${short(sum)}` : `${name}: not computed yet`);
  });
  const terms = windows.terms[place];
  const [top, left] = windows.origins[place];
  for (const cell of $("image-grid").children) {
    const { row: r, column: c } = cell.dataset;
    cell.classList.toggle("covered", r >= top && r < top + kernel.length && c >= left && c < left + kernel[0].length);
  }
  $("place").textContent = `window ${place + 1} of ${count}`;
  $("sum-title").textContent = `Row ${row + 1}, column ${column + 1} of the result: kernel · image, added up`;
  write(terms, windows.sums[place]);
  $("back").disabled = place === 0;
  $("step").disabled = place === count - 1;
}

/** The products, what each of them is, and their sum: three lines, each equal to the next. */
function write(terms, sum) {
  const products = [];
  const values = [];
  terms.forEach(({ kernel: weight, image: value, product, at }, number) => {
    const kind = at ? (product === 0 ? "term zero" : "term") : "term outside";
    if (number > 0) products.push(" + ");
    products.push(make("span", { className: kind }, `${bracket(weight)}·${at ? bracket(value) : "0"}`));
    if (number > 0) values.push(product < 0 ? " − " : " + ");
    values.push(make("span", { className: kind }, short(number > 0 ? Math.abs(product) : product)));
  });
  $("sum").replaceChildren(make("span", { className: "line" }, ...products), make("span", { className: "line" }, " = ", ...values), make("span", { className: "total" }, ` = ${short(sum)}`));
}

const bracket = (value) => (value < 0 ? `(${short(value)})` : short(value));

// ---- moving

function play() {
  if (!windows) return;
  if (place >= windows.sums.length - 1) {
    done = 0;
    go(0);
  }
  $("play").textContent = "Pause";
  $("play").setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    if (place >= windows.sums.length - 1) pause();
    else go(place + 1);
  }, BEAT);
}

function pause() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
  $("play").setAttribute("aria-pressed", "false");
}

/** Moving the pressed pointer from cell to cell moves the window; a plain click does not. */
function dragOver(element, target) {
  let from = null;
  element.addEventListener("pointerdown", (event) => {
    from = event.target.closest("[data-at]");
    if (event.pointerType !== "mouse") event.target.releasePointerCapture?.(event.pointerId);
  });
  window.addEventListener("pointerup", () => (from = null));
  window.addEventListener("pointercancel", () => (from = null));
  element.addEventListener("pointermove", (event) => {
    if (!from || !windows) return;
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-at]");
    if (!cell || !element.contains(cell) || cell === from) return;
    pause();
    from = cell;
    if (document.activeElement?.parentElement === element) document.activeElement.blur();
    getSelection()?.removeAllRanges();
    const at = target(cell);
    if (at !== null && at !== place) go(at);
  });
}

/** The window whose middle is nearest to this cell of the image. */
const fromImage = (cell) => windows.nearest[cell.dataset.at];

function arrows(event) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -windows?.columns, ArrowDown: windows?.columns, Home: -place, End: Infinity };
  if (!windows || !(event.key in moves)) return;
  event.preventDefault();
  pause();
  const next = place + moves[event.key];
  if (next >= 0 && (next < windows.sums.length || event.key === "End")) go(next);
  $("result-grid").children[place].focus();
}
