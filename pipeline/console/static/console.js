// The page's life: alerts as they come, panels as they change. Every word comes from the server.

import { draw, table } from "./chart.js";
import { erase, hold, release, showHolds } from "./deciding.js";
import { all, fill, find, html, reconcile, say } from "./dom.js";
import { ask, offer } from "./evidence.js";
import { read, send } from "./net.js";
import "./session.js";
import { showStays } from "./stays.js";

const language = document.documentElement.lang;

function tile(name, text) {
  const figure = find(`#tile-${name} .figure`);
  if (figure) say(figure, text);
}

// --- what was noticed ---

const cards = find("#cards");

function list(parent, texts) {
  if (all("li", parent).map((each) => each.textContent).join("\n") === texts.join("\n")) return;
  parent.replaceChildren(...texts.map((text) => html("li", {}, text)));
}

function update(card, alert) {
  const put = (name, text) => say(find(`.${name}`, card), text);
  for (const name of ["time", "store", "place", "category", "acknowledged", "seen", "rarity", "usefulness", "caveat"]) {
    put(name, alert[name]);
  }
  find(".time", card).setAttribute("datetime", alert.raised);
  put("where", `${alert.store} · ${alert.place} · ${alert.camera}`);
  put("span", `${alert.date} ${alert.span}`);
  list(find(".numbers", card), alert.numbers);
  const reasons = find(".explanations", card);
  list(reasons, alert.explanations.length ? alert.explanations : [reasons.dataset.none]);
  const read_ = Boolean(alert.acknowledged_at);
  card.classList.toggle("read", read_);
  find(".after", card).hidden = !read_;
  find(".act", card).hidden = read_;
  card.dataset.raised = alert.raised;
  if (read_ && find(".observed", card).open) offer(card, alert);
}

function make(alert) {
  const card = find("#card").content.firstElementChild.cloneNode(true);
  card.dataset.key = alert.alert_id;
  find(".acknowledge", card).addEventListener("click", () => acknowledge(card, alert.alert_id));
  find(".observed", card).addEventListener("toggle", () => { if (find(".observed", card).open) offer(card, alert); });
  for (const [name, act] of Object.entries({ look: ask, hold, release, erase })) {
    find(`.${name}`, card).addEventListener("click", () => act(alert.alert_id, alert));
  }
  return card;
}

async function acknowledge(card, id) {
  const button = find(".acknowledge", card);
  button.disabled = true;
  find(".failed", card).hidden = true;
  try {
    const answer = await send(`/api/alerts/${encodeURIComponent(id)}/acknowledge`);
    told += 1;
    update(card, answer);
    find(".procedure", card).open = false;
    find(".observed", card).open = true;
    find(".seen", card).tabIndex = -1;
    find(".seen", card).focus({ preventScroll: true });
    count();
  } catch {
    find(".failed", card).hidden = false;
  } finally {
    button.disabled = false;
  }
}

const title = document.title;

function count() {
  const waiting = all(".card:not(.read)", cards).length + held.size;
  const pill = find("#waiting");
  pill.hidden = waiting === 0;
  say(pill, fill(pill.dataset.text, { count: waiting }));
  tile("waiting", String(waiting));
  document.title = waiting ? `(${waiting}) ${title}` : title;
  find("#alerts-none").hidden = cards.children.length > 0;
  const more = find("#more");
  more.hidden = cards.classList.contains("every") || cards.children.length <= 5;
  say(more, fill(more.dataset.text, { count: cards.children.length }));
}

/** Put one alert in its place by time, newest first. */
function place(alert) {
  const card = make(alert);
  update(card, alert);
  find(".procedure", card).open = true;
  card.classList.add("arrived");
  const after = all(".card", cards).find((each) => each.dataset.raised < alert.raised);
  cards.insertBefore(card, after ?? null);
}

function arrive(alert) {
  told += 1;
  const known = all(".card", cards).find((each) => each.dataset.key === alert.alert_id);
  if (known) {
    update(known, alert);
  } else {
    const announce = find("#announce");
    if (!held.has(alert.alert_id)) {
      say(announce, fill(announce.dataset.text, { what: `${alert.store} ${alert.place}` }));
    }
    if (busy()) held.set(alert.alert_id, alert);
    else place(alert);
  }
  showHeld();
}

// Whoever is about to press a button must not find another card under it: while a hand is on the list, what comes
// waits behind a button above it, until the hand leaves or rests.

const held = new Map();
const RESTS = 5000;
let touched = -RESTS;

