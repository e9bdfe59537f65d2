// Curves of numeric tags: one strip each, changes of role as vertical lines.
import { el, shown, clock } from "./words.js";

const SPAN_MS = 120_000;
const POINTS_MAX = 1_500;
const STRIPS_MAX = 4;
const STRIPS_FIRST = 3;

const short = (it) => shown(+it.toPrecision(4));
const number = (it) => (typeof it === "boolean" ? Number(it) : typeof it === "number" ? it : null);

export class Trend {
  constructor(place, events) {
    this.place = place;
    this.events = events;
    this.curves = new Map();
    this.strips = new Map();
    this.touched = false;
  }

  clear() { this.curves.clear(); this.strips.clear(); this.touched = false; this.place.replaceChildren(); }
  has(path) { return this.strips.has(path); }
  forget(path) { this.curves.delete(path); this.drop(path); }

  add(tag) {
    const value = number(tag.value);
    if (value == null) return;
    let points = this.curves.get(tag.path);
    if (!points) this.curves.set(tag.path, (points = []));
    points.push([Date.now(), value]);
    // One point before the window is kept: a curve begins at its edge.
    const edge = Date.now() - SPAN_MS;
    while (points.length > POINTS_MAX || (points.length > 1 && points[1][0] < edge)) points.shift();
  }

  // The first numeric tags, until a person chooses.
  choose(tags) {
    if (this.touched) return;
    const wanted = tags.filter((it) => typeof it.value === "number").slice(0, STRIPS_FIRST);
    // Which are the first is not known before all have come.
    for (const path of [...this.strips.keys()]) if (!wanted.some((it) => it.path === path)) this.drop(path);
    for (const it of wanted) if (!this.strips.has(it.path) && this.strips.size < STRIPS_FIRST) this.open(it);
  }

  toggle(tag) {
    this.touched = true;
    if (this.strips.has(tag.path)) return this.drop(tag.path);
    if (number(tag.value) == null) return;
    if (this.strips.size >= STRIPS_MAX) this.drop(this.strips.keys().next().value);
    this.open(tag);
  }

  open(tag) {
    const name = el("b", {}, tag.path);
    const words = el("span", {});
    const canvas = el("canvas", { role: "img", "aria-label": `trend of ${tag.path}` });
    const strip = el("div", { class: "strip" }, el("p", {}, name, words), canvas);
    this.place.append(strip);
    this.strips.set(tag.path, { strip, words, canvas, unit: tag.unit && tag.unit !== "1" ? ` ${tag.unit}` : "" });
    if (!this.curves.has(tag.path)) this.add(tag);
  }

  drop(path) {
    this.strips.get(path)?.strip.remove();
    this.strips.delete(path);
  }

  draw() {
    const now = Date.now();
    const ink = getComputedStyle(document.documentElement);
    const colours = { curve: ink.getPropertyValue("--ready-ink"), line: ink.getPropertyValue("--line"), role: ink.getPropertyValue("--bad-ink"), quiet: ink.getPropertyValue("--quiet") };
    const changes = [...this.events()].filter((it) => it.kind === "role" && it.at_ms > now - SPAN_MS).map((it) => it.at_ms);
    for (const [path, strip] of this.strips) this.strip(strip, this.curves.get(path) ?? [], changes, now, colours);
    if (this.strips.size === 0) {
      if (!this.note) this.place.append((this.note = el("p", { class: "quiet" }, "No numeric tag is chosen.")));
    } else { this.note?.remove(); this.note = null; }
  }

  strip({ canvas, words, unit }, points, changes, now, colours) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (points.length === 0) return;
    const values = points.map((it) => it[1]);
    let [low, high] = [Math.min(...values), Math.max(...values)];
    words.textContent = `${short(values.at(-1))}${unit} (${short(low)} … ${short(high)})`;
    if (low === high) { low -= 1; high += 1; }
    const x = (at) => width * (1 - (now - at) / SPAN_MS);
    const y = (value) => 8 + (height - 22) * (1 - (value - low) / (high - low));
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.quiet;
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1;
    for (let at = Math.ceil((now - SPAN_MS) / 30_000) * 30_000; at < now; at += 30_000) {
      pen.beginPath(); pen.moveTo(x(at), 0); pen.lineTo(x(at), height); pen.stroke();
      pen.fillText(clock(at), x(at) + 3, height - 3);
    }
    pen.strokeStyle = colours.role;
    pen.setLineDash([4, 3]);
    for (const at of changes) { pen.beginPath(); pen.moveTo(x(at), 0); pen.lineTo(x(at), height); pen.stroke(); }
    pen.setLineDash([]);
    // A value holds until the next one: steps, not slopes.
    pen.strokeStyle = colours.curve;
    pen.lineWidth = 2;
    pen.beginPath();
    points.forEach(([at, value], index) => {
      const from = Math.max(0, x(at));
      if (index === 0) pen.moveTo(from, y(value));
      else { pen.lineTo(from, y(points[index - 1][1])); pen.lineTo(from, y(value)); }
    });
    pen.lineTo(width, y(values.at(-1)));
    pen.stroke();
  }
}
