// Draw: two networks answer while somebody draws.

import { ask, latest, settled, show, spaced } from "/ask.js";
import { showInside } from "/inside.js";
import { Pad } from "/pad.js";
import { gray, make, percent, pgm } from "/paint.js";

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
/** When the earliest stroke was made that has not been answered yet. */
let unanswered = null;
const columns = [];
const sliders = {};
const speeds = [];

export function start() {
  pad = new Pad($("pad"), $("pad-cursor"), drawn);
  $("clear").addEventListener("click", () => pad.clear());
  $("undo").addEventListener("click", () => pad.undo());
  $("sample").addEventListener("click", () => sample({ index: Math.floor(Math.random() * 1e6) }));
  $("disputed").addEventListener("click", () => sample({ index: Math.floor(Math.random() * 1e6), wrong: "one" }));
  $("load").addEventListener("click", numbered);
  $("index").addEventListener("keydown", (event) => event.key === "Enter" && numbered());
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
    look();
  });
  const about = make("p", { className: "quiet" }, "\u00a0");
  const list = make("ol", { className: "bars", start: 0, "aria-label": "Probabilities" });
  const label = make("label", {}, make("span", {}, number === 0 ? "Network 1" : "Network 2"), select);
  $("networks").append(make("div", { className: `network ${side}` }, label, about, list));
  columns.push({ select, about, rows: [], list, label });
  bars(columns[number], 10);
}

/** As many bars as the network tells classes apart. */
function bars(column, count) {
  if (column.rows.length === count) return;
  column.rows = Array.from({ length: count }, (_, digit) => {
    const fill = make("span", { className: "fill" });
    const share = make("span", { className: "percent" }, "–");
    const row = make("li", {}, make("span", {}, String(digit)), make("span", { className: "track", "aria-hidden": "true" }, fill), share);
    return { row, fill, share };
  });
  column.list.replaceChildren(...column.rows.map(({ row }) => row));
}

async function choose() {
  try {
    choices = await ask("/api/networks");
    show("networks", null);
  } catch (error) {
    return show("networks", error);
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
  look();
}

function describe() {
  columns.forEach((column, number) => {
    const choice = choices.find((one) => one.id === chosen[number]);
    if (!choice) return;
    const accuracy = choice.accuracy === null ? "" : `, ${(100 * choice.accuracy).toFixed(2)} % on ${choice.dataset}`;
    column.about.textContent = `${choice.parameters.toLocaleString("en")} parameters${accuracy}`;
    column.label.firstChild.textContent = choice.kind.toUpperCase();
    if (choice.classes) bars(column, choice.classes);
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
  if (time !== null) unanswered ??= time;
  look();
}

function question(extra = {}) {
  const loaded = pad.untouched;
  const query = new URLSearchParams({ first: chosen[0], second: chosen[1], seed: 1, ...extra });
  for (const { by } of SLIDERS) query.set(by, sliders[by].input.value);
  if (loaded) query.set("as", "is");
  const picture = loaded ? pgm(loaded.pixels, loaded.width, loaded.height) : pgm(pad.bytes(), pad.size, pad.size);
  return [query, picture];
}

const look = latest("look", async () => {
  if (chosen.length < 2) return;
  // A stroke waits from its event until an answer to it is on the screen, also where it had to
  // wait for the answer to an earlier one; loading and sliders are no strokes and are not timed.
  const since = unanswered;
  unanswered = null;
  const [query, picture] = question();
  const answer = await ask(`/api/look?${query}`, picture);
  showAnswers(answer);
  if (since !== null && !answer.blank) measured(since);
  soon();
  later();
});

async function measured(since) {
  // What was written is on the screen after the next frame: its callback runs before painting, a
  // message sent from there arrives after it.
  await new Promise((done) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(null);
    });
  });
  speeds.push(performance.now() - since);
  if (speeds.length > 101) speeds.shift();
  const median = speeds.toSorted((a, b) => a - b)[Math.floor(speeds.length / 2)];
  $("speed").textContent = `From stroke to both answers on the screen: ${median.toFixed(0)} ms (median of the last ${speeds.length}).`;
  $("speed").dataset.median = median.toFixed(1);
  $("speed").dataset.count = speeds.length;
}

