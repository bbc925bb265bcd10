// Going out: by the button, or by itself when nobody has touched the page for half an hour. While somebody does, the
// vault is told so: what the page asks for by itself keeps no session alive there.

import { find } from "./dom.js";
import { leave, send } from "./net.js";

const IDLE = 30 * 60_000;
let touched = Date.now();
let told = 0;

for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"]) {
  addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
}

async function out(next) {
  await send("/api/sign-out").catch(() => null);
  next();
}

find("#sign-out")?.addEventListener("click", () => out(() => location.replace("/sign-in")));
function here() {
  if (touched <= told) return;
  told = Date.now();
  send("/api/here").catch(() => null);
}
here();
setInterval(here, 60_000);
setInterval(() => { if (Date.now() - touched > IDLE) out(leave); }, 15_000);

// A menu that is left closes.
document.addEventListener("pointerdown", (event) => {
  const who = find("#who");
  if (who?.open && !who.contains(event.target)) who.open = false;
});

// What a browser kept of a page for its "back" is of before the session may have ended.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
