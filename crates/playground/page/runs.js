// Runs: curves that grow while somebody trains, and confusion matrices.

import { ask, show } from "/ask.js";
import { curve } from "/graph.js";
import { draw, make, number } from "/paint.js";

const $ = (id) => document.getElementById(id);
const EVERY = 1500;

let runs = [];
let chosen = null;
let shown = "";
let listed = "";
let timer = null;
/** Confusion matrices, and why there is none, by the version of the run. */
const evaluations = new Map();
const failures = new Map();

export function start() {
  return { enter, leave: () => clearTimeout(timer) };
}

function enter() {
  clearTimeout(timer);
  refresh();
}

async function refresh() {
  try {
    runs = await ask("/api/runs");
    show("runs", null);
    if (!runs.some(({ id }) => id === chosen)) chosen = runs[0]?.id ?? null;
    renderList();
    renderDetail();
  } catch (error) {
    show("runs", error);
  }
  if (!$("part-runs").hidden) timer = setTimeout(refresh, EVERY);
}

function renderList() {
  // Only what changed: a rebuilt list would lose the focus every second.
  const key = JSON.stringify([chosen, runs.map((run) => [run.id, run.version, status(run)])]);
  if (key === listed) return;
  listed = key;
  const focused = document.activeElement?.dataset?.run;
  $("run-list").replaceChildren(
    ...(runs.length === 0 ? [make("p", { className: "quiet" }, "None yet. Train one: just train-cnn")] : []),
    ...runs.map((run) => {
      const button = make("button", { type: "button", className: "run", "aria-pressed": String(run.id === chosen) },
        make("span", { className: "run-name" }, run.name),
        make("span", { className: `badge ${status(run)}` }, status(run)),
        make("span", { className: "run-about" }, about(run)));
      button.dataset.run = run.id;
      button.addEventListener("click", () => {
        chosen = run.id;
        renderList();
        renderDetail();
      });
      return button;
    }),
  );
  if (focused) $("run-list").querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
}

function status(run) {
  if (run.status === "finished") return "finished";
  return run.in_progress ? "training" : "stopped";
}

function about(run) {
  const last = run.result?.test_accuracy ?? run.epochs.at(-1)?.valid_accuracy;
  const accuracy = last === undefined ? "first epoch" : `${(100 * last).toFixed(2)} % ${run.result ? "test" : "valid."}`;
  return `${run.kind.toUpperCase()} on ${run.dataset}, ${accuracy}`;
}

function renderDetail() {
  const run = runs.find(({ id }) => id === chosen);
  const key = run ? `${run.id} ${run.version} ${status(run)} ${evaluations.has(run.version)} ${failures.get(run.version)}` : "";
  if (key === shown) return;
  shown = key;
  const element = $("run-detail");
  if (!run) return element.replaceChildren(make("p", { className: "quiet" }, "Choose a run."));
  const epochs = run.planned ? `${run.epochs.length} of ${run.planned} epochs` : `${run.epochs.length} epochs`;
  const facts = [
    ["Recipe", run.recipe],
    ["Parameters", run.parameters.toLocaleString("en")],
    ["Data", run.dataset],
    ["Seed", String(run.seed)],
    ["Backend", run.backend],
    ["Trained", `${epochs}, ${run.train_seconds.toFixed(1)} s`],
    ["Speed", `${Math.round(run.images_per_second).toLocaleString("en")} images/s`],
    ["Test accuracy", run.result ? `${(100 * run.result.test_accuracy).toFixed(2)} %` : "when it is finished"],
  ];
  const list = make("dl", { className: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  const charts = make("div", { className: "charts" });
  for (const [what, title] of [["loss", "Loss"], ["accuracy", "Accuracy"]]) charts.append(chart(run, what, title));
  element.replaceChildren(
    make("h2", {}, run.name, " ", make("span", { className: `badge ${status(run)}` }, status(run))),
    list,
    ...(run.epochs.length > 0 ? [charts] : [make("p", { className: "quiet" }, "The first epoch is not finished yet; the curves appear with it.")]),
    matrix(run),
  );
}

function chart(run, what, title) {
  const box = make("div", { className: "chart" });
  const series = [["train", "first"], ["valid", "second dashed"]].map(([split, kind]) => ({
    name: split === "train" ? "training" : "validation",
    kind,
    points: run.epochs.map((row) => [row.epoch, row[`${split}_${what}`]]),
  }));
  curve(box, { series, xLabel: "epoch", yLabel: title, height: 260, log: what === "loss", xs: [1, run.planned ?? run.epochs.length] });
  return make("figure", {}, make("figcaption", {}, `${title}: `, key("first"), " training, ", key("second dashed"), " validation"), box);
}

/** How a curve is drawn: told apart by its dashes, too, not by color alone. */
const key = (kind) => draw("svg", { viewBox: "0 0 30 8", class: "key-line", "aria-hidden": "true" }, draw("path", { d: "M1,4 H29", class: `curve ${kind}` }));

function matrix(run) {
  const box = make("div", { className: "matrix-box" });
  const known = evaluations.get(run.version);
  if (known) {
    box.append(table(known));
    return box;
  }
  if (run.best_epoch === 0) return box;
  const button = make("button", { type: "button" }, "Confusion matrix on the test split");
  const told = make("p", { className: "failure", role: "status" }, failures.get(run.version) ?? "");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Reading the test split …";
    told.textContent = "";
    try {
      evaluations.set(run.version, await ask(`/api/evaluation?run=${encodeURIComponent(run.id)}`));
      failures.delete(run.version);
    } catch (error) {
      // Beside its button: what is wrong concerns this run's data and nothing else.
      failures.set(run.version, error.message);
      told.textContent = error.message;
      button.disabled = false;
      button.textContent = "Confusion matrix on the test split";
    }
    renderDetail();
  });
  box.append(button, told);
  return box;
}

function table({ confusion, accuracy, images, loss }) {
  const wrong = Math.max(1, ...confusion.flatMap((row, r) => row.filter((_, c) => c !== r)));
  const digits = confusion.map((_, digit) => digit);
  const head = make("tr", {}, make("th", { scope: "col" }, make("span", { className: "visually-hidden" }, "true digit")), ...digits.map((digit) => make("th", { scope: "col" }, String(digit))));
  const rows = confusion.map((row, r) =>
    make("tr", {}, make("th", { scope: "row" }, String(r)), ...row.map((count, c) => {
      const cell = make("td", { className: r === c ? "right" : count === 0 ? "none" : "wrong" }, String(count));
      if (r !== c) cell.style.setProperty("--share", count / wrong);
      return cell;
    })),
  );
  const told = make("p", { id: "matrix-told", className: "quiet" }, `${(100 * accuracy).toFixed(2)} % of ${images.toLocaleString("en")} test digits read correctly, loss ${number(loss, 4)}. Rows: the true digit; columns: what the network read.`);
  const whole = make("table", { className: "matrix", "aria-label": "Confusion matrix", "aria-describedby": told.id }, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", {}, told, make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Confusion matrix" }, whole));
}
