// The kernel of the filter part on a whole picture.

import { ask, latest, show } from "/ask.js";
import { seen } from "/draw.js";
import { gray, number, pgm, signed } from "/paint.js";

const $ = (id) => document.getElementById(id);
/** Longest side of a picture that is sent; larger ones are scaled down first. */
const SIDE = 256;

/** `{ bytes, title, drawn }`: a file of a picture as the program reads it. */
let picture = null;
let kernel = null;

/** `current()` gives `{ kernel: rows, stride, padding }`. */
export function startPicture(current) {
  kernel = current;
  $("from-drawing").addEventListener("click", fromDrawing);
  $("file").addEventListener("change", () => take($("file").files[0]));
  const area = $("on-picture");
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyToPicture());
}

/** Shows the drawn digit unless a picture was chosen. */
export async function enterPicture() {
  if (picture && !picture.drawn) return;
  if (seen.current) return fromDrawing();
  if (picture) return;
  try {
    const { pixels, width, height } = await ask("/api/digit?from=drawn&index=3");
    use({ bytes: pgm(pixels, width, height), title: "a digit", drawn: true });
    show("picture", null);
  } catch (error) {
    show("picture", error);
  }
}

export const applyToPicture = latest("filter", async () => {
  if (!picture || !kernel().kernel) return;
  const { kernel: rows, stride, padding } = kernel();
  const { values, width, height, low, high } = await filtered(rows.map((row) => row.join(" ")).join("; "), stride, padding);
  const largest = Math.max(-low, high, 1e-12);
  signed($("filtered"), values.map((value) => value / largest), width, height);
  $("filtered-range").textContent = `result, ${height}×${width}, ${number(low, 1)} to ${number(high, 1)}`;
});

async function filtered(kernel, stride, padding) {
  const query = new URLSearchParams({ kernel, stride, padding });
  const bytes = await ask(`/api/filter?${query}`, picture.bytes);
  const [height, width] = new Uint32Array(bytes, 0, 2);
  const [low, high] = new Float32Array(bytes, 8, 2);
  return { height, width, low, high, values: new Float32Array(bytes, 16) };
}

function fromDrawing() {
  if (!seen.current) {
    $("picture-size").textContent = "Nothing is drawn yet: go to Draw first.";
    return;
  }
  const { pixels, width, height } = seen.current;
  use({ bytes: pgm(pixels, width, height), title: "your drawing", drawn: true });
}

async function take(file) {
  if (!file) return;
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    $("picture-size").textContent = `${file.name} is no picture that this browser reads.`;
    return;
  }
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((edge) => Math.max(1, Math.round(edge * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const small = await canvas.convertToBlob({ type: "image/png" });
  use({ bytes: new Uint8Array(await small.arrayBuffer()), title: file.name, drawn: false });
}

function use(next) {
  picture = next;
  showPicture();
  applyToPicture();
}

/** The grey values that every kernel meets are the result of the kernel `1`. */
const showPicture = latest("picture", async () => {
  const { title } = picture;
  const { values, width, height } = await filtered("1", 1, "valid");
  gray($("picture"), values, width, height);
  $("picture-size").textContent = `${title}, ${height}×${width}`;
});
