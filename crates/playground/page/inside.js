// What the networks look at: saliency and feature maps, painted anew while somebody draws.

import { gray, make, signed } from "/paint.js";

const $ = (id) => document.getElementById(id);
/** What is built now; canvases of the same shape are painted, not replaced. */
let built = "";
let canvases = [];

/** Shows the answers of `/api/inside`; `name(number)` is how a network is called. */
export function showInside(answers, name, chosen) {
  if (answers.length === 0) return showNothing(name, chosen);
  const shape = JSON.stringify(answers.map(({ id, blocks }, number) => [id, name(number), blocks.map(({ channels, height, width }) => [channels, height, width])]));
  if (shape !== built) build(answers, name, shape);
  answers.forEach((one, number) => {
    const { saliency, caption, sheets } = canvases[number];
    signed(saliency, one.saliency, one.width, one.height);
    saliency.setAttribute("aria-label", `Saliency of ${name(number)} for the answer ${one.label}`);
    caption.textContent = `${name(number)}, why ${one.label}`;
    one.blocks.forEach((block, at) => contactSheet(sheets[at], block));
  });
}

function build(answers, name, shape) {
  built = shape;
  const figures = [];
  const maps = [];
  canvases = answers.map((one, number) => {
    const saliency = make("canvas", { role: "img" });
    const caption = make("figcaption", {});
    figures.push(make("figure", {}, saliency, caption));
    const sheets = one.blocks.map(({ channels, height, width }, at) => {
      const label = `block ${at + 1}: ${channels} maps of ${height}×${width}`;
      const sheet = make("canvas", { role: "img", "aria-label": `${name(number)}, ${label}` });
      maps.push(make("figure", {}, sheet, make("figcaption", {}, `${name(number)}, ${label}`)));
      return sheet;
    });
    return { saliency, caption, sheets };
  });
  if (maps.length === 0) maps.push(make("p", { className: "quiet" }, "Neither network has any: feature maps are a thing of convolutional networks."));
  $("saliency").replaceChildren(...figures);
  $("maps").replaceChildren(...maps);
}

function showNothing(name, chosen) {
  const shape = JSON.stringify([chosen, name(0), name(1)]);
  if (shape === built) return;
  built = shape;
  const figures = [0, 1].map((number) => {
    const canvas = make("canvas", { role: "img", "aria-label": "Nothing drawn" });
    gray(canvas, new Uint8Array(1), 1, 1);
    return make("figure", {}, canvas, make("figcaption", {}, chosen ? name(number) : "\u00a0"));
  });
  $("saliency").replaceChildren(...figures);
  $("maps").replaceChildren(make("p", { className: "quiet" }, "They appear when something is drawn."));
}

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
        sheet[(top + row) * w + left + column] = values[(channel * height + row) * width + column];
      }
    }
  }
  gray(canvas, sheet, w, h);
}
