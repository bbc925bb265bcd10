// The role matrix as a table.

import { find, html, say } from "./dom.js";
import { read } from "./net.js";
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

try {
  const found = await read("/api/matrix");
  table.append(
    html("thead", {}, html("tr", {},
      html("th", { scope: "col" }, table.dataset.action),
      ...found.roles.map(([, name]) => html("th", { scope: "col" }, name)),
      html("th", { scope: "col" }, table.dataset.for))),
    html("tbody", {}, ...found.rows.map(row)));
} catch {
  const away = find(".away", panel);
  say(away, panel.dataset.away);
  away.hidden = false;
}