function watchHands() {
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    cards.addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
  }
  cards.addEventListener("pointerleave", () => { touched = -RESTS; letIn(); });
  find("#held").addEventListener("click", () => { touched = -RESTS; letIn(); cards.scrollTo({ top: 0 }); });
  setInterval(() => letIn(), 1000);
  find("#more").addEventListener("click", () => { cards.classList.add("every"); count(); });
}

const busy = () => cards.children.length > 0 && performance.now() - touched < RESTS;

function letIn() {
  if (held.size === 0 || busy()) return;
  for (const alert of held.values()) place(alert);
  held.clear();
  showHeld();
}

function showHeld() {
  const button = find("#held");
  button.hidden = held.size === 0;
  say(button, fill(button.dataset.text, { count: held.size }));
  count();
}

let told = 0; // what was told while a list was on its way is newer than that list

async function readAlerts() {
  const before = told;
  const answer = await read("/api/alerts");
  if (told !== before) return readAlerts();
  if (busy() && answer.alerts.some((alert) => held.has(alert.alert_id))) return;
  held.clear();
  const first = cards.children.length === 0;
  reconcile(cards, answer.alerts, (alert) => alert.alert_id, make, update);
  if (first) {
    const newest = find(".card:not(.read) .procedure", cards);
    if (newest) newest.open = true;
  }
  say(find("#alert-notes"), answer.notes.join(" "));
  showHeld();
  mayLook();
}

// --- the live connection ---

let lastSign = Date.now();

function linked(state) {
  lastSign = Date.now();
  const link = find("#link");
  link.dataset.state = state;
  say(find(".link-text", link), link.dataset[state]);
}

let stream = null;

function listen() {
  stream?.close();
  stream = new EventSource(`/api/alerts/stream?lang=${language}`);
  stream.addEventListener("open", () => {
    linked("live");
    readAlerts().catch(() => linked("away"));
  });
  stream.addEventListener("alert", (event) => {
    linked("live");
    arrive(JSON.parse(event.data));
  });
  stream.addEventListener("alive", () => linked("live"));
  stream.addEventListener("error", () => linked("away"));
}

/** A stream that is quiet for thirty seconds is dead, whatever the browser believes; one that closed is opened again. */
function watch() {
  const quiet = Date.now() - lastSign > 30_000;
  if (quiet || stream.readyState === EventSource.CLOSED) {
    linked("away");
    listen();
  }
}

// --- panels ---

function away(panel, text) {
  const note = find(".away", panel);
  note.hidden = !text;
  say(note, text);
  panel.classList.toggle("is-away", Boolean(text));
}

/** Read a panel's data every so often; what cannot be had is said in that panel, and the page goes on. */
function keep(selector, seconds, path, show) {
  const panel = find(selector);
  if (!panel) return () => {};
  const turn = async () => {
    if (document.hidden) return;
    try {
      const answer = await read(path());
      away(panel, answer.away ?? "");
      show(answer, panel);
    } catch {
      away(panel, panel.dataset.away);
    }
  };
  turn();
  setInterval(turn, seconds * 1000);
  document.addEventListener("visibilitychange", turn);
  return turn;
}

const flowWords = Object.fromEntries(all("#flow [data-word]").map((each) => [each.dataset.word, each.textContent]));
let flow = null;

function showFlow(answer) {
  if (!answer.panel || answer.panel.store_id !== chosenStore()) return;
  flow = answer.panel;
  const nothing = flow.series.length === 0;
  find("#chart").hidden = nothing;
  find("#flow .legend").hidden = nothing;
  find("#flow-table").hidden = nothing;
  find("#flow-none").hidden = !nothing;
  const note = find("#flow-none [data-text]");
  say(note, fill(note.dataset.text, { length: flow.length }));
  say(find(".flow-totals"), nothing ? "" : flow.totals.text);
  say(find(".flow-every"), [flow.date, flow.every, flow.seen, flow.noised].filter(Boolean).join(" · "));
  drawFlow();
}

function drawFlow() {
  if (!flow?.series.length) return;
  const looking = find("#chart .tip:not([hidden])");
  if (!looking) draw(find("#chart"), flow, flowWords);
  showStays(find("#stays"), flow);
  const details = find("#flow-table");
  if (details.open) find(".scroll", details).replaceChildren(table(flow, flowWords));
}

const chosenStore = () => find("#flow [aria-pressed=true]")?.dataset.store ?? "";

function chooseStore(button, turn) {
  for (const each of all("#flow .tabs button")) each.setAttribute("aria-pressed", String(each === button));
  find("#chart").replaceChildren();
  turn();
}

