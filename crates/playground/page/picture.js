// The kernel of the filter part on a whole picture.

import { ask, latest, show } from "/ask.js";
import { seen } from "/draw.js";
import { gray, number, pgm, signed } from "/paint.js";

const $ = (id) => document.getElementById(id);
/** Longest side of a picture that is sent; larger ones are scaled down first. */
const SIDE = 256;

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
    use({ pixels: Uint8Array.from(pixels), width, height, title: "a digit", drawn: true });
  } catch (error) {
    show(error);
  }
}

export const applyToPicture = latest(async () => {
  if (!picture || !kernel().kernel) return;
  const { kernel: rows, stride, padding } = kernel();
  const query = new URLSearchParams({ kernel: rows.map((row) => row.join(" ")).join("; "), stride, padding });
  const bytes = await ask(`/api/filter?${query}`, pgm(picture.pixels, picture.width, picture.height));
  const [height, width] = new Uint32Array(bytes, 0, 2);
  const values = new Float32Array(bytes, 8);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const largest = Math.max(-low, high, 1e-12);
  signed($("filtered"), values.map((value) => value / largest), width, height);
  $("filtered-range").textContent = `result, ${height}×${width}, ${number(low, 1)} to ${number(high, 1)}`;
});

function fromDrawing() {
  if (!seen.current) {
    $("picture-size").textContent = "Nothing is drawn yet: go to Draw first.";
    return;
  }
  const { pixels, width, height } = seen.current;
  use({ pixels: Uint8Array.from(pixels), width, height, title: "your drawing", drawn: true });
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
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height);
  for (let at = 0; at < pixels.length; at++) {
    pixels[at] = 0.2126 * data[4 * at] + 0.7152 * data[4 * at + 1] + 0.0722 * data[4 * at + 2];
  }
  use({ pixels, width, height, title: file.name, drawn: false });
}

function use(next) {
  picture = next;
  gray($("picture"), picture.pixels, picture.width, picture.height);
  $("picture-size").textContent = `${picture.title}, ${picture.height}×${picture.width}`;
  applyToPicture();
}
