// The role matrix as a table, a manager's staff, and one's own password.

import { wrong } from "./checking.js";
import { dialog } from "./dialogs.js";
import { find, html, say } from "./dom.js";
import { read, send } from "./net.js";
import "./session.js";

const panel = find("#matrix");
const table = find(".matrix");

const sign = (cell) => ({ yes: "✓", released: "◐", no: "·" })[cell];

function row(each) {
  return html("tr", {},
    html("th", { scope: "row" }, each.name),
    ...each.cells.map((cell) => html("td", { class: `may-${cell}`, title: table.dataset[cell] },
      html("span", { "aria-hidden": "true" }, sign(cell)),
      html("span", { class: "unseen" }, table.dataset[cell]))),
    html("td", { class: "quiet" }, each.purposes));
}

async function matrix() {
  const found = await read("/api/matrix");
  table.append(
    html("thead", {}, html("tr", {},
      html("th", { scope: "col" }, table.dataset.action),
      ...found.roles.map(([, name]) => html("th", { scope: "col" }, name)),
      html("th", { scope: "col" }, table.dataset.for))),
    html("tbody", {}, ...found.rows.map(row)));
}

matrix().catch(() => {
  const away = find(".away", panel);
  say(away, panel.dataset.away);
  away.hidden = false;
});

// --- accounts ---

const accounts = find("#accounts");
const list = find(".accounts");
const address = (name) => `/api/accounts/${encodeURIComponent(name)}`;

function button(text, click) {
  const made = html("button", { type: "button", class: "plain small" }, text);
  made.addEventListener("click", click);
  return made;
}

async function close(account) {
  const failed = find("#accounts-failed");
  failed.hidden = true;
  try {
    await send(`${address(account.name)}/closed`, { closed: !account.closed });
    await show();
  } catch (error) {
    say(failed, error.message);
    failed.hidden = false;
  }
}

function line(account) {
  const acts = account.own ? [] : [button(list.dataset.dates, () => record(account))];
  if (account.staff && !account.own) {
    acts.push(button(list.dataset.reset, () => reset(account)));
    acts.push(button(account.closed ? list.dataset.reopen : list.dataset.close, () => close(account)));
  }
  return html("tr", {},
    html("th", { scope: "row" }, html("strong", {}, account.display_name), " ", html("span", { class: "quiet" }, account.name)),
    html("td", {}, account.roles.join(" · ")),
    html("td", {}, account.training ?? "–"),
    html("td", {}, account.pledge ?? "–"),
    html("td", { class: account.lacks.length ? "lacks" : "quiet" }, account.lacks.join(" ") || list.dataset.order),
    html("td", {}, html("span", { class: "acts" }, ...acts)));
}

async function show() {
  const found = await read("/api/accounts").catch(() => null);
  const away = find(".away", accounts);
  away.hidden = Boolean(found);
  say(away, found ? "" : accounts.dataset.away);
  if (found) find("tbody", list).replaceChildren(...found.accounts.map(line));
}

const done = () => {
  show();
  return true;
};

const record = dialog("#account-dates", (values, account) => send(`${address(account.name)}/dates`, {
  training_until: values.training_until || null,
  pledged_on: values.pledged_on || null,
  pledge_until: values.pledge_until || null,
}), done);

const reset = dialog("#account-reset", (values, account) => send(`${address(account.name)}/password`, values), done);

const add = dialog("#account-new", (values) => send("/api/accounts", {
  ...values, stores: [...find("#new-stores").selectedOptions].map((option) => option.value),
}), done);

if (accounts) {
  find("#account-add").addEventListener("click", () => add(null));
  show();
}

// --- one's own password ---

const own = find("#own-password");
find("button", own).disabled = false;
own.addEventListener("submit", async (event) => {
  event.preventDefault();
  const failed = find(".failed", own);
  say(failed, wrong(own));
  failed.hidden = !failed.textContent;
  if (failed.textContent) return;
  try {
    await send("/api/password", { old: own.elements.old.value, password: own.elements.password.value });
    location.replace("/sign-in");
  } catch (error) {
    say(failed, error.message);
    failed.hidden = false;
  }
  own.elements.old.value = own.elements.password.value = "";
});
