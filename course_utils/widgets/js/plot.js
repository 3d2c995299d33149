// A chart in SVG that follows width and theme: axes by d3, everything else drawn by its widget.
import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { line, symbol, symbolCircle, symbolCross, symbolDiamond, symbolDiamond2, symbolSquare, symbolStar, symbolTriangle } from "d3-shape";
import { bisect } from "./metrics.js";
import { h, newId } from "./parts.js";

const NS = "http://www.w3.org/2000/svg";
const SYMBOLS = {
  o: [symbolCircle], "^": [symbolTriangle], v: [symbolTriangle, 180], s: [symbolSquare], P: [symbolCross],
  D: [symbolDiamond], d: [symbolDiamond2], X: [symbolCross, 45], p: [symbolStar], h: [symbolStar, 36],
  "<": [symbolTriangle, -90], ">": [symbolTriangle, 90], "*": [symbolStar],
};

/** An SVG element in another. */
export function svg(kind, parent, attributes = {}) {
  const element = document.createElementNS(NS, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}
export const place = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
};

const MEMBERS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c77c00", "#2d96d8", "#7a5c99", "#5f6b2d"];

/** Colour of Python's palette, lightened in the dark by CSS. */
export const shade = (hex) => `var(--c-${hex.slice(1).toLowerCase()}, ${hex})`;
export const memberShade = (m) => shade(MEMBERS[m % MEMBERS.length]);

/** A marker with colour in an own group; `moveTo(x, y)`. */
export function marker(parent, looks, { size = 60, hollow = false } = {}) {
  const group = svg("g", parent), [shape, turn = 0] = SYMBOLS[looks.marker] ?? SYMBOLS.o;
  const path = svg("path", group, { d: symbol(shape, size)(), transform: `rotate(${turn})`, class: hollow ? "cw-hollow" : "cw-solid" });
  path.style.setProperty("--own", shade(looks.color));
  group.moveTo = (x, y) => group.setAttribute("transform", `translate(${x},${y})`);
  return group;
}

export class Plot {
  /**
   * @param parent an element
   * @param traits labels of the axes, formats of their ticks, height, and what to do when the size changes
   */
  constructor(parent, { x, y, height = 0.46, lowest = 210, highest = 360, redraw }) {
    Object.assign(this, { xAxis: x, yAxis: y, share: height, lowest, highest, redraw });
    this.title = newId("title");
    this.box = h("div", { className: "cw-plot" });
    parent.append(this.box);
    this.svg = svg("svg", this.box, { role: "img", "aria-labelledby": this.title });
    this.alt = svg("title", this.svg, { id: this.title });
    this.x = scaleLinear();
    this.y = scaleLinear();
    this.grid = svg("g", this.svg, { class: "cw-grid" });
    this.axes = [svg("g", this.svg, { class: "cw-axis" }), svg("g", this.svg, { class: "cw-axis" })];
    this.labels = [svg("text", this.svg, { class: "cw-label" }), svg("text", this.svg, { class: "cw-label" })];
    this.clip = newId("clip");
    this.clipRect = svg("rect", svg("clipPath", this.svg, { id: this.clip }));
    this.curves = svg("g", this.svg, { "clip-path": `url(#${this.clip})` });
    this.marks = svg("g", this.svg);
    this.observer = new ResizeObserver(() => {
      if (Math.abs(this.box.clientWidth - this.width) > 1) this.resize() && this.redraw();
    });
    this.observer.observe(this.box);
    this.width = this.height = 0;
    this.margin = { left: 46, right: 14, top: 30, bottom: 42 };
    this.resize();
  }
  resize() {
    const width = this.box.clientWidth;
    if (!width) return false;
    this.width = width;
    const most = parseFloat(getComputedStyle(this.box).maxHeight) || Infinity; // a slide's, for instance
    this.height = Math.round(Math.min(most, this.highest, Math.max(this.lowest, width * this.share)));
    place(this.svg, { width, height: this.height, viewBox: `0 0 ${width} ${this.height}` });
    return true;
  }
  /** Set the ends of the axes and draw them. */
  frame([x0, x1], [y0, y1]) {
    if (!this.width && !this.resize()) return; // not in the page yet; the observer will draw
    const { left, right, top, bottom } = this.margin;
    this.x.domain([x0, x1]).range([left, this.width - right]);
    this.y.domain([y0, y1]).range([this.height - bottom, top]);
    const key = [x0, x1, y0, y1, this.width, this.xAxis.label, this.yAxis.label].join();
    if (key === this.framed) return;
    this.framed = key;
    const across = Math.max(3, Math.min(this.xAxis.ticks ?? 8, this.width / 75)), up = this.yAxis.ticks ?? 5;
    select(this.axes[0]).attr("transform", `translate(0,${this.height - bottom})`)
      .call(axisBottom(this.x).ticks(across).tickSizeOuter(0).tickFormat(this.xAxis.format ?? this.x.tickFormat(across)));
    select(this.axes[1]).attr("transform", `translate(${left},0)`)
      .call(axisLeft(this.y).ticks(up).tickSizeOuter(0).tickFormat(this.yAxis.format ?? this.y.tickFormat(up)));
    this.grid.replaceChildren();
    for (const value of this.y.ticks(up))
      svg("line", this.grid, { x1: left, x2: this.width - right, y1: this.y(value), y2: this.y(value) });
    this.labels[0].textContent = this.xAxis.label;
    place(this.labels[0], { x: (left + this.width - right) / 2, y: this.height - 6, "text-anchor": "middle" });
    this.labels[1].textContent = this.yAxis.label;
    place(this.labels[1], { x: 0, y: 14 }); // above the axis, where it can be read without turning the head
    place(this.clipRect, { x: left, y: top - 2, width: Math.max(0, this.width - left - right), height: Math.max(0, this.height - top - bottom + 2) });
  }
  /** Path of points, thinned to what the eye can tell apart. */
  path(xs, ys) {
    const points = [];
    let lastX = -Infinity, lastY = -Infinity;
    for (let i = 0; i < xs.length; i++) {
      const x = this.x(xs[i]), y = this.y(ys[i]);
      if (!Number.isFinite(y)) continue;
      if (Math.abs(x - lastX) < 0.7 && Math.abs(y - lastY) < 0.7 && i + 1 < xs.length) continue;
      points.push([(lastX = x), (lastY = y)]);
    }
    return line()(points) ?? "";
  }
  /** The pointer in the coordinates of the data and of the picture. */
  at(event) {
    const box = this.svg.getBoundingClientRect(), scale = box.width / this.width; // a slide is scaled
    const px = (event.clientX - box.left) / scale, py = (event.clientY - box.top) / scale;
    return { px, py, x: this.x.invert(px), y: this.y.invert(py) };
  }
  stop() {
    this.observer.disconnect();
  }
}