// ---- answers

function showAnswers(answer) {
  seen.current = answer.blank ? null : { pixels: answer.pixels, width: answer.width, height: answer.height };
  gray($("seen"), answer.pixels, answer.width, answer.height);
  $("seen-size").textContent = `${answer.height}×${answer.width}`;
  columns.forEach((column, number) => {
    const one = answer.answers[number];
    if (one) bars(column, one.probabilities.length);
    column.rows.forEach(({ row, fill, share }, digit) => {
      const value = one?.probabilities[digit] ?? 0;
      fill.style.transform = `scaleX(${value})`;
      share.textContent = one ? percent(value) : "–";
      row.classList.toggle("best", one?.label === digit);
    });
  });
  const verdict = $("verdict");
  verdict.dataset.labels = answer.answers.map((one) => one?.label ?? "–").join(" ");
  if (answer.blank) {
    verdict.textContent = "Draw something, and both networks say what they read.";
    $("seen").setAttribute("aria-label", "Nothing drawn");
  } else {
    const [a, b] = answer.answers;
    const said = (one, number) => make("span", { className: SIDES[number] }, `${name(number)}: `, make("b", {}, String(one?.label ?? "nothing")));
    const judged = truth === null ? [] : [`. It is a ${truth}.`];
    if (a?.label === b?.label) {
      verdict.replaceChildren("Both read ", make("b", {}, String(a.label)), ...judged);
    } else {
      verdict.replaceChildren(said(a, 0), " but ", said(b, 1), ...judged);
    }
    $("seen").setAttribute("aria-label", `The ${answer.height} by ${answer.width} pixels that the networks see`);
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

function numbered() {
  const index = Number($("index").value || 0);
  if (Number.isInteger(index) && index >= 0) return sample({ index });
  $("truth").textContent = "Test digits are numbered from 0.";
}

async function sample(wanted) {
  const query = new URLSearchParams({ first: chosen[0] ?? "", second: chosen[1] ?? "", ...wanted });
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
    pad.load(digit);
    show("digit", null);
  } catch (error) {
    $("truth").textContent = "";
    show("digit", error);
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
  input.addEventListener("input", () => {
    tell();
    look();
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
  look();
}

const limits = latest("limits", async () => {
  if (pad.blank || chosen.length < 2) {
    for (const { strips, reach } of Object.values(sliders)) {
      strips.forEach((strip) => [...strip.children].forEach((cell) => (cell.className = "")));
      reach.textContent = "";
    }
    return;
  }
  const [query, picture] = question(truth === null ? {} : { truth });
  for (const { by, holds, reaches } of await ask(`/api/limits?${query}`, picture)) {
    const { strips, reach, unit } = sliders[by];
    const parts = holds.map((row, number) => {
      row.forEach((held, at) => (strips[number].children[at].className = held ? "holds" : ""));
      return `${name(number)} ${words(reaches[number], unit)}`;
    });
    reach.textContent = parts.join(", ");
  }
});

/** The stretch around where the slider is, in words; an end that is null is the slider's. */
function words({ holds, from, to }, unit) {
  const text = (value) => String(Number(value.toFixed(2))).replace("-", "−") + unit;
  if (!holds) return "has given up here";
  if (from === null && to === null) return "holds everywhere";
  if (from === null) return `holds up to ${text(to)}`;
  if (to === null) return `holds from ${text(from)}`;
  return `holds from ${text(from)} to ${text(to)}`;
}

const later = settled(120, limits);

// ---- inside

const inside = latest("inside", async () => {
  const drawn = !pad.blank && chosen.length === 2;
  const [query, picture] = drawn ? question() : [];
  showInside(drawn ? await ask(`/api/inside?${query}`, picture) : [], name, chosen.length === 2);
});

/** Also while somebody draws, but not at every stroke: the answers come first. */
const soon = spaced(150, inside);
