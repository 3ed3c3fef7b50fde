// The network as a graph whose every number can be opened.

import { draw, number } from "/paint.js";

// Every unit stands right of the pills with its weights, one below the other, so that no two
// labels ever meet; lines run from the units below to the pills.
const ROW = 132;
const TOP = 44;
const PILL = { width: 138, height: 32, gap: 37 };
const NODE = { width: 118, height: 40 };
const X = { input: 34, v: 186, hidden: 326, w: 496, output: 636, end: 700 };
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const sub = (index) => SUBSCRIPTS[index];

/** Draws the network of `state.worked.values`; `open(symbol)` is called with what was chosen. */
export function network(element, state, mode, opened, open) {
  const { values } = state.worked;
  const lines = new Map(state.worked.sections.flatMap(({ steps }) => steps.map((step) => [step.symbol, step])));
  const back = mode === "backward";
  const rows = Math.max(values.input.length, values.v.length, values.w.length);
  const height = TOP + ROW * rows + 88;
  const row = (index) => TOP + ROW * (index + 0.5) + 18;
  const svg = draw("svg", { viewBox: `0 0 ${X.end} ${height}`, role: "group", "aria-label": `The network, ${mode} pass` });
  const [under, over] = [draw("g"), draw("g")];
  svg.append(under, over);

  weights(values.v, "v", X.v, X.input, 28, (i) => (i === 0 ? TOP / 2 + 6 : row(i - 1)));
  weights(values.w, "w", X.w, X.hidden, NODE.width / 2, (i) => (i === 0 ? TOP / 2 + 6 : row(i - 1) + (back ? 0 : 21)));
  for (const x of [X.input, X.hidden]) over.append(draw("circle", { cx: x, cy: TOP / 2 + 6, r: 19, class: "unit" }), text(x, TOP / 2 + 12, "1", "name"));
  values.input.forEach((value, i) => {
    const symbol = `x${sub(i + 1)}`;
    over.append(button(symbol, value, "node", draw("circle", { cx: X.input, cy: row(i), r: 28 }), text(X.input, row(i) - 3, symbol, "name"), text(X.input, row(i) + 15, number(value, 3), "amount")));
  });
  values.v.forEach((_, j) => unit(X.hidden, row(j), "a", "z", "ε", j));
  values.w.forEach((_, k) => {
    unit(X.output, row(k), "b", "y", "δ", k);
    const symbol = `t${sub(k + 1)}`;
    over.append(pill(X.output, row(k) + (back ? 42 : 64), 92, 30, symbol, values.target[k], symbol));
  });
  over.append(pill(X.output, height - 24, 118, 36, "L", lines.get("L").value, "L"));
  element.replaceChildren(svg);

  function weights(all, letter, x, source, radius, sourceY) {
    all.forEach((own, j) => {
      own.forEach((weight, i) => {
        const name = `${letter}${sub(j + 1)}${sub(i)}`;
        const symbol = back ? `∂L/∂${name}` : name;
        const value = back ? lines.get(symbol).value : weight;
        const y = row(j) + (i - (own.length - 1) / 2) * PILL.gap;
        const from = source + (i === 0 ? 19 : radius);
        const to = x - PILL.width / 2;
        const middle = (from + to) / 2;
        under.append(
          draw("path", {
            d: `M${from},${sourceY(i)} C${middle},${sourceY(i)} ${middle},${y} ${to},${y}`,
            class: `edge ${value < 0 ? "minus-line" : "plus-line"}`,
            "stroke-width": Math.min(5, 1.2 + 3 * Math.abs(back ? 10 * value : value)),
          }),
          draw("path", { d: `M${x + PILL.width / 2},${y} L${x + PILL.width / 2 + 18},${row(j)}`, class: "edge joint" }),
        );
        over.append(pill(x, y, PILL.width, PILL.height, back ? symbol : name, value, symbol));
      });
    });
  }

  function unit(x, y, sum, out, delta, index) {
    const [a, z, d] = [sum, out, delta].map((letter) => letter + sub(index + 1));
    if (back) over.append(pill(x, y, NODE.width, NODE.height, d, lines.get(d).value, d, "node"));
    else over.append(pill(x, y - 21, NODE.width, NODE.height - 2, a, lines.get(a).value, a), pill(x, y + 21, NODE.width, NODE.height, z, lines.get(z).value, z, "node"));
  }

  function pill(x, y, w, h, name, value, symbol, kind = "") {
    return button(
      symbol, value, kind,
      draw("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, rx: kind ? h / 2 : 7 }),
      text(x, y + 5, "", "amount", draw("tspan", { class: "name" }, name), ` ${number(value, name.length > 4 ? 3 : 4)}`),
    );
  }

  /** Something in the graph that opens its rule. */
  function button(symbol, value, kind, ...inside) {
    const chosen = symbol === opened;
    const group = draw("g", {
      class: `value ${kind} ${chosen ? "opened" : ""}`,
      role: "button",
      tabindex: 0,
      "aria-pressed": String(chosen),
      "aria-label": `${symbol} is ${number(value, 6)}`,
      "data-symbol": symbol,
    }, ...inside);
    group.addEventListener("click", () => open(symbol));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      open(symbol);
    });
    return group;
  }

  function text(x, y, content, kind, ...more) {
    return draw("text", { x, y, "text-anchor": "middle", class: kind }, content, ...more);
  }
}

