// The editor of a camera's places: drag, or Tab and the arrow keys. The backdrop is drawn from memory, and is gone with
// the page. Nothing is changed anywhere before it is saved.

import { dialog } from "./dialogs.js";
import { all, fill, find, html, say, svg } from "./dom.js";
import { fetched, read, send } from "./net.js";
import "./session.js";
import { arrow, grown, isBox, made, mayGrow, moved, placesOf, shapesOf, turned, without } from "./shapes.js";

const HIGH = 1000;
const STEP = .005;
const FAR = .05;
const WAIT = 2000;
const TRIES = 45;

const panel = find("#places");
const board = find("#board");
const canvas = find("#backdrop");
const list = find("#shapes");
const camera = find("#camera");
const waiting = find("#aside");

let aspect = 16 / 9;
let version = "";
let shapes = [];
let before = [];
let aside = [];
let chosen = null;
let look = null;
let loading = 0;
let unit = 1;
let shown = "";
const coarse = matchMedia("(pointer: coarse)").matches;

const address = () => `/api/places/${camera.value.split("/").map(encodeURIComponent).join("/")}`;
const label = (kind) => list.getAttribute(`data-${kind.replace("_", "-")}`);
const nameOf = (shape) => shape.more.name || shape.more.id || label(shape.kind);
const at = ([x, y]) => [x * aspect * HIGH, y * HIGH];

// --- what is drawn ---

function draw() {
  const focused = document.activeElement?.dataset?.handle;
  board.setAttribute("viewBox", `0 0 ${aspect * HIGH} ${HIGH}`);
  // As large as a finger or a pointer needs, however small the picture is.
  unit = HIGH / (board.clientHeight || HIGH);
  // Small ones lie on top, and the chosen one's corners on all of them: else they could not be reached.
  const order = shapes.map((_, index) => index).sort((a, b) => size(shapes[b]) - size(shapes[a]));
  board.replaceChildren(...undecided().map(outlined), ...order.map((index) => drawn(shapes[index], index)));
  if (chosen !== null) for (const each of all(`[data-index="${chosen}"] .corner`, board)) board.append(each);
  if (focused) find(`[data-handle="${focused}"]`, board)?.focus();
}

