// People flow as a chart: one row a line or zone, in above and out below, and how much was seen at the foot.

import { html, svg } from "./dom.js";

const LEFT = 30;
const RIGHT = 8;
const BETWEEN = 22;
const TITLE = 22;
const PLOT = 56;
const GAP = 12;
const STRIP = 7;
const AXIS = 20;
const LABEL = 62;
const FEWEST = 24; // windows on the axis, so that the first bars of a day are not as wide as the page
const BROAD = 620; // from here on many rows stand in two columns

const number = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));

function nice(max) {
  if (max <= 1) return 1;
  if (max <= 2) return 2;
  const step = 10 ** Math.floor(Math.log10(max));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((times) => times * step).find((top) => top >= max);
}

const greatest = (numbers) => Math.max(0, ...numbers.filter((value) => value !== null));

function hatch() {
  return svg("defs", {},
    svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { width: 6, height: 6, class: "hatch-ground" }),
      svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch-line" })));
}

function bars(values, x, width, base, scale, sign, name) {
  return values.map((value, index) => {
    if (value === null) return null;
    const height = Math.max(value * scale, value > 0 ? 1.5 : 0);
    return svg("rect", {
      class: `bar ${name}`, x: x(index) + width * 0.12, width: width * 0.76,
      y: sign > 0 ? base - height : base, height, rx: Math.min(1.5, width / 6),
    });
  });
}

function occupancy(values, x, width, base, scale) {
  return values.map((value, index) => value === null ? null : svg("rect", {
    class: "bar occupancy", x: x(index), width: width + 0.3, y: base - value * scale, height: Math.max(value * scale, value > 0 ? 1.5 : 0),
  }));
}

/** One line or zone; `at` says where: left edge, top, right edge, and x and width of a window. */
function row(series, at) {
  const crossing = series.kind === "line";
  const high = nice(crossing ? Math.max(greatest(series.come), greatest(series.go)) : greatest(series.occupancy));
  const top = at.top + TITLE;
  const base = crossing ? top + PLOT / 2 : top + PLOT;
  const scale = (crossing ? PLOT / 2 : PLOT) / high;
  const edge = (y) => [
    svg("line", { class: "grid", x1: at.x(0), x2: at.right, y1: y, y2: y }),
    svg("text", { class: "tick", x: at.x(0) - 6, y: y + 3.5, "text-anchor": "end" }, number(high)),
  ];
  return svg("g", {},
    svg("text", { class: "row-title", x: at.left, y: at.top + 12 }, series.name,
      svg("tspan", { class: "row-camera", dx: 8 }, `${series.kind_name} · ${series.camera}`)),
    ...edge(top),
    ...(crossing ? edge(top + PLOT) : []),
    ...series.suppressed.map((withheld, index) => withheld
      ? svg("rect", { class: "withheld", x: at.x(index), width: at.width, y: top, height: PLOT, fill: "url(#hatch)" }) : null),
    ...(crossing
      ? [...bars(series.come, at.x, at.width, base, scale, 1, "in"), ...bars(series.go, at.x, at.width, base, scale, -1, "out")]
      : occupancy(series.occupancy, at.x, at.width, base, scale)),
    svg("line", { class: "base", x1: at.x(0), x2: at.right, y1: base, y2: base }));
}

/** The foot of a column: how much was seen of each window, and when it was. */
function foot(windows, at) {
  const every = Math.max(1, Math.ceil(LABEL / at.width));
  return svg("g", {},
    ...windows.map((window, index) => svg("rect", {
      class: "strip", x: at.x(index), width: Math.max(0.5, at.width - 0.6), y: at.top, height: STRIP,
      "fill-opacity": window.coverage === null ? 0 : 0.12 + 0.88 * window.coverage,
    })),
    ...windows.map((window, index) => index % every ? null
      : svg("text", { class: "tick", x: at.x(index), y: at.top + STRIP + 13 }, window.label)));
}

function said(panel, index, words) {
  const lines = [panel.windows[index].label];
  for (const series of panel.series) {
    const parts = [["in", series.come], ["out", series.go], ["occupancy", series.occupancy]]
      .filter(([, values]) => values.length)
      .map(([name, values]) => `${words[name]} ${values[index] === null ? (series.suppressed[index] ? words.suppressed : words.missing) : number(values[index])}`);
    lines.push(`${series.name}: ${parts.join(" · ")}`);
  }
  const coverage = panel.windows[index].coverage;
  if (coverage !== null) lines.push(`${words.coverage} ${Math.round(coverage * 100)}%`);
  return lines;
}

