// People flow as a chart: one row a line or zone, in above and out below, and how much was seen at the foot.

import { html, svg } from "./dom.js";

const LEFT = 34;
const RIGHT = 6;
const TITLE = 22;
const PLOT = 58;
const GAP = 12;
const STRIP = 8;
const AXIS = 20;
const FEWEST = 24; // windows on the axis, so that the first bars of a day are not as wide as the page

const number = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));

function nice(max) {
  if (max <= 4) return 4;
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

function row(series, top, x, width, right) {
  const crossing = series.kind === "line";
  const high = nice(crossing ? Math.max(greatest(series.come), greatest(series.go)) : greatest(series.occupancy));
  const base = top + TITLE + (crossing ? PLOT / 2 : PLOT);
  const scale = (crossing ? PLOT / 2 : PLOT) / high;
  const edge = (y, text) => [
    svg("line", { class: "grid", x1: LEFT, x2: right, y1: y, y2: y }),
    svg("text", { class: "tick", x: LEFT - 6, y: y + 3.5, "text-anchor": "end" }, text),
  ];
  return svg("g", {},
    svg("text", { class: "row-title", x: 0, y: top + 12 }, series.name,
      svg("tspan", { class: "row-camera", dx: 8 }, `${series.kind_name} · ${series.camera}`)),
    ...edge(top + TITLE, number(high)),
    ...(crossing ? edge(top + TITLE + PLOT, number(high)) : []),
    ...series.suppressed.map((withheld, index) => withheld
      ? svg("rect", { class: "withheld", x: x(index), width, y: top + TITLE, height: PLOT, fill: "url(#hatch)" }) : null),
    ...(crossing
      ? [...bars(series.come, x, width, base, scale, 1, "in"), ...bars(series.go, x, width, base, scale, -1, "out")]
      : occupancy(series.occupancy, x, width, base, scale)),
    svg("line", { class: "base", x1: LEFT, x2: right, y1: base, y2: base }));
}

function times(windows, x, y, wide) {
  const every = Math.max(1, Math.ceil(windows.length / Math.max(1, Math.floor(wide / 78))));
  return windows.map((window, index) => index % every ? null
    : svg("text", { class: "tick", x: x(index), y }, window.label));
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

/** Draw a panel into a place that is `wide` pixels wide. */
export function draw(place, panel, words) {
  const wide = Math.max(280, place.clientWidth);
  const count = Math.max(FEWEST, panel.windows.length);
  const width = (wide - LEFT - RIGHT) / count;
  const right = wide - RIGHT;
  const x = (index) => LEFT + index * width;
  const foot = panel.series.length * (TITLE + PLOT + GAP);
  const high = foot + STRIP + AXIS;
  const guide = svg("line", { class: "guide", y1: 0, y2: foot + STRIP, visibility: "hidden" });
  const drawing = svg("svg", {
    viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, role: "img", tabindex: 0, "aria-label": panel.description,
  },
  hatch(),
  ...panel.series.map((series, index) => row(series, index * (TITLE + PLOT + GAP), x, width, right)),
  ...panel.windows.map((window, index) => svg("rect", {
    class: "strip", x: x(index), width: Math.max(0.5, width - 0.6), y: foot, height: STRIP,
    "fill-opacity": window.coverage === null ? 0 : 0.12 + 0.88 * window.coverage,
  })),
  ...times(panel.windows, x, foot + STRIP + 14, wide),
  guide);
  const tip = html("div", { class: "tip", hidden: "" });
  place.replaceChildren(drawing, tip);
  listen(drawing, guide, tip, panel, words, x, width, wide);
}

function listen(drawing, guide, tip, panel, words, x, width, wide) {
  let at = panel.windows.length - 1;
  const show = (index) => {
    at = Math.min(panel.windows.length - 1, Math.max(0, index));
    const middle = x(at) + width / 2;
    guide.setAttribute("x1", middle);
    guide.setAttribute("x2", middle);
    guide.setAttribute("visibility", "visible");
    tip.replaceChildren(...said(panel, at, words).map((line, index_) => html(index_ ? "p" : "strong", {}, line)));
    tip.hidden = false;
    tip.style.left = `${Math.min(Math.max(0, middle + (middle > wide / 2 ? -tip.offsetWidth - 10 : 10)), wide - tip.offsetWidth)}px`;
  };
  const hide = () => {
    guide.setAttribute("visibility", "hidden");
    tip.hidden = true;
  };
  drawing.addEventListener("pointermove", (event) => {
    const left = drawing.getBoundingClientRect().left;
    show(Math.floor((event.clientX - left - LEFT) / width));
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