function showCameras(answer, panel) {
  tile("cameras", String(answer.seeing));
  const note = find("#tile-cameras .tile-note");
  say(note, fill(note.dataset.text, { count: answer.count }));
  const rows = find(".rows", panel);
  reconcile(rows, answer.cameras, (camera) => `${camera.store_id}/${camera.camera_id}`,
    () => html("li", {},
      html("span", { class: "dot", "aria-hidden": "true" }),
      html("span", { class: "row-main" }, html("strong"), html("span", { class: "row-store quiet" })),
      html("span", { class: "row-state" }),
      html("span", { class: "row-more quiet" })),
    (item, camera) => {
      item.dataset.state = camera.state;
      say(find("strong", item), camera.name);
      say(find(".row-store", item), camera.store);
      say(find(".row-state", item), camera.state_name);
      say(find(".row-more", item), [
        camera.ails, camera.aside, `${rows.dataset.last} ${camera.last}`, `${rows.dataset.coverage} ${camera.coverage_text}`, camera.counts,
      ].filter(Boolean).join(" · "));
    });
}

function showStages(answer, panel) {
  if (!answer.panel) return;
  say(find(".dead-text", panel), answer.panel.dead_text);
  find(".dead", panel).title = answer.panel.dead.map((each) => `${each.topic}: ${each.count}`).join("\n");
  const stages = find(".stages", panel);
  reconcile(stages, answer.panel.stages, (stage) => stage.stage,
    () => html("li", {},
      html("span", { class: "stage-name" }, html("span", { class: "dot", "aria-hidden": "true" }), html("strong")),
      html("span", { class: "stage-note quiet" }),
      html("span", { class: "stage-state" }),
      html("span", { class: "stage-lag" }, html("span", { class: "quiet" }, `${stages.dataset.lag} `), html("b")),
      html("ul", { class: "partitions" })),
    (item, stage) => {
      item.dataset.state = stage.state;
      say(find("strong", item), stage.name);
      say(find(".stage-note", item), stage.note);
      say(find(".stage-state", item), stage.workers ? `${stage.state_name} · ${stage.workers_text}` : stage.state_name);
      say(find("b", item), stage.lag_text);
      reconcile(find(".partitions", item), stage.partitions, (each) => `${each.topic}/${each.partition}`,
        () => html("li", {}, html("span", { class: "unseen" })),
        (cell, each) => {
          cell.title = each.text;
          cell.dataset.level = each.lag < 50 ? "little" : each.lag < 500 ? "some" : "much";
          say(find("span", cell), each.text);
        });
    });
}

function showForgotten(answer, panel) {
  if (!answer.panel) return;
  tile("forgotten", answer.panel.keys_text);
  for (const field of all("[data-field]", panel)) say(field, String(answer.panel[field.dataset.field]));
}

const flowTurn = keep("#flow", 5, () => `/api/flow?store=${encodeURIComponent(chosenStore())}`, showFlow);
if (find("#flow")) {
  for (const button of all("#flow .tabs button")) button.addEventListener("click", () => chooseStore(button, flowTurn));
  find("#flow-table").addEventListener("toggle", drawFlow);
  new ResizeObserver(() => drawFlow()).observe(find("#chart"));
}

keep("#cameras", 5, () => "/api/cameras", showCameras);
keep("#stages", 5, () => "/api/stages", showStages);
keep("#forgotten", 5, () => "/api/forgotten", showForgotten);
const holdsTurn = keep("#holds", 10, () => "/api/holds", showHolds);

/** Whom a manager let look at one item is told so on its card, and until when. */
async function mayLook() {
  if (document.hidden || !("byRelease" in cards.dataset)) return;
  const found = await read("/api/released").catch(() => null);
  if (!found) return;
  const texts = new Map(found.released.map((each) => [each.alert_id, each.text]));
  for (const card of all(".card", cards)) {
    const badge = find(".yours", card);
    badge.hidden = !texts.has(card.dataset.key);
    say(badge, texts.get(card.dataset.key) ?? "");
  }
}

if (cards) {
  setInterval(mayLook, 5000);
  document.addEventListener("visibilitychange", mayLook);
  watchHands();
  setInterval(watch, 5000);
  setInterval(() => readAlerts().catch(() => linked("away")), 30_000);
  listen();
}

addEventListener("decided", () => {
  holdsTurn();
  if (cards) readAlerts().catch(() => linked("away"));
});

const today = async () => {
  if (document.hidden || !find("#tile-visitors")) return;
  const answer = await read("/api/today").catch(() => null);
  if (!answer || answer.away) return;
  tile("visitors", answer.text);
  const note = find("#tile-visitors .tile-note");
  note.dataset.said ??= note.textContent;
  say(note, [note.dataset.said, answer.seen].filter(Boolean).join(" · "));
};
today();
setInterval(today, 10_000);
