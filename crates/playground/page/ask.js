// Requests to the program behind the page.

const problem = document.querySelector("#problem");
const told = document.querySelector("#problem-text");

/** The program's own sentence about what is wrong. */
export class Refused extends Error {}

/** GET, or POST if there is a body: a `Uint8Array` is a picture, anything else becomes JSON. */
export async function ask(path, body, signal) {
  const options = { signal };
  if (body !== undefined) {
    const picture = body instanceof Uint8Array;
    options.method = "POST";
    options.headers = { "content-type": picture ? "application/octet-stream" : "application/json" };
    options.body = picture ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The program does not answer. Is it still running? Start it again: digits playground");
  }
  if (response.ok) {
    return response.headers.get("content-type") === "application/json" ? response.json() : response.arrayBuffer();
  }
  const answer = await response.json().catch(() => ({}));
  throw new Refused(answer.error ?? `The program answers with status ${response.status}.`);
}

const problems = new Map();

/** Shows what is wrong with `source`, beside what is wrong elsewhere; `null` takes it away. */
export function show(source, error) {
  if (error?.name === "AbortError") return;
  if (error && !(error instanceof Refused)) console.error(error);
  if (error) problems.set(source, sentence(error.message));
  else if (!problems.delete(source)) return;
  const lines = [...new Set(problems.values())];
  const text = lines.join("\n");
  if (told.textContent !== text) told.textContent = text;
  problem.hidden = lines.length === 0;
}

document.querySelector("#problem-close").addEventListener("click", () => {
  problems.clear();
  told.textContent = "";
  problem.hidden = true;
});

/** Calls `work` at most once at a time; of the calls that come meanwhile, the last one counts. */
export function latest(source, work) {
  let busy = false;
  let next = null;
  return async function again(...args) {
    if (busy) {
      next = args;
      return;
    }
    busy = true;
    await attempt(source, () => work(...args));
    busy = false;
    if (next) {
      const args = next;
      next = null;
      again(...args);
    }
  };
}

/** Calls `work` for every call, one after the other; the promise is kept when it has been. */
export function inTurn(source, work) {
  let last = Promise.resolve();
  return (...args) => (last = last.then(() => attempt(source, () => work(...args))));
}

async function attempt(source, work) {
  try {
    await work();
    show(source, null);
  } catch (error) {
    show(source, error);
  }
}

/** Calls `work` at once, but then not again for this long; the last call is always made up for. */
export function spaced(milliseconds, work) {
  let timer = null;
  let waiting = false;
  const call = () => {
    timer = setTimeout(() => {
      timer = null;
      if (waiting) call();
    }, milliseconds);
    waiting = false;
    work();
  };
  return () => {
    if (timer) waiting = true;
    else call();
  };
}

/** Calls `work` once nothing has asked for it for this long. */
export function settled(milliseconds, work) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), milliseconds);
  };
}

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : whole + ".";
}
