// Backpropagation: the sheet's network, every number with its rule, step by step.

import { ask, latest, show } from "/ask.js";
import { curve, network } from "/graph.js";
import { make, number } from "/paint.js";

const $ = (id) => document.getElementById(id);
const ACTIVATIONS = ["sigmoid", "tanh", "relu", "identity"];

let initial;
let state = null;
let mode = "forward";
let opened = "z₁";
let taken = 0;
let curvePoints = [];

export function start() {
  for (const name of ["forward", "backward"]) $(name).addEventListener("click", () => turn(name));
  $("one").addEventListener("click", () => work({ steps: 1 }));
  $("ten").addEventListener("click", () => work({ steps: 10 }));
  $("learn").addEventListener("click", () => work({ steps: 20000, until_learned: true }));
  $("again").addEventListener("click", () => begin(initial));
  $("values").addEventListener("submit", (event) => event.preventDefault());
  load();
  return {};
}

async function load() {
  try {
    initial = await ask("/api/backprop");
    begin(initial);
  } catch (error) {
    show(error);
  }
}

function begin(values) {
  taken = 0;
  curvePoints = [];
  work({ values: structuredClone(values), steps: 0, fresh: true });
}

const work = latest(async ({ values = state.worked.values, steps, until_learned = false, fresh = false }) => {
  const answer = await ask("/api/backprop", { values, steps, until_learned });
  if (fresh) curvePoints = [];
  const points = answer.losses.map(([step, loss]) => [taken + step, loss]);
  curvePoints.push(...(curvePoints.length > 0 ? points.slice(1) : points));
  taken += answer.steps;
  state = answer;
  render(fresh);
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

function render(fresh) {
  renderGraph();
  renderTable();
  renderLines();
  if (fresh || !$("values").contains(document.activeElement)) renderForm();
  const { loss } = state.worked;
  const judged = state.learned ? `: learned, the loss is below ${state.mark}` : "";
  $("learned").textContent = `After ${taken.toLocaleString("en")} ${taken === 1 ? "step" : "steps"} the loss is ${number(loss, 7)}${judged}.`;
  $("learned").dataset.steps = taken;
  curve($("loss-curve"), { series: [{ name: "loss", kind: "second", points: curvePoints }], xLabel: "step", yLabel: "loss", log: true, xs: [0, 10], height: 420 });
}

// ---- the graph and the rule of one number

function renderGraph() {
  if (!state) return;
  const focused = document.activeElement?.dataset?.symbol;
  network($("graph"), state, mode, opened, open);
  if (focused) $("graph").querySelector(`[data-symbol="${focused}"]`)?.focus();
  const step = state.worked.sections.flatMap(({ steps }) => steps).find(({ symbol }) => symbol === opened);
  const at = state.worked.names.indexOf(opened);
  if (step) {
    const section = state.worked.sections.find(({ steps }) => steps.includes(step));
    const gradient = state.worked.names.findIndex((name) => `∂L/∂${name}` === opened);
    const beside = gradient < 0 ? [] : [make("p", { className: "quiet" }, `Autodiff: ${number(state.autodiff[gradient], 9)}, difference ${difference(gradient)}.`)];
    $("rule").replaceChildren(
      make("p", { className: "quiet" }, `${section.title}. ${section.why}`),
      make("p", { className: "formula" }, make("b", {}, step.symbol), ` = ${step.formula}`),
      make("p", { className: "formula" }, `= ${step.numbers}`),
      make("p", { className: "formula" }, "= ", make("b", {}, number(step.value, 6))),
      ...beside,
    );
  } else if (at >= 0) {
    $("rule").replaceChildren(
      make("p", { className: "quiet" }, "A parameter: what is learned. It can be changed below."),
      make("p", { className: "formula" }, make("b", {}, opened), ` = ${number(state.worked.values[opened[0]].flat()[at - (opened[0] === "w" ? state.worked.values.v.flat().length : 0)], 6)}`),
    );
  }
}

function difference(at) {
  return number(Math.abs(state.worked.gradient[at] - state.autodiff[at]), 20);
}

// ---- tables

function renderTable() {
  const { values, names, gradient } = state.worked;
  const parameters = [...values.v.flat(), ...values.w.flat()];
  const rows = names.map((name, at) =>
    make("tr", {},
      make("th", { scope: "row" }, name),
      ...[number(parameters[at], 6), number(gradient[at], 9), number(state.autodiff[at], 9), difference(at), number(state.worked.new[at], 6)].map((text) => make("td", {}, text)),
    ),
  );
  $("gradients").tBodies[0].replaceChildren(...rows);
  $("agreement").textContent = `Largest difference: ${number(state.difference, 20)}. Autodiff is Burn's, in 64-bit numbers; digits verify makes the same comparison on 1,000 random networks.`;
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

function renderForm() {
  const { values } = state.worked;
  const field = (label, value, set) => {
    const input = make("input", { type: "text", inputMode: "decimal", value: String(Number(value.toFixed(4))), "aria-label": label });
    input.addEventListener("input", () => {
      const typed = Number(input.value.replace("−", "-").replace(",", "."));
      const sound = input.value.trim() !== "" && Number.isFinite(typed);
      input.setAttribute("aria-invalid", String(!sound));
      if (!sound) return;
      const next = structuredClone(state.worked.values);
      set(next, typed);
      taken = 0;
      work({ values: next, steps: 0, fresh: true });
    });
    return make("label", {}, make("span", { "aria-hidden": "true" }, label), input);
  };
  const group = (title, ...fields) => make("fieldset", {}, make("legend", {}, title), make("div", { className: `fields ${fields.length === 6 ? "three" : ""}` }, ...fields));
  const sub = (n) => "₀₁₂₃₄₅₆₇₈₉"[n];
  const rows = (letter) => values[letter].flatMap((row, j) => row.map((value, i) => field(`${letter}${sub(j + 1)}${sub(i)}`, value, (next, typed) => (next[letter][j][i] = typed))));
  const activation = make("select", { "aria-label": "Activation" }, ...ACTIVATIONS.map((name) => make("option", { value: name, selected: name === values.activation }, name)));
  activation.addEventListener("change", () => {
    taken = 0;
    work({ values: { ...structuredClone(state.worked.values), activation: activation.value }, steps: 0, fresh: true });
  });
  $("values").replaceChildren(
    group("Input and target",
      ...values.input.map((value, i) => field(`x${sub(i + 1)}`, value, (next, typed) => (next.input[i] = typed))),
      ...values.target.map((value, k) => field(`t${sub(k + 1)}`, value, (next, typed) => (next.target[k] = typed)))),
    group("Learning", field("η", values.learning_rate, (next, typed) => (next.learning_rate = typed)), make("label", {}, make("span", { "aria-hidden": "true" }, "f"), activation)),
    group("Input to hidden, the bias first", ...rows("v")),
    group("Hidden to output", ...rows("w")),
  );
}
