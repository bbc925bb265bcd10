// What managers decide: erase early, keep longer, release one item; and the list of what is kept.

import { wrong } from "./checking.js";
import { dialog } from "./dialogs.js";
import { all, fill, find, html, reconcile, say } from "./dom.js";
import * as evidence from "./evidence.js";
import { read, send } from "./net.js";

const address = (alert) => `/api/alerts/${encodeURIComponent(alert)}`;

/** Told after something was decided, so that what shows it is read again. */
const changed = () => dispatchEvent(new Event("decided"));

const ASKED_AGAIN = 2000;

/** A receipt can be fetched once a checkpoint after it is signed: until then there is no link to press. */
async function awaitReceipt(line, key) {
  while (line.isConnected && line.closest("dialog").open) {
    const found = await read(`${key.receipt}/there`).catch(() => null);
    if (found?.there) {
      line.replaceChildren(html("a", { href: key.receipt, download: "" }, html("code", {}, key.key_id)));
      return;
    }
    await new Promise((next) => { setTimeout(next, ASKED_AGAIN); });
  }
}

function erased(answer, found) {
  const part = find(".erased", found);
  say(find(".done-text", part), answer.text);
  find(".done-text", part).hidden = false;
  const receipts = find(".receipts", part);
  const lines = answer.keys.map((key) => html("li", {}, html("code", {}, key.key_id), " ",
    html("span", { class: "quiet" }, receipts.dataset.waits)));
  receipts.replaceChildren(...lines);
  lines.forEach((line, index) => awaitReceipt(line, answer.keys[index]));
  part.hidden = false;
  changed();
  return false;
}

export const erase = dialog(
  "#erase-alert",
  (values, alert) => send(`${address(alert)}/erase`, { reason: values.reason, sure: values.sure === "on" }),
  erased,
  async (found, alert) => {
    const note = find(".held-note", found);
    const held = await read(`${address(alert.alert_id)}/holding`).catch(() => null);
    if (!held?.hold_id) return;
    // Two people decided it: it is ended first, as a decision of its own.
    say(find(".held-text", note), held.text);
    find("a", note).href = `#hold-${held.hold_id}`;
    note.hidden = false;
    find(".filling", found).hidden = true;
    find("[type=submit]", found).hidden = true;
  },
);
find("#erase-alert .held-note a")?.addEventListener("click", () => find("#erase-alert").close());

const eraseSome = dialog("#erase-some", (values) => {
  const [store_id, camera_id] = values.camera.split("/");
  return send("/api/erasures", {
    store_id, camera_id, start: values.start, end: values.end, reason: values.reason, sure: values.sure === "on",
  });
}, erased);
find("#erase-span")?.addEventListener("click", () => eraseSome(null));

export const hold = dialog(
  "#hold-ask",
  (values, alert) => send(`${address(alert)}/hold`, values),
  (_, found) => {
    find(".done-text", found).hidden = false;
    changed();
    return false;
  },
  (found, alert) => {
    // Days are the store's, wherever whoever reads this is; Sweden writes them as forms do.
    const days = new Intl.DateTimeFormat("sv-SE", { timeZone: alert.timezone });
    const day = (ahead) => days.format(Date.now() + ahead * 86_400_000);
    const until = find("[name=until]", found);
    until.min = day(1);
    until.max = day(364);
    until.value = day(30);
  },
);

export const release = dialog(
  "#release-ask",
  (values, alert) => send(`${address(alert)}/release`, { ...values, hours: Number(values.hours) }),
  (answer, found) => {
    const done = find(".done-text", found);
    say(done, answer.text);
    done.hidden = false;
    return false;
  },
  async (found, alert) => {
    const to = find("[name=to]", found);
    const choice = (value, text) => html("option", { value }, text);
    to.replaceChildren(choice("", to.dataset.choose));
    try {
      const { staff } = await read(`${address(alert.alert_id)}/staff`);
      if (!staff.length) throw new Error(to.dataset.nobody);
      to.append(...staff.map((each) => choice(each.name, each.text)));
    } catch (error) {
      const failed = find(".failed", found);
      say(failed, error.message);
      failed.hidden = false;
    }
  },
);