function size(shape) {
  const [xs, ys] = [0, 1].map((axis) => shape.points.map((each) => each[axis]));
  return (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
}

function drawn(shape, index) {
  const picked = index === chosen;
  const group = svg("g", { class: `shape ${shape.kind} ${shape.more.kind === "restricted" ? "restricted" : ""} ${picked ? "picked" : ""}`, "data-index": index });
  group.append(body(shape, index));
  if (shape.kind === "lines") group.append(...arrowOf(shape));
  group.append(svg("text", { ...placed(shape), class: "shape-name", "font-size": 14 * unit, "stroke-width": 3 * unit }, nameOf(shape)));
  group.append(...shape.points.map((each, corner) => handle(shape, index, each, corner)));
  return group;
}

function body(shape, index) {
  const about = {
    class: "body", tabindex: 0, role: "button", "data-handle": `${index}`,
    "aria-label": fill(panel.dataset.whole, { name: nameOf(shape) }),
  };
  if (shape.kind === "lines") {
    const [[x1, y1], [x2, y2]] = shape.points.map(at);
    return svg("line", { ...about, x1, y1, x2, y2 });
  }
  const corners = isBox(shape.kind) ? boxed(shape.points) : shape.points;
  return svg("polygon", { ...about, points: corners.map((each) => at(each).join(",")).join(" ") });
}

const boxed = ([[left, top], [right, bottom]]) => [[left, top], [right, top], [right, bottom], [left, bottom]];

function placed(shape) {
  const [x, y] = at(shape.points.reduce((top, each) => (each[1] < top[1] ? each : top)));
  return { x, y: Math.max(17 * unit, y - 10 * unit) };
}

function arrowOf(shape) {
  const [[x1, y1], [x2, y2]] = arrow(shape.points, aspect, .11).map(at);
  const [dx, dy] = [(x2 - x1) / 110, (y2 - y1) / 110];
  const side = (turn) => `${x2 - 24 * dx + turn * 14 * dy},${y2 - 24 * dy - turn * 14 * dx}`;
  return [
    svg("line", { class: "arrow", x1, y1, x2, y2 }),
    svg("polygon", { class: "arrow-head", points: `${x2},${y2} ${side(1)} ${side(-1)}` }),
  ];
}

function handle(shape, index, place, corner) {
  const [cx, cy] = at(place);
  const [x, y] = place.map((each) => Math.round(each * 100));
  return svg("circle", {
    class: "corner", cx, cy, r: (coarse ? 13 : 7) * unit, tabindex: 0, role: "button", "data-handle": `${index}:${corner}`,
    "aria-label": fill(panel.dataset.corner, { name: nameOf(shape), number: corner + 1, x, y }),
  });
}

// --- what is set aside, until somebody says what it is ---

const sides = ({ left, top, right, bottom }) => [[left, top], [right, bottom]];
const key = (points) => points.flat().map((each) => each.toFixed(4)).join();

/** What nobody has decided of: by the shapes that are drawn, saved or not. */
function undecided() {
  const decided = new Set(shapes.filter((each) => isBox(each.kind)).map((each) => each.more.from ?? ""));
  return aside.filter((each) => !decided.has(key(sides(each.bounding_box))));
}

function outlined(each, number) {
  const corners = boxed(sides(each.bounding_box));
  const [x, y] = at(corners[0]);
  return svg(
    "g", { class: "aside-outline" },
    svg("polygon", { points: corners.map((corner) => at(corner).join(",")).join(" ") }),
    svg("text", { class: "shape-name", x: x + 6 * unit, y: y + 18 * unit, "font-size": 14 * unit, "stroke-width": 3 * unit }, `${number + 1}`),
  );
}

function decide(each, kind) {
  const points = sides(each.bounding_box);
  before.push(shapes);
  shapes = [...shapes, { kind, points, more: { from: key(points) } }];
  chosen = shapes.length - 1;
  unsaved();
  show();
}

function asked(each, number) {
  return html(
    "li", { class: "shape-row" }, html("strong", {}, `${number + 1}`), html("span", {}, each.text),
    html("span", { class: "acts" },
      button(waiting.dataset.thing, () => decide(each, "not_people")),
      button(waiting.dataset.person, () => decide(each, "people_here"))),
  );
}

// --- the list ---

function field(text, input) {
  return html("label", {}, text, " ", input);
}

function button(text, click) {
  const element = html("button", { type: "button", class: "plain small" }, text);
  element.addEventListener("click", click);
  return element;
}

function row(shape, index) {
  const item = html("li", { class: `shape-row ${shape.kind} ${index === chosen ? "picked" : ""}` }, html("strong", {}, label(shape.kind)));
  const change = (more) => {
    before.push(shapes);
    shapes = shapes.with(index, { ...shapes[index], more: { ...shapes[index].more, ...more } });
    unsaved();
    draw();
  };
  if (shape.kind === "zones" || shape.kind === "lines") {
    const name = html("input", { type: "text", maxlength: 64, value: shape.more.name ?? "" });
    name.addEventListener("change", () => change({ name: name.value }));
    item.append(field(list.dataset.name, name));
  }
  if (shape.kind === "zones") {
    const restricted = html("input", { type: "checkbox" });
    restricted.checked = shape.more.kind === "restricted";
    restricted.addEventListener("change", () => change({ kind: restricted.checked ? "restricted" : "area" }));
    const after = html("input", { type: "number", min: 1, max: 36000, step: 1, value: shape.more.loitering_after ?? "" });
    after.addEventListener("change", () => change({ loitering_after: after.value ? Number(after.value) : null }));
    item.append(field(list.dataset.restricted, restricted), field(list.dataset.loitering, after));
  }
  const acts = html("span", { class: "acts" });
  if (shape.kind === "lines") {
    item.append(html("span", { class: "quiet" }, list.dataset.into));
    acts.append(button(list.dataset.turn, () => set(index, turned(shapes[index]))));
  }
  if (mayGrow(shape)) acts.append(button(list.dataset.more, () => set(index, grown(shapes[index]))));
  acts.append(button(list.dataset.delete, () => remove(index)));
  item.append(acts);
  item.addEventListener("focusin", () => choose(index));
  return item;
}

function show() {
  list.replaceChildren(...shapes.map(row));
  find("#shapes-none").hidden = shapes.length > 0;
  const open = undecided();
  waiting.hidden = open.length === 0;
  find("ul", waiting).replaceChildren(...open.map(asked));
  draw();
}

function choose(index) {
  if (chosen === index) return;
  chosen = index;
  for (const [number, each] of [...list.children].entries()) each.classList.toggle("picked", number === index);
  draw();
}

// --- changes ---

function unsaved() {
  find("#save").disabled = false;
  find("#undo").disabled = before.length === 0;
  say(find("#places-said"), panel.dataset.unsaved);
}

function set(index, shape) {
  before.push(shapes);
  shapes = shapes.with(index, shape);
  unsaved();
  show();
}

function remove(index) {
  before.push(shapes);
  shapes = shapes.filter((_, each) => each !== index);
  chosen = null;
  unsaved();
  show();
}

for (const each of all("[data-add]", panel)) {
  each.addEventListener("click", () => {
    before.push(shapes);
    shapes = [...shapes, made(each.dataset.add, shapes, label(each.dataset.add))];
    chosen = shapes.length - 1;
    unsaved();
    show();
    find(`[data-handle="${chosen}"]`, board).focus();
  });
}

find("#undo")?.addEventListener("click", () => {
  shapes = before.pop() ?? shapes;
  unsaved();
  show();
});

const held = (element) => {
  const [index, corner] = (element?.dataset?.handle ?? "").split(":");
  return index ? { index: Number(index), corner: corner === undefined ? null : Number(corner) } : null;
};

function nudge(event) {
  const what = held(event.target);
  if (!what) return;
  const far = event.shiftKey ? FAR : STEP;
  const ways = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
  if (ways[event.key]) {
    event.preventDefault();
    set(what.index, moved(shapes[what.index], what.corner, ways[event.key]));
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    const less = what.corner === null ? null : without(shapes[what.index], what.corner);
    if (less) set(what.index, less);
    else remove(what.index);
  }
}

function drag(event) {
  const what = held(event.target);
  if (!what || event.button !== 0) return;
  event.preventDefault();
  event.target.focus();
  choose(what.index);
  const from = [event.clientX, event.clientY];
  const first = shapes;
  const { width, height } = board.getBoundingClientRect();
  let went = false;
  const move = (to) => {
    went = true;
    shapes = first.with(what.index, moved(first[what.index], what.corner, [(to.clientX - from[0]) / width, (to.clientY - from[1]) / height]));
    draw();
  };
  const drop = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", drop);
    if (!went) return;
    before.push(first);
    unsaved();
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
}

// --- loading and saving ---

function take(places) {
  version = places.version;
  shapes = shapesOf(places);
  aside = places.aside;
  before = [];
  chosen = null;
  find("#save").disabled = true;
  find("#undo").disabled = true;
  say(find("#places-said"), places.metres ? `${places.note} ${panel.dataset.metres}` : places.note);
  show();
}

function failed(text) {
  const note = find("#places-failed");
  say(note, text);
  note.hidden = !text;
}

async function load() {
  failed("");
  const away = find(".away", panel);
  const wanted = camera.value;
  const places = await read(address()).catch(() => null);
  // Another camera may have been chosen since, and its answer be here already.
  if (camera.value !== wanted) return;
  shown = wanted;
  away.hidden = Boolean(places);
  say(away, places ? "" : panel.dataset.away);
  if (places) take(places);
}

async function save() {
  failed("");
  try {
    take(await send(address(), { version, ...placesOf(shapes) }));
  } catch (error) {
    failed(error.message);
  }
}

// --- the backdrop ---

function forget() {
  loading += 1;
  canvas.width = 16;
  canvas.height = 9;
  delete canvas.dataset.here;
  say(find("#backdrop-said"), "");
  if (look) send(`/api/looks/${look}/end`, {}, { keepalive: true }).catch(() => null);
  look = null;
}

const wait = (time) => new Promise((go) => { setTimeout(go, time); });

async function ready(found) {
  const own = loading;
  for (let tries = 0; found.state === "coming" && tries < TRIES; tries += 1) {
    say(find("#backdrop-said"), found.text);
    await wait(WAIT);
    if (own !== loading) return null;
    found = await read(`/api/backdrops/${encodeURIComponent(found.alert_id)}`);
  }
  say(find("#backdrop-said"), found.state === "coming" ? panel.dataset.late : found.text);
  return found.state === "ready" ? found.alert_id : null;
}

const ask = dialog(
  "#look-ask",
  (values, alert) => send(`/api/alerts/${encodeURIComponent(alert)}/look`, { purpose: Number(values.purpose), reason: values.reason }),
  (answer) => {
    paint(answer).catch((error) => failed(error.message));
    return true;
  },
);

async function paint(answer) {
  look = answer.viewing_id;
  const bitmap = await createImageBitmap(await fetched(answer.frames[0].address));
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  canvas.dataset.here = "1";
  aspect = bitmap.width / bitmap.height;
  bitmap.close();
  draw();
  const own = loading;
  setTimeout(() => { if (own === loading) forget(); }, answer.seconds * 1000);
}

if (camera) {
  const wanted = new URLSearchParams(location.search).get("camera");
  if ([...camera.options].some((each) => each.value === wanted)) camera.value = wanted;
  camera.addEventListener("change", () => {
    if (!find("#save").disabled && !confirm(panel.dataset.lose)) {
      camera.value = shown;
      return;
    }
    forget();
    load();
  });
  board.addEventListener("keydown", nudge);
  board.addEventListener("pointerdown", drag);
  board.addEventListener("focusin", (event) => { const what = held(event.target); if (what) choose(what.index); });
  find("#save").addEventListener("click", save);
  find("#reload").addEventListener("click", load);
  find("#show-backdrop").addEventListener("click", async () => {
    failed("");
    forget();
    try {
      const alert = await ready(await send(`${address()}/backdrop`));
      if (alert) ask(alert);
    } catch (error) {
      failed(error.message);
    }
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  addEventListener("pagehide", forget);
  addEventListener("beforeunload", (event) => { if (!find("#save").disabled) event.preventDefault(); });
  load();
}
