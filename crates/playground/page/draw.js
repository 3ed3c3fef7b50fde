// Draw: two networks answer while somebody draws.

import { ask, latest, settled, show } from "/ask.js";
import { Pad } from "/pad.js";
import { gray, make, percent, pgm, signed } from "/paint.js";

const $ = (id) => document.getElementById(id);
const SIDES = ["a", "b"];
const SLIDERS = [
  { by: "right", label: "Move right", low: -12, high: 12, step: 0.5, start: 0, unit: " px" },
  { by: "down", label: "Move down", low: -12, high: 12, step: 0.5, start: 0, unit: " px" },
  { by: "rotation", label: "Rotate", low: -180, high: 180, step: 3, start: 0, unit: "°" },
  { by: "scale", label: "Scale", low: 0.4, high: 1.6, step: 0.05, start: 1, unit: "×" },
  { by: "noise", label: "Noise", low: 0, high: 1.2, step: 0.05, start: 0, unit: "" },
];

/** What the networks see now, for the other parts: `{ pixels, width, height }`, or null. */
export const seen = { current: null };

let pad;
let choices = [];
let chosen = [];
let truth = null;
const columns = [];
const sliders = {};
const speeds = [];

export function start() {
  pad = new Pad($("pad"), $("pad-cursor"), drawn);
  $("clear").addEventListener("click", () => pad.clear());
  $("undo").addEventListener("click", () => pad.undo());
  $("sample").addEventListener("click", () => sample({ index: Math.floor(Math.random() * 1e6) }));
  $("disputed").addEventListener("click", () => sample({ index: Math.floor(Math.random() * 1e6), wrong: "one" }));
  $("load").addEventListener("click", () => sample({ index: $("index").value || 0 }));
  $("index").addEventListener("keydown", (event) => event.key === "Enter" && sample({ index: $("index").value || 0 }));
  $("reset").addEventListener("click", reset);
  SLIDERS.forEach(addSlider);
  SIDES.forEach(addColumn);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => inside());
  return { enter: choose };
}

// ---- the two networks

function addColumn(side, number) {
  const select = make("select", { id: `network-${side}` });
  select.addEventListener("change", () => {
    chosen[number] = select.value;
    describe();
    look(performance.now());
  });
  const about = make("p", { className: "quiet" }, "\u00a0");
  const list = make("ol", { className: "bars", start: 0, "aria-label": "Probabilities" });
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const fill = make("span", { className: "fill" });
    const share = make("span", { className: "percent" }, "–");
    const row = make("li", {}, make("span", {}, String(digit)), make("span", { className: "track", "aria-hidden": "true" }, fill), share);
    list.append(row);
    return { row, fill, share };
  });
  const label = make("label", {}, make("span", {}, number === 0 ? "Network 1" : "Network 2"), select);
  $("networks").append(make("div", { className: `network ${side}` }, label, about, list));
  columns.push({ select, about, rows, list, label });
}

async function choose() {
  try {
    choices = await ask("/api/networks");
  } catch (error) {
    return show(error);
  }
  if (choices.length === 0) {
    $("verdict").textContent = "There is no trained network yet. Train one in a terminal (just train-mlp, just train-cnn), then reload this page.";
    return;
  }
  const first = (kind) => choices.find((choice) => choice.kind === kind)?.id ?? choices[0].id;
  columns.forEach((column, number) => {
    const known = choices.some((choice) => choice.id === chosen[number]);
    if (!known) chosen[number] = first(number === 0 ? "mlp" : "cnn");
    column.select.replaceChildren(...choices.map((choice) => make("option", { value: choice.id }, choice.name)));
    column.select.value = chosen[number];
  });
  describe();
  look(performance.now());
}

function describe() {
  columns.forEach((column, number) => {
    const choice = choices.find((one) => one.id === chosen[number]);
    if (!choice) return;
    const accuracy = choice.accuracy === null ? "" : `, ${(100 * choice.accuracy).toFixed(2)} % on ${choice.dataset}`;
    column.about.textContent = `${choice.parameters.toLocaleString("en")} parameters${accuracy}`;
    column.label.firstChild.textContent = choice.kind.toUpperCase();
    $(`legend-${SIDES[number]}`).textContent = name(number);
  });
}

function name(number) {
  const choice = choices.find((one) => one.id === chosen[number]);
  const other = choices.find((one) => one.id === chosen[1 - number]);
  if (!choice) return `Network ${number + 1}`;
  return other?.kind === choice.kind ? choice.name : choice.kind.toUpperCase();
}

// ---- asking

function drawn(time) {
  if (!pad.untouched) setTruth(null);
  $("pad-hint").hidden = !pad.blank;
  look(time);
}