const rules = dialog(
  "#rules",
  () => send("/api/rules/read", { version: find("#rules [data-version]").dataset.version }),
  () => {
    location.reload();
    return true;
  },
);
find("#rules-open")?.addEventListener("click", () => rules(null));

// --- what is kept ---

const list = find("#holds-list");

async function decide(path, problem) {
  problem.hidden = true;
  try {
    await send(path);
    changed();
  } catch (error) {
    say(problem, error.message || list.dataset.failed);
    problem.hidden = false;
  }
}

function make(hold) {
  const problem = html("p", { class: "failed row-more", role: "alert", hidden: "" });
  const path = `/api/holds/${encodeURIComponent(hold.hold_id)}`;
  const button = (name, text, click) => {
    const made = html("button", { type: "button", class: `plain small ${name}` }, text);
    made.addEventListener("click", click);
    return made;
  };
  return html("li", {},
    html("span", { class: "dot", "aria-hidden": "true" }),
    html("span", { class: "row-main" }, html("strong"), html("span", { class: "row-store quiet" })),
    html("span", { class: "row-state" }),
    html("span", { class: "row-more quiet" }),
    html("span", { class: "row-more acts" },
      button("look", list.dataset.look, () => evidence.ask(hold.alert_id)),
      button("agree", list.dataset.agree, () => decide(`${path}/confirm`, problem)),
      button("end", list.dataset.end, () => { if (confirm(list.dataset.sure)) decide(`${path}/end`, problem); })),
    problem);
}

const counts = () => html("li", { "data-state": "sealed" },
  html("span", { class: "dot", "aria-hidden": "true" }),
  html("span", { class: "row-main" }, html("strong", {}, list.dataset.other)),
  html("span", { class: "row-state" }));

function update(item, hold) {
  item.id = `hold-${hold.hold_id}`;
  item.tabIndex = -1;
  item.dataset.state = hold.state;
  say(find("strong", item), fill(list.dataset.incident, { incident: hold.incident }));
  say(find(".row-store", item), `${hold.store} · ${hold.camera}`);
  say(find(".row-state", item), `${hold.state_name} · ${hold.until_text}`);
  say(find(".row-more.quiet", item), `${hold.reason} · ${hold.text}`);
  find(".agree", item).hidden = !hold.may_confirm;
  find(".end", item).hidden = !hold.may_end;
  find(".look", item).hidden = !hold.may_look;
  find(".acts", item).hidden = all(".acts button", item).every((button) => button.hidden);
}

export function showHolds(answer) {
  // Whoever may only know that there are some is shown when each ends.
  const counted = answer.ends.map((ends, index) => ({ key: `counted-${index}`, ends }));
  reconcile(list, [...answer.holds, ...counted], (each) => each.key ?? each.hold_id,
    (each) => each.ends ? counts() : make(each),
    (item, each) => each.ends ? say(find(".row-state", item), each.ends) : update(item, each));
  find("#holds-none").hidden = answer.holds.length + counted.length > 0;
  const count = find("#holds-count");
  count.hidden = answer.count === 0;
  say(count, String(answer.count));
}

// --- what can be checked elsewhere ---

find("#proofs-ledger")?.addEventListener("click", async () => {
  const found = await read("/api/proofs/command").catch(() => null);
  if (found) say(find("#proofs-command"), found.text);
});

// --- one receipt ---

find("#receipt")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const key = find("#receipt-key").value.trim();
  const problem = find("#receipt .failed");
  say(problem, wrong(event.target));
  problem.hidden = !problem.textContent;
  if (problem.textContent) return;
  try {
    const receipt = await read(`/api/proofs/receipts/${encodeURIComponent(key)}`);
    save(`receipt-${key}.json`, JSON.stringify(receipt, null, 1));
  } catch (error) {
    say(problem, error.message);
    problem.hidden = false;
  }
});

function save(name, text) {
  const made = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  html("a", { href: made, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(made), 10_000);
}
