// Requests to the program behind the page.

const problem = document.querySelector("#problem");

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
  const told = await response.json().catch(() => ({}));
  throw new Refused(told.error ?? `The program answers with status ${response.status}.`);
}

/** Shows what is wrong; `null` takes it away. */
export function show(error) {
  if (error?.name === "AbortError") return;
  if (error && !(error instanceof Refused)) console.error(error);
  const text = error ? sentence(error.message) : "";
  if (problem.textContent !== text) problem.textContent = text;
  problem.hidden = !text;
}

/** Calls `work` at most once at a time; of the calls that come meanwhile, the last one counts. */
export function latest(work) {
  let busy = false;
  let next = null;
  return async function again(...args) {
    if (busy) {
      next = args;
      return;
    }
    busy = true;
    try {
      await work(...args);
      show(null);
    } catch (error) {
      show(error);
    }
    busy = false;
    if (next) {
      const args = next;
      next = null;
      again(...args);
    }
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