function question(extra = {}) {
  const loaded = pad.untouched;
  const query = new URLSearchParams({ first: chosen[0], second: chosen[1], seed: 1, ...extra });
  for (const { by } of SLIDERS) query.set(by, sliders[by].input.value);
  if (loaded) query.set("as", "is");
  const picture = loaded ? pgm(loaded.pixels, loaded.width, loaded.height) : pgm(pad.bytes(), pad.size, pad.size);
  return [query, picture];
}

const look = latest(async (time) => {
  if (chosen.length < 2) return;
  const [query, picture] = question();
  const answer = await ask(`/api/look?${query}`, picture);
  showAnswers(answer);
  if (!answer.blank) measured(time);
  deeper();
});

async function measured(time) {
  // The next frame shows what was just written.
  await new Promise((done) => requestAnimationFrame(done));
  speeds.push(performance.now() - time);
  if (speeds.length > 101) speeds.shift();
  const median = speeds.toSorted((a, b) => a - b)[Math.floor(speeds.length / 2)];
  $("speed").textContent = `From stroke to both answers on the screen: ${median.toFixed(0)} ms (median of the last ${speeds.length}).`;
  $("speed").dataset.median = median.toFixed(1);
  $("speed").dataset.count = speeds.length;
}

const deeper = settled(120, () => {
  inside();
  limits();
});

// ---- answers

function showAnswers(answer) {
  seen.current = answer.blank ? null : { pixels: answer.pixels, width: answer.width, height: answer.height };
  gray($("seen"), answer.pixels, answer.width, answer.height);
  columns.forEach((column, number) => {
    const one = answer.answers[number];
    column.rows.forEach(({ row, fill, share }, digit) => {
      const value = one?.probabilities[digit] ?? 0;
      fill.style.transform = `scaleX(${value})`;
      share.textContent = one ? percent(value) : "–";
      row.classList.toggle("best", one?.label === digit);
    });
  });
  const verdict = $("verdict");
  verdict.dataset.labels = answer.answers.map((one) => one.label).join(" ");
  if (answer.blank) {
    verdict.textContent = "Draw something, and both networks say what they read.";
    $("seen").setAttribute("aria-label", "Nothing drawn");
  } else {
    const [a, b] = answer.answers;
    const said = (one, number) => make("span", { className: SIDES[number] }, `${name(number)}: `, make("b", {}, String(one.label)));
    const judged = truth === null ? [] : [`. It is a ${truth}.`];
    if (a.label === b.label) {
      verdict.replaceChildren("Both read ", make("b", {}, String(a.label)), ...judged);
    } else {
      verdict.replaceChildren(said(a, 0), " but ", said(b, 1), ...judged);
    }
    $("seen").setAttribute("aria-label", "The 28 by 28 pixels that the networks see");
  }
  speak();
}

const speak = settled(700, () => {
  const parts = columns.map((column, number) => {
    const best = column.rows.findIndex(({ row }) => row.classList.contains("best"));
    return best < 0 ? "" : `${name(number)} reads ${best}, ${column.rows[best].share.textContent}. `;
  });
  $("spoken").textContent = parts.join("") || "The drawing area is blank.";
});

// ---- test digits

async function sample(wanted) {
  const query = new URLSearchParams({ first: chosen[0] ?? "", second: chosen[1] ?? "", ...wanted });
  const time = performance.now();
  $("truth").textContent = "Looking for one …";
  const pressed = document.activeElement;
  const buttons = [$("sample"), $("disputed"), $("load")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    const digit = await ask(`/api/digit?${query}`);
    setTruth(digit.label);
    $("index").value = digit.index;
    $("index").max = digit.count - 1;
    $("truth").textContent = `Test digit ${digit.index} of ${digit.dataset}: a ${digit.label}.`;
    pad.load(digit, time);
    show(null);
  } catch (error) {
    $("truth").textContent = "";
    show(error);
  }
  const focused = document.activeElement;
  buttons.forEach((button) => (button.disabled = false));
  if (focused === document.body) pressed?.focus({ preventScroll: true });
}

function setTruth(label) {
  truth = label;
  if (label === null) $("truth").textContent = "";
  $("reference").textContent = label === null ? "the answer it gave at first" : `the right answer, ${label}`;
}

// ---- sliders

function addSlider({ by, label, low, high, step, start, unit }) {
  const input = make("input", { type: "range", id: `slider-${by}`, min: low, max: high, step, value: start });
  const output = make("output", { htmlFor: input.id });
  const strips = SIDES.map((side) => make("div", { className: `strip ${side}` }, ...Array.from({ length: 25 }, () => make("i"))));
  const reach = make("p", { className: "reach", id: `reach-${by}` });
  input.setAttribute("aria-describedby", reach.id);
  const tell = () => {
    const value = Number(input.value);
    output.textContent = (by === "scale" ? value.toFixed(2) : String(value)).replace("-", "−") + unit;
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", (event) => {
    tell();
    look(event.timeStamp);
  });
  tell();
  $("sliders").append(
    make("div", { className: "slider" }, make("label", { htmlFor: input.id }, label), output, input,
      make("div", { className: "strips", "aria-hidden": "true" }, ...strips), reach),
  );
  sliders[by] = { input, strips, reach, start, tell, unit };
}

