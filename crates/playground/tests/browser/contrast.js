// The least contrast (WCAG 2.2) of any text with the ground it stands on, and of the edge of any
// field with the ground around it; how many texts in drawings and grounds of mixed colors were met.
const parse = (text) => {
  const [r, g, b, a = 1] = (text.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
  return text.startsWith('color(srgb') ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
};
const linear = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const ratio = (one, other) => {
  const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
};
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color[3] === 1) return color;
  }
  return [255, 255, 255, 1];
};
// Text in a drawing stands on the last shape below it that is filled.
const shape = (text) => {
  text.scrollIntoView({ block: 'center', inline: 'center' });
  const box = text.getBoundingClientRect();
  const below = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const filled = below.find((e) => ['rect', 'circle'].includes(e.tagName) && getComputedStyle(e).fill !== 'none');
  return filled ? parse(getComputedStyle(filled).fill) : ground(text.closest('svg').parentElement);
};
let worst = [99, ''];
let edge = [99, ''];
let seen = { drawn: 0, mixed: 0 };
const note = (worst, value, e) => (value < worst[0] ? [value, e.outerHTML.slice(0, 120)] : worst);
for (const e of document.querySelectorAll('body *')) {
  const box = e.getBoundingClientRect();
  if (box.width === 0 || e.closest('.visually-hidden, .skip') || e.disabled) continue;
  if (e.matches('input:not([type=range], [type=file]), select, button, .value > :is(rect, circle)')) {
    const style = getComputedStyle(e);
    const color = parse(e.closest('svg') ? style.stroke : style.borderTopColor);
    const around = e.closest('svg') ? ground(e.closest('svg').parentElement) : ground(e.parentElement);
    const own = parse(style.backgroundColor);
    // A button whose ground tells it from the page needs no edge.
    const tells = e.closest('svg') ? 0 : own[3] === 1 ? ratio(own, around) : 0;
    edge = note(edge, Math.max(tells, ratio(color, around)), e);
  }
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(e);
  const drawn = e.closest('svg');
  if (drawn) seen.drawn++;
  const behind = drawn ? shape(e) : ground(e);
  if (getComputedStyle(e).backgroundColor.startsWith('color(')) seen.mixed++;
  worst = note(worst, ratio(parse(drawn ? style.fill : style.color), behind), e);
}
return [worst, edge, seen];