/** Points `[x, y]` as a line over named axes; a logarithmic y axis if `log`. */
export function curve(element, { series, xLabel, yLabel, log = false, width = 440, height = 220, xs }) {
  const [left, right, top, bottom] = [56, 14, 12, 40];
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return element.replaceChildren();
  const map = log ? (y) => Math.log10(Math.max(y, 1e-12)) : (y) => y;
  const [x0, x1] = [Math.min(...all.map(([x]) => x), ...(xs ?? [])), Math.max(...all.map(([x]) => x), ...(xs ?? []))];
  let [y0, y1] = [Math.min(...all.map(([, y]) => map(y))), Math.max(...all.map(([, y]) => map(y)))];
  const room = Math.max((y1 - y0) * 0.06, log ? 0.05 : 1e-6);
  [y0, y1] = [y0 - room, y1 + room];
  const x = (value) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - right);
  const y = (value) => height - bottom - ((map(value) - y0) / (y1 - y0)) * (height - top - bottom);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const told = series.map(({ name, points }) => `${name}: ${number(points[0][1], 4)} at ${points[0][0]}, ${number(points.at(-1)[1], 4)} at ${points.at(-1)[0]}`);
  svg.setAttribute("aria-label", `${yLabel} over ${xLabel}. ${told.join(". ")}`);
  for (const value of log ? decades(10 ** y0, 10 ** y1) : ticks(y0, y1)) {
    svg.append(draw("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "rule-line" }));
    svg.append(draw("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end", class: "tick" }, number(value, 4)));
  }
  for (const tick of whole(x0, x1)) svg.append(draw("text", { x: x(tick), y: height - bottom + 18, "text-anchor": "middle", class: "tick" }, tick.toLocaleString("en")));
  svg.append(draw("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle", class: "tick" }, xLabel));
  series.forEach(({ points, kind }) => {
    svg.append(draw("polyline", { points: points.map(([a, b]) => `${x(a)},${y(b)}`).join(" "), class: `curve ${kind}` }));
    const dots = points.length <= 30 ? points : [points.at(-1)];
    for (const [a, b] of dots) svg.append(draw("circle", { cx: x(a), cy: y(b), r: 3.5, class: `dot ${kind}` }));
  });
  element.replaceChildren(svg);
}

function ticks(low, high) {
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const result = [];
  for (let at = Math.ceil(low / step); at * step <= high; at++) result.push(at * step);
  return result;
}

/** 1, 2 and 5 times the powers of ten in between, or the powers alone if there are many. */
function decades(low, high) {
  const result = [];
  const many = high / low > 300;
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of many ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high) result.push(Number(value.toPrecision(3)));
    }
  }
  return result;
}

function whole(low, high) {
  const inside = ticks(low - 1e-9, high + 1e-9).filter((value) => Number.isInteger(Number(value.toFixed(9))));
  return inside.length > 0 ? inside.map((value) => Math.round(value) + 0) : [low, high];
}