function reset() {
  for (const { input, start, tell } of Object.values(sliders)) {
    input.value = start;
    tell();
  }
  look(performance.now());
}

const limits = latest(async () => {
  if (pad.blank || chosen.length < 2) {
    for (const { strips, reach } of Object.values(sliders)) {
      strips.forEach((strip) => [...strip.children].forEach((cell) => (cell.className = "")));
      reach.textContent = "";
    }
    return;
  }
  const [query, picture] = question(truth === null ? {} : { truth });
  for (const { by, values, labels, references } of await ask(`/api/limits?${query}`, picture)) {
    const { strips, reach, unit, input } = sliders[by];
    const parts = labels.map((row, number) => {
      row.forEach((label, at) => (strips[number].children[at].className = label === references[number] ? "holds" : ""));
      return `${name(number)} ${range(row.map((label) => label === references[number]), values, Number(input.value), unit)}`;
    });
    reach.textContent = parts.join(", ");
  }
});

/** The unbroken stretch around where the slider is. */
function range(holds, values, here, unit) {
  const nearest = values.reduce((best, value, at) => (Math.abs(value - here) < Math.abs(values[best] - here) ? at : best), 0);
  if (!holds[nearest]) return "has given up here";
  let [low, high] = [nearest, nearest];
  while (holds[low - 1]) low--;
  while (holds[high + 1]) high++;
  const text = (value) => String(Number(value.toFixed(2))).replace("-", "−") + unit;
  if (low === 0 && high === values.length - 1) return "holds everywhere";
  if (low === 0) return `holds up to ${text(values[high])}`;
  if (high === values.length - 1) return `holds from ${text(values[low])}`;
  return `holds from ${text(values[low])} to ${text(values[high])}`;
}

// ---- inside

const inside = latest(async () => {
  const figures = [];
  const maps = [];
  const blank = pad.blank || chosen.length < 2;
  const [query, picture] = blank ? [] : question();
  const answers = blank ? [] : await ask(`/api/inside?${query}`, picture);
  const { width, height } = seen.current ?? { width: 28, height: 28 };
  answers.forEach((one, number) => {
    const canvas = make("canvas", { role: "img", "aria-label": `Saliency of ${name(number)} for the answer ${one.label}` });
    signed(canvas, one.saliency, width, height);
    figures.push(make("figure", {}, canvas, make("figcaption", {}, `${name(number)}, why ${one.label}`)));
    one.blocks.forEach((block, at) => {
      const label = `Block ${at + 1}: ${block.channels} maps of ${block.height}×${block.width}`;
      const sheet = make("canvas", { role: "img", "aria-label": `${label} of ${name(number)}` });
      contactSheet(sheet, block);
      maps.push(make("figure", {}, sheet, make("figcaption", {}, `${name(number)}, ${label.toLowerCase()}`)));
    });
  });
  if (blank) {
    for (const number of [0, 1]) {
      const canvas = make("canvas", { role: "img", "aria-label": "Nothing drawn" });
      gray(canvas, new Uint8Array(1), 1, 1);
      figures.push(make("figure", {}, canvas, make("figcaption", {}, chosen.length < 2 ? "\u00a0" : name(number))));
    }
    maps.push(make("p", { className: "quiet" }, "They appear when something is drawn."));
  } else if (maps.length === 0) {
    maps.push(make("p", { className: "quiet" }, "Neither network has any: feature maps are a thing of convolutional networks."));
  }
  $("saliency").replaceChildren(...figures);
  $("maps").replaceChildren(...maps);
});

/** All maps of a block side by side, with a gap of one pixel. */
function contactSheet(canvas, { channels, height, width, values }) {
  const across = channels <= 8 ? channels : channels <= 16 ? 8 : 16;
  const down = Math.ceil(channels / across);
  const [w, h] = [across * (width + 1) - 1, down * (height + 1) - 1];
  const sheet = new Uint8Array(w * h);
  for (let channel = 0; channel < channels; channel++) {
    const left = (channel % across) * (width + 1);
    const top = Math.floor(channel / across) * (height + 1);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        // The square root makes weak answers visible, as a screen's gamma would.
        sheet[(top + row) * w + left + column] = Math.sqrt(255 * values[(channel * height + row) * width + column]);
      }
    }
  }
  gray(canvas, sheet, w, h);
}
