// Asking the console: in the page's language, never from a cache. Whose session has ended is taken to the sign-in page.

import { find } from "./dom.js";

const language = document.documentElement.lang;

function ask(path, options = {}) {
  const address = new URL(path, location.origin);
  address.searchParams.set("lang", language);
  return fetch(address, { cache: "no-store", signal: AbortSignal.timeout(15_000), ...options });
}

/** While the vault cannot say who is here, the page says so, plainly. */
function known(yes) {
  const note = find("#unknown");
  if (note) note.hidden = yes;
}

export function leave() {
  location.replace("/sign-in?ended");
}

/** A refusal, in words for whoever asked. */
export class Refused extends Error {
  constructor(status, said) {
    super([said?.detail, said?.why].filter((text) => typeof text === "string" && text).join(" "));
    this.status = status;
  }
}

async function answered(answer) {
  if (answer.ok) {
    known(true);
    return answer;
  }
  const said = await answer.json().catch(() => null);
  if (answer.status === 401) leave();
  if (said?.unknown) known(false);
  throw new Refused(answer.status, said);
}

export const read = async (path) => (await answered(await ask(path))).json();

export const asked = async (path) => { await answered(await ask(path)); };

export const fetched = async (path) => (await answered(await ask(path))).blob();

export async function send(path, body = {}, options = {}) {
  const answer = await answered(await ask(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), ...options,
  }));
  return answer.status === 204 ? null : answer.json();
}
