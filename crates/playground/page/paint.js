// Small helpers to make elements and to paint numbers.

/** An element with properties and children; `class`, `for`, `aria-…` and `data-…` are attributes. */
export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Gray bytes, 0 black. */
export function gray(canvas, bytes, width, height) {
  paint(canvas, width, height, (at) => [bytes[at], bytes[at], bytes[at]]);
}

/** Values from −1 to 1: blue below zero, orange above, the card's ground at zero. */
export function signed(canvas, values, width, height) {
  const ground = color("--card");
  const ends = [color("--first"), color("--second")];
  paint(canvas, width, height, (at) => {
    const value = Math.max(-1, Math.min(1, values[at]));
    const end = ends[value < 0 ? 0 : 1];
    const share = Math.abs(value);
    return ground.map((from, channel) => from + (end[channel] - from) * share);
  });
}

function paint(canvas, width, height, rgb) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    image.data.set(rgb(at), 4 * at);
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A color of the style sheet as [red, green, blue]. */
export function color(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const hex = text.length === 4 ? text.replace(/[0-9a-f]/gi, "$&$&") : text;
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/** Gray bytes as the picture format PGM, which the program reads. */
export function pgm(bytes, width, height) {
  const head = new TextEncoder().encode(`P5\n${width} ${height}\n255\n`);
  const all = new Uint8Array(head.length + bytes.length);
  all.set(head);
  all.set(bytes, head.length);
  return all;
}

/** A number for people: a true minus sign, at most `decimals` decimals. */
export function number(value, decimals = 4) {
  if (value !== 0 && Math.abs(value) < 10 ** -decimals) return value.toExponential(1).replaceAll("-", "−");
  return String(Number(value.toFixed(decimals))).replace("-", "−");
}

/** 0.9934 → "99.3 %"; certainty is never rounded up to. */
export function percent(share) {
  if (share < 1 && share >= 0.9995) return share >= 0.9999 ? ">99.9 %" : "99.9 %";
  return (100 * share).toFixed(1) + " %";
}
