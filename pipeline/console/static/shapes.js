// Places as points: what the editor moves, adds and takes away, without any page. Each kind has its own form on the wire.

export const KINDS = ["zones", "lines", "masks", "not_people", "people_here"];

/** Kinds that are a box, of two corners. */
export const isBox = (kind) => kind === "not_people" || kind === "people_here";

const clamp = (value) => Math.min(1, Math.max(0, value));
const rounded = (value) => Math.round(value * 10_000) / 10_000;
const point = ([x, y]) => ({ x: rounded(x), y: rounded(y) });
const pair = ({ x, y }) => [x, y];

/** Take what the console sent as shapes: `kind`, `points`, and `more`, which goes back as it came. */
export function shapesOf(places) {
  return KINDS.flatMap((kind) => places[kind].map((each) => ({ kind, points: pointsOf(kind, each), more: { ...each } })));
}

function pointsOf(kind, each) {
  if (kind === "lines") return [pair(each.start), pair(each.end)];
  if (isBox(kind)) return [[each.left, each.top], [each.right, each.bottom]];
  return each.polygon.map(pair);
}

/** Give shapes back in the form in which they are saved. */
export function placesOf(shapes) {
  const places = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  for (const shape of shapes) places[shape.kind].push(wire(shape));
  return places;
}

function wire({ kind, points, more }) {
  if (kind === "lines") return { ...more, start: point(points[0]), end: point(points[1]) };
  if (isBox(kind)) {
    const [xs, ys] = [0, 1].map((axis) => points.map((each) => rounded(each[axis])).sort((a, b) => a - b));
    return { left: xs[0], top: ys[0], right: xs[1], bottom: ys[1] };
  }
  return { ...more, polygon: points.map(point) };
}

const BEGINS = {
  zones: [[.35, .55], [.65, .55], [.65, .85], [.35, .85]],
  lines: [[.35, .7], [.65, .7]],
  masks: [[.4, .1], [.6, .1], [.6, .3], [.4, .3]],
  not_people: [[.45, .3], [.55, .7]],
  people_here: [[.45, .3], [.55, .7]],
};

/** Make a shape in the middle of the picture, with an id that none of its kind has. */
export function made(kind, shapes, name) {
  const points = BEGINS[kind].map((each) => [...each]);
  if (kind === "masks" || isBox(kind)) return { kind, points, more: {} };
  const taken = new Set(shapes.filter((each) => each.kind === kind).map((each) => each.more.id));
  let number = 1;
  while (taken.has(`${kind.slice(0, -1)}-${number}`)) number += 1;
  return { kind, points, more: { id: `${kind.slice(0, -1)}-${number}`, name: `${name} ${number}` } };
}

export function moved(shape, corner, by) {
  const points = shape.points.map((each, at) => (corner === null || at === corner ? each : null));
  // All of it stops at the edge together, and keeps its form.
  const [dx, dy] = [0, 1].map((axis) => {
    const own = points.filter(Boolean).map((each) => each[axis]);
    return Math.min(1 - Math.max(...own), Math.max(-Math.min(...own), by[axis]));
  });
  return { ...shape, points: shape.points.map((each, at) => (points[at] ? [clamp(each[0] + dx), clamp(each[1] + dy)] : each)) };
}

export const least = (shape) => (shape.kind === "zones" || shape.kind === "masks" ? 3 : 2);

export const mayGrow = (shape) => least(shape) === 3 && shape.points.length < 64;

/** Put a corner into the middle of the longest side. */
export function grown(shape) {
  const { points } = shape;
  const next = (at) => points[(at + 1) % points.length];
  const length = (at) => Math.hypot(points[at][0] - next(at)[0], points[at][1] - next(at)[1]);
  const at = points.map((_, each) => each).reduce((best, each) => (length(each) > length(best) ? each : best));
  const middle = [0, 1].map((axis) => (points[at][axis] + next(at)[axis]) / 2);
  return { ...shape, points: [...points.slice(0, at + 1), middle, ...points.slice(at + 1)] };
}

/** Take a corner away; null where too few would be left. */
export function without(shape, corner) {
  if (shape.points.length <= least(shape)) return null;
  return { ...shape, points: shape.points.filter((_, at) => at !== corner) };
}

export const turned = (shape) => ({ ...shape, points: [...shape.points].reverse() });

/** Where the arrow of a line stands: from the middle to its right, seen from start to end, which is the way in. */
export function arrow([start, end], aspect, long) {
  const [dx, dy] = [(end[0] - start[0]) * aspect, end[1] - start[1]];
  const length = Math.hypot(dx, dy) || 1;
  const middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
  return [middle, [middle[0] - (dy / length) * long / aspect, middle[1] + (dx / length) * long]];
}