/** A curve in the looks of a model. */
export function curve(parent, looks) {
  const path = svg("path", parent, { class: "cw-curve", "stroke-dasharray": (looks.dash ?? []).map((n) => 2 * n).join(" ") });
  path.style.setProperty("--own", shade(looks.color));
  return path;
}

/**
 * The curves of several models, with a few markers each, so that colour is not needed to tell them
 * apart. Returns how to draw them: a function for each model that returns {xs, ys} (undefined: not
 * shown), the place of the chosen one, and what the numbers depend on.
 */
export function curvesOf(plot, models) {
  const drawn = models.map((looks) => [curve(plot.curves, looks), ...[0, 1, 2, 3].map(() => marker(plot.curves, looks, { size: 40 }))]);
  return (lines, chosen, key) => lines.forEach((line, number) => {
    const [path, ...marks] = drawn[number], now = line ? `${key} ${plot.framed}` : "";
    path.classList.toggle("cw-chosen", number === chosen);
    if (path.key === now) return;
    path.key = now;
    for (const part of drawn[number]) part.style.display = line ? "" : "none";
    if (!line) return;
    const { xs, ys } = line(), [start, end] = plot.x.domain();
    path.setAttribute("d", plot.path(xs, ys));
    marks.forEach((one, k) => {
      const share = (k + 0.3 + (0.5 * number) / models.length) / marks.length;
      const at = Math.min(bisect(xs, start + share * (end - start)), xs.length - 1);
      one.moveTo(plot.x(xs[at]), plot.y(ys[at]));
    });
  });
}

/** What is dragged along a curve, with room for a finger. */
export function grip(parent) {
  const handle = svg("g", parent, { class: "cw-handle" });
  svg("circle", handle, { r: 22, class: "cw-touch" });
  svg("circle", handle, { r: 9, class: "cw-grip" });
  return handle;
}

/** A legend of models: buttons that choose one, with what is known of each. */
export function legend(models, onchoose) {
  const entries = models.map((looks) => {
    const sample = document.createElementNS(NS, "svg");
    place(sample, { width: 34, height: 14, "aria-hidden": "true" });
    curve(sample, looks).setAttribute("d", "M1,7H33");
    marker(sample, looks, { size: 45 }).moveTo(17, 7);
    const words = h("span", {}, looks.name), more = h("small", {});
    const entry = h("button", { type: "button", className: "cw-entry", onclick: () => onchoose?.(looks.name) }, sample, words, more);
    return { entry, more };
  });
  const box = h("div", { className: "cw-legend", role: "group", "aria-label": "Models" }, ...entries.map((one) => one.entry));
  box.put = (chosen, texts = []) =>
    entries.forEach(({ entry, more }, i) => {
      entry.setAttribute("aria-pressed", models[i].name === chosen);
      more.textContent = texts[i] ?? "";
    });
  return box;
}
