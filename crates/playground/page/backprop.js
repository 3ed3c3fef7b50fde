// Backpropagation: the sheet's network, every number with its rule, step by step.

import { ask, inTurn, show } from "/ask.js";
import { curve, network } from "/graph.js";
import { make, number } from "/paint.js";

const $ = (id) => document.getElementById(id);
const ACTIVATIONS = ["sigmoid", "tanh", "relu", "identity"];
const sub = (n) => "₀₁₂₃₄₅₆₇₈₉"[n];

let initial;
let state = null;
let mode = "forward";
let opened = "z₁";
let taken = 0;
let curvePoints = [];
/** Per field of the form: puts the value of the state into it. */
let fields = [];
/** When the last edit has been answered. */
let edited = Promise.resolve();

export function start() {
  for (const name of ["forward", "backward"]) $(name).addEventListener("click", () => turn(name));
  $("one").addEventListener("click", () => work({ steps: 1 }));
  $("ten").addEventListener("click", () => work({ steps: 10 }));
  $("learn").addEventListener("click", () => work({ steps: 20000, until_learned: true }));
  $("again").addEventListener("click", () => (initial ? begin(initial) : load()));
  $("values").addEventListener("submit", (event) => event.preventDefault());
  load();
  return {};
}

async function load() {
  try {
    initial = await ask("/api/backprop");
    show("backprop", null);
  } catch (error) {
    return show("backprop", error);
  }
  begin(initial);
}

async function begin(values) {
  await work({ values, fresh: true });
  if (state) buildForm();
}

/** What the page was told to change; the curve begins anew, the form stays as it is. */
const change = (set) => (edited = work({ set, fresh: true }));

/**
 * Everything goes through here, one after the other: an edit must not be lost to the next, and ten
 * clicks are ten steps. `fresh` begins the curve and the count of steps anew.
 */
const work = inTurn("backprop", async ({ values, set, steps = 0, until_learned = false, fresh = false }) => {
  if (!values && !state) return;
  const next = structuredClone(values ?? state.worked.values);
  set?.(next);
  const answer = await ask("/api/backprop", { values: next, steps, until_learned });
  if (fresh) [taken, curvePoints] = [0, []];
  const points = answer.losses.map(([step, loss]) => [taken + step, loss]);
  curvePoints.push(...(curvePoints.length > 0 ? points.slice(1) : points));
  taken += answer.steps;
  state = answer;
  render(until_learned);
});

function turn(name) {
  mode = name;
  for (const other of ["forward", "backward"]) $(other).setAttribute("aria-pressed", String(other === name));
  open(name === "forward" ? "z₁" : "δ₁");
}

function open(symbol) {
  opened = symbol;
  renderGraph();
}

function render(searched) {
  renderGraph();
  renderTable();
  renderLines();
  fields.forEach((refresh) => refresh());
  const { loss } = state.worked;
  const steps = `${taken.toLocaleString("en")} ${taken === 1 ? "step" : "steps"}`;
  const judged = state.learned
    ? `After ${steps} the loss is ${number(loss, 7)}: learned, it is below ${state.mark}.`
    : searched
      ? `Not learned after ${steps}: the loss is still ${number(loss, 7)}, not below ${state.mark}.`
      : `After ${steps} the loss is ${number(loss, 7)}.`;
  $("learned").textContent = judged;
  $("learned").dataset.steps = taken;
  curve($("loss-curve"), { series: [{ name: "loss", kind: "second", points: curvePoints }], xLabel: "step", yLabel: "loss", log: true, xs: [0, 10], height: 420 });
}

// ---- the graph and the rule of one number

function renderGraph() {
  if (!state) return;
  const focused = document.activeElement?.dataset?.symbol;
  network($("graph"), state, mode, opened, open);
  if (focused) $("graph").querySelector(`[data-symbol="${focused}"]`)?.focus();
  const { sections, names } = state.worked;
  const find = (symbol) => {
    const section = sections.find(({ steps }) => steps.some((step) => step.symbol === symbol));
    return section && { section, step: section.steps.find((step) => step.symbol === symbol) };
  };
  const given = [["x", state.worked.values.input, "An input"], ["t", state.worked.values.target, "A target"]]
    .flatMap(([letter, list, what]) => list.map((value, at) => ({ symbol: letter + sub(at + 1), value, what })))
    .find(({ symbol }) => symbol === opened);
  if (given) {
    // An input has no formula of its own: it shows those that it stands in.
    const uses = sections.flatMap(({ steps }) => steps).filter(({ formula }) => formula.includes(opened));
    $("rule").replaceChildren(
      make("p", { className: "quiet" }, `${given.what}: given, and changed below. It stands in ${uses.map(({ symbol }) => symbol).join(", ")}.`),
      make("p", { className: "formula" }, make("b", {}, opened), ` = ${number(given.value, 6)}`),
      ...uses.slice(0, 2).map(({ symbol, formula }) => make("p", { className: "formula" }, make("b", {}, symbol), ` = ${formula}`)),
    );
    return;
  }
  const parameter = names.includes(opened);
  const found = find(parameter ? `new ${opened}` : opened);
  if (!found) return;
  const { section, step } = found;
  const gradient = names.findIndex((name) => `∂L/∂${name}` === opened);
  const beside = gradient < 0 ? [] : [make("p", { className: "quiet" }, `Autodiff: ${number(state.autodiff[gradient], 9)}, difference ${number(state.differences[gradient], 20)}.`)];
  const about = parameter ? `A parameter, ${opened} = ${number(state.parameters[names.indexOf(opened)], 6)}: what is learned. The next step makes of it` : `${section.title}. ${section.why}`;
  $("rule").replaceChildren(
    make("p", { className: "quiet" }, about),
    make("p", { className: "formula" }, make("b", {}, step.symbol), ` = ${step.formula}`),
    make("p", { className: "formula" }, `= ${step.numbers}`),
    make("p", { className: "formula" }, "= ", make("b", {}, number(step.value, 6))),
    ...beside,
  );
}