function columns(panel, wide) {
  const many = panel.series.length > 3 && wide >= BROAD ? 2 : 1;
  const each = (wide - BETWEEN * (many - 1)) / many;
  const width = (each - LEFT - RIGHT) / Math.max(FEWEST, panel.windows.length);
  return Array.from({ length: many }, (_, column) => {
    const left = column * (each + BETWEEN);
    return { left, right: left + each - RIGHT, width, x: (index) => left + LEFT + index * width };
  });
}

/** Draw a panel into a place, as wide as that is. */
export function draw(place, panel, words) {
  const wide = Math.max(280, place.clientWidth);
  const laid = columns(panel, wide);
  const step = TITLE + PLOT + GAP;
  const bottom = Math.ceil(panel.series.length / laid.length) * step;
  const high = bottom + STRIP + AXIS;
  const guides = laid.map(() => svg("line", { class: "guide", y1: 0, y2: bottom + STRIP, visibility: "hidden" }));
  const drawing = svg("svg", {
    viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, role: "img", tabindex: 0, "aria-label": panel.description,
  },
  hatch(),
  ...panel.series.map((series, index) => row(series, {
    ...laid[index % laid.length], top: Math.floor(index / laid.length) * step,
  })),
  ...laid.map((column) => foot(panel.windows, { ...column, top: bottom })),
  ...guides);
  const tip = html("div", { class: "tip", hidden: "" });
  place.replaceChildren(drawing, tip);
  listen(drawing, guides, tip, panel, words, laid, wide);
}

function listen(drawing, guides, tip, panel, words, laid, wide) {
  let at = panel.windows.length - 1;
  const show = (index, column = 0) => {
    at = Math.min(panel.windows.length - 1, Math.max(0, index));
    guides.forEach((guide, each) => {
      const middle = laid[each].x(at) + laid[each].width / 2;
      guide.setAttribute("x1", middle);
      guide.setAttribute("x2", middle);
      guide.setAttribute("visibility", "visible");
    });
    tip.replaceChildren(...said(panel, at, words).map((line, each) => html(each ? "p" : "strong", {}, line)));
    tip.hidden = false;
    const middle = laid[column].x(at) + laid[column].width / 2;
    const beside = middle > wide / 2 ? middle - tip.offsetWidth - 10 : middle + 10;
    tip.style.left = `${Math.min(Math.max(0, beside), Math.max(0, wide - tip.offsetWidth))}px`;
  };
  const hide = () => {
    for (const guide of guides) guide.setAttribute("visibility", "hidden");
    tip.hidden = true;
  };
  drawing.addEventListener("pointermove", (event) => {
    const x = event.clientX - drawing.getBoundingClientRect().left;
    const column = laid.length > 1 && x >= laid[1].left ? 1 : 0;
    show(Math.floor((x - laid[column].x(0)) / laid[column].width), column);
  });
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("focus", () => { if (drawing.matches(":focus-visible")) show(at); });
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(at + step);
  });
}

/** The same numbers as a table, newest window first. */
export function table(panel, words) {
  const columns = panel.series.flatMap((series) => [["in", series.come], ["out", series.go], ["occupancy", series.occupancy]]
    .filter(([, values]) => values.length).map(([name, values]) => ({ name, values, series })));
  const cell = ({ values, series }, index) => html("td", {}, values[index] === null
    ? (series.suppressed[index] ? words.suppressed : "–") : number(values[index]));
  const share = (coverage) => (coverage === null ? "–" : `${Math.round(coverage * 100)}%`);
  return html("table", {},
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, words.time),
      ...columns.map(({ name, series }) => html("th", { scope: "col" }, `${series.name} · ${words[name]}`)),
      html("th", { scope: "col" }, words.coverage))),
    html("tbody", {}, ...panel.windows.map((window, index) => html("tr", {},
      html("th", { scope: "row" }, window.label), ...columns.map((column) => cell(column, index)),
      html("td", {}, share(window.coverage)))).reverse()));
}

