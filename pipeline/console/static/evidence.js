// Looking at what was kept: asked with a reason, drawn from memory, gone when the dialog closes. No picture is ever an
// address that could be kept: each is fetched once, and drawn.

import { dialog } from "./dialogs.js";
import { all, fill, find, html, say } from "./dom.js";
import { asked, fetched, read, send } from "./net.js";

const STEP = 500;
const STILL = 5;
const looking = find("#looking");
let look = null;

const address = (alert) => `/api/alerts/${encodeURIComponent(alert)}`;

/** Say on an opened card what is kept, and give the buttons that whoever reads it has. */
export async function offer(card, alert) {
  const kept = find(".kept", card);
  const may = alert.may;
  if (!Object.values(may).some(Boolean)) return;
  const found = may.look || may.look_released
    ? await read(`${address(alert.alert_id)}/evidence`).catch(() => ({ state: "away", text: "" }))
    : { state: "unasked", text: "" };
  const ready = found.state === "ready";
  say(find(".kept-text", kept), found.text);
  find(".look", kept).hidden = !ready;
  find(".hold", kept).hidden = !(may.hold && ready);
  find(".release", kept).hidden = !(may.release && ready);
  find(".erase", kept).hidden = !(may.erase && found.state !== "erased");
  kept.hidden = !found.text && all("button", kept).every((button) => button.hidden);
}

export const ask = dialog(
  "#look-ask",
  (values, alert) => send(`${address(alert)}/look`, { purpose: Number(values.purpose), reason: values.reason }),
  (answer) => {
    queueMicrotask(() => open(answer));
    return true;
  },
);

async function open(answer) {
  end();
  const own = {
    id: answer.viewing_id, frames: answer.frames, bitmaps: [], at: 0, timer: null, clock: null,
    until: performance.now() + answer.seconds * 1000,
  };
  look = own;
  own.canvas = html("canvas");
  find(".picture", looking).replaceChildren(own.canvas);
  say(find(".looking-who", looking), answer.who);
  own.clock = setInterval(tick, 1000);
  tick();
  looking.showModal();
  find(".picture", looking).focus();
  try {
    for (const frame of answer.frames) {
      const bitmap = await createImageBitmap(await fetched(frame.address));
      if (look !== own) {
        bitmap.close();
        return;
      }
      own.bitmaps.push(bitmap);
      own.canvas.dataset.here = own.bitmaps.length;
      if (own.at === own.bitmaps.length - 1) show(own.at);
    }
  } catch (error) {
    if (look === own) over(error.message);
  }
}

function show(number) {
  if (!look) return;
  look.at = (number + look.frames.length) % look.frames.length;
  const { canvas, bitmaps, frames, at } = look;
  const frame = frames[at];
  const text = fill(looking.dataset.frame, { number: at + 1, count: frames.length, time: frame.time });
  say(find(".frame-text", looking), text);
  find(".picture", looking).setAttribute("aria-label", text);
  const note = find(".hidden-note", looking);
  note.hidden = !frame.hidden;
  say(note, frame.hidden);
  // One that is still on its way is drawn when it comes.
  if (bitmaps[at]) draw(canvas, bitmaps[at], frame.box);
}

function draw(canvas, bitmap, [left, top, right, bottom]) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const on = canvas.getContext("2d");
  on.drawImage(bitmap, 0, 0);
  const thin = Math.max(2, bitmap.width / 320);
  const box = [left * bitmap.width, top * bitmap.height, (right - left) * bitmap.width, (bottom - top) * bitmap.height];
  for (const [colour, width] of [["#101615", thin * 2.2], ["#6fc4b6", thin]]) {
    on.strokeStyle = colour;
    on.lineWidth = width;
    on.strokeRect(...box);
  }
}

function play(yes) {
  clearInterval(look?.timer);
  if (look) look.timer = yes ? setInterval(() => show(look.at + 1), STEP) : null;
  say(find(".play", looking), yes ? looking.dataset.pause : looking.dataset.play);
}

function step(by) {
  play(false);
  show((look?.at ?? 0) + by);
}

function tick() {
  if (!look) return;
  const left = Math.max(0, Math.round((look.until - performance.now()) / 1000));
  const values = { minutes: Math.floor(left / 60), seconds: left % 60 };
  const length = fill(left < 60 ? looking.dataset.seconds : looking.dataset.minutes, values);
  say(find(".ends", looking), fill(looking.dataset.ends, { length }));
  if (left === 0) over(looking.dataset.over);
  else if (left % STILL === 0) still(look);
}

/** What was erased or ended meanwhile goes from here, too. */
async function still(own) {
  try {
    await asked(`/api/looks/${own.id}`);
  } catch (error) {
    if (look === own && error.status === 404) over(error.message);
  }
}

function forget() {
  if (!look) return;
  clearInterval(look.timer);
  clearInterval(look.clock);
  for (const bitmap of look.bitmaps) bitmap.close();
  look.canvas.width = look.canvas.height = 0;
  look.canvas.remove();
  look = null;
}

function over(text) {
  const id = look?.id;
  forget();
  say(find(".frame-text", looking), "");
  say(find(".ends", looking), text);
  if (id) send(`/api/looks/${id}/end`).catch(() => null);
}

function end() {
  const id = look?.id;
  forget();
  if (id) send(`/api/looks/${id}/end`, {}, { keepalive: true }).catch(() => null);
}

if (looking) {
  looking.addEventListener("close", () => { play(false); end(); });
  find(".close", looking).addEventListener("click", () => looking.close());
  find(".back", looking).addEventListener("click", () => step(-1));
  find(".next", looking).addEventListener("click", () => step(1));
  find(".play", looking).addEventListener("click", () => play(!look?.timer));
  looking.addEventListener("contextmenu", (event) => event.preventDefault());
  looking.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), " ": () => play(!look?.timer) };
    // A button that has the focus answers to the space bar itself.
    if (!keys[event.key] || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("pagehide", end);
}
