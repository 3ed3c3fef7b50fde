// The drawing area: mouse, touch, pen and keyboard. Ink is white on black inside; the style
// sheet turns it for light paper.

const SIZE = 280;
const WIDTH = 22;

export class Pad {
  #strokes = [];
  #stroke = null;
  /** The pointer that draws; others are ignored until it is lifted. */
  #pointer = null;
  #base = null;
  #pen = { x: SIZE / 2, y: SIZE / 2, down: false };

  /**
   * `changed(time)` is called after every change, with the time of the event if it was a stroke's.
   */
  constructor(canvas, cursor, changed) {
    this.canvas = canvas;
    this.cursor = cursor;
    this.changed = changed;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.#repaint();
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    // Where the browser has them, raw moves: ordinary ones wait for the next frame.
    const moves = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";
    canvas.addEventListener(moves, (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#hideCursor());
  }

  get blank() {
    return this.#strokes.length === 0 && !this.#base;
  }

  /** The ink, a byte a pixel. */
  bytes() {
    const { data } = this.context.getImageData(0, 0, SIZE, SIZE);
    const bytes = new Uint8Array(SIZE * SIZE);
    for (let at = 0; at < bytes.length; at++) bytes[at] = data[4 * at];
    return bytes;
  }

  get size() {
    return SIZE;
  }

  /** Whether it shows a loaded digit that nobody has drawn on. */
  get untouched() {
    return this.#base && this.#strokes.length === 0 ? this.#base : null;
  }

  clear() {
    this.#strokes = [];
    this.#base = null;
    this.#changed();
  }

  undo() {
    if (this.#strokes.length > 0) this.#strokes.pop();
    else this.#base = null;
    this.#changed();
  }

  /** Shows a digit of the data set: `{ pixels, width, height }`. */
  load(digit) {
    this.#strokes = [];
    this.#base = digit;
    this.#changed();
  }

  #down(event) {
    if (event.button !== 0 || !event.isPrimary || this.#pointer !== null) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.canvas.focus({ preventScroll: true });
    this.#hideCursor();
    this.canvas.setPointerCapture(event.pointerId);
    this.#stroke = [this.#place(event)];
    this.#strokes.push(this.#stroke);
    this.#line(this.#stroke[0], this.#stroke[0]);
    this.changed(event.timeStamp);
  }

  #move(event) {
    if (!this.#stroke || event.pointerId !== this.#pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length > 0 ? events : [event]) {
      const to = this.#place(one);
      this.#line(this.#stroke.at(-1), to);
      this.#stroke.push(to);
    }
    this.changed((events[0] ?? event).timeStamp);
  }

  #up(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#pointer = this.#stroke = null;
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * SIZE) / box.width, y: ((event.clientY - box.top) * SIZE) / box.height };
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key !== "z" || event.altKey) return;
      this.#pen.down = false;
      this.undo();
    } else if (event.key === "Escape") {
      this.#pen.down = false;
      this.clear();
    } else if (event.key === "Backspace" || event.key === "Delete") {
      this.#pen.down = false;
      this.undo();
    } else if (event.key === " " || event.key === "Enter") {
      // A key that is held down repeats; the pen must not flutter.
      if (!event.repeat) this.#pen.down = !this.#pen.down;
      if (this.#pen.down && !event.repeat) {
        const at = { x: this.#pen.x, y: this.#pen.y };
        this.#strokes.push([at]);
        this.#line(at, at);
        this.changed(event.timeStamp);
      }
    } else if (event.key.startsWith("Arrow")) {
      const step = event.shiftKey ? 3 : 10;
      const from = { x: this.#pen.x, y: this.#pen.y };
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      this.#pen.x = Math.max(0, Math.min(SIZE, from.x + step * way[0]));
      this.#pen.y = Math.max(0, Math.min(SIZE, from.y + step * way[1]));
      if (this.#pen.down) {
        const to = { x: this.#pen.x, y: this.#pen.y };
        this.#strokes.at(-1)?.push(to);
        this.#line(from, to);
        this.changed(event.timeStamp);
      }
    } else {
      return;
    }
    event.preventDefault();
    this.#showCursor();
  }

  #showCursor() {
    this.cursor.hidden = false;
    this.cursor.classList.toggle("down", this.#pen.down);
    this.cursor.style.left = `${(100 * this.#pen.x) / SIZE}%`;
    this.cursor.style.top = `${(100 * this.#pen.y) / SIZE}%`;
  }

  #hideCursor() {
    this.cursor.hidden = true;
    this.#pen.down = false;
  }

  #changed() {
    this.#stroke = null;
    this.#repaint();
    this.changed(null);
  }

  #line(from, to) {
    const context = this.context;
    context.strokeStyle = "#fff";
    context.lineWidth = WIDTH;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from === to ? 0.01 : 0));
    context.stroke();
  }

  #repaint() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIZE, SIZE);
    if (this.#base) {
      const { pixels, width, height } = this.#base;
      const small = new OffscreenCanvas(width, height);
      const image = new ImageData(width, height);
      pixels.forEach((value, at) => image.data.set([value, value, value, 255], 4 * at));
      small.getContext("2d").putImageData(image, 0, 0);
      this.context.drawImage(small, 0, 0, SIZE, SIZE);
    }
    for (const stroke of this.#strokes) {
      this.#line(stroke[0], stroke[0]);
      for (let at = 1; at < stroke.length; at++) this.#line(stroke[at - 1], stroke[at]);
    }
  }
}
