// Where people were, as a map of the picture by cells, and how long they stayed, as bars; numbers beside both.

import { html, svg } from "./dom.js";

function map(heat) {
  const cells = heat.cells.flatMap((share, index) => (share > 0 ? [svg("rect", {
    class: "heat", x: index % heat.across, y: Math.floor(index / heat.across), width: 1, height: 1,
    "fill-opacity": 0.08 + 0.92 * share,
  })] : []));
  return html("figure", { class: "stay" },
    html("figcaption", {}, html("strong", {}, heat.camera), " ", html("span", { class: "quiet" }, `${heat.text} · ${heat.coverage}`)),
    svg("svg", { class: "heat-map", viewBox: `0 0 ${heat.across} ${heat.down}`, role: "img", "aria-label": `${heat.camera}: ${heat.text}` }, ...cells));
}

function bar(bin) {
  return html("li", {},
    html("span", { class: "quiet" }, bin.label),
    svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "bar occupancy", x: 0, y: 0, height: 8, width: 100 * bin.share })),
    html("span", { class: "stay-count" }, bin.count));
}

function dwell(stay) {
  return html("figure", { class: "stay" },
    html("figcaption", {},
      html("strong", {}, stay.zone), " ",
      html("span", { class: "quiet" }, [stay.camera, stay.median, stay.note, stay.coverage].filter(Boolean).join(" · "))),
    html("ul", { class: "stay-bins" }, ...stay.bins.map(bar)));
}

/** Fill both parts in; a part of which nothing was published is not shown. */
export function showStays(place, panel) {
  const [heats, stays] = place.children;
  heats.hidden = panel.heats.length === 0;
  stays.hidden = panel.stays.length === 0;
  heats.lastElementChild.replaceChildren(...panel.heats.map(map));
  stays.lastElementChild.replaceChildren(...panel.stays.map(dwell));
}