// ---- tables

function renderTable() {
  const { names, gradient } = state.worked;
  const rows = names.map((name, at) =>
    make("tr", {},
      make("th", { scope: "row" }, name),
      ...[number(state.parameters[at], 6), number(gradient[at], 9), number(state.autodiff[at], 9), number(state.differences[at], 20), number(state.worked.new[at], 6)].map((text) => make("td", {}, text)),
    ),
  );
  $("gradients").tBodies[0].replaceChildren(...rows);
  $("agreement").textContent = `Largest difference: ${number(state.difference, 20)}. Autodiff is Burn's, in ${state.bits}-bit numbers; digits verify makes the same comparison on 1,000 random networks.`;
}

function renderLines() {
  const openNow = new Set([...$("lines").querySelectorAll("details[open]")].map((one) => one.dataset.title));
  $("lines").replaceChildren(
    ...state.worked.sections.map(({ title, why, steps }) => {
      const body = make("tbody", {}, ...steps.map(({ symbol, formula, numbers, value }) =>
        make("tr", {}, make("th", { scope: "row" }, symbol), make("td", {}, formula), make("td", {}, numbers), make("td", { className: "amount" }, number(value, 6)))));
      const head = make("thead", {}, make("tr", {}, ...["", "rule", "with numbers", "value"].map((text) => make("th", { scope: "col" }, text))));
      const table = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": title }, make("table", {}, head, body));
      const details = make("details", { open: openNow.has(title) }, make("summary", {}, title), make("p", { className: "quiet" }, why), table);
      details.dataset.title = title;
      return details;
    }),
  );
}

// ---- what can be edited

/** Builds the form; called once for each beginning, since a rebuilt field would lose the focus. */
function buildForm() {
  fields = [];
  const { values } = state.worked;
  const field = (label, place) => {
    const input = make("input", { type: "text", inputMode: "decimal", "aria-label": label });
    const refresh = () => {
      // What is being typed is left alone: `0.` is on its way to `0.5`.
      if (document.activeElement === input) return;
      const [list, at] = place(state.worked.values);
      input.value = String(Number(list[at].toFixed(4))).replace("-", "−");
      input.setAttribute("aria-invalid", "false");
    };
    input.addEventListener("input", () => {
      const typed = Number(input.value.replace("−", "-").replace(",", "."));
      const sound = input.value.trim() !== "" && Number.isFinite(typed);
      input.setAttribute("aria-invalid", String(!sound));
      if (!sound) return;
      change((next) => {
        const [list, at] = place(next);
        list[at] = typed;
      });
    });
    input.addEventListener("blur", () => edited.then(refresh));
    fields.push(refresh);
    refresh();
    return make("label", {}, make("span", { "aria-hidden": "true" }, label), input);
  };
  const group = (title, ...fields) => make("fieldset", {}, make("legend", {}, title), make("div", { className: `fields ${fields.length === 6 ? "three" : ""}` }, ...fields));
  const each = (letter, list) => values[list].map((_, i) => field(letter + sub(i + 1), (next) => [next[list], i]));
  const rows = (letter) => values[letter].flatMap((row, j) => row.map((_, i) => field(`${letter}${sub(j + 1)}${sub(i)}`, (next) => [next[letter][j], i])));
  const activation = make("select", { "aria-label": "Activation" }, ...ACTIVATIONS.map((name) => make("option", { value: name, selected: name === values.activation }, name)));
  activation.addEventListener("change", () => change((next) => (next.activation = activation.value)));
  $("values").replaceChildren(
    group("Input and target", ...each("x", "input"), ...each("t", "target")),
    group("Learning", field("η", (next) => [next, "learning_rate"]), make("label", {}, make("span", { "aria-hidden": "true" }, "f"), activation)),
    group("Input to hidden, the bias first", ...rows("v")),
    group("Hidden to output", ...rows("w")),
  );
}
