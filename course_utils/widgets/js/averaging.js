// Averaging: the histograms of all members move, one after the other, into one.
import { predictions } from "./data.js";
import { entropyOf, entropySplit, meanOfRows } from "./metrics.js";
import { button, calm, digit, everyFrame, gallery, h, row, slider, voice } from "./parts.js";
import { place, svg } from "./plot.js";
import { count, percent } from "./words.js";

const COLORS = ["0072b2", "d55e00", "009e73", "cc79a7", "c77c00", "2d96d8", "7a5c99", "5f6b2d"];
const SECONDS = 0.6; // for each member
const best = (values) => values.indexOf(Math.max(...values));

/** What the first members say together; `number` of them have arrived. */
export function describe(rows, number, names) {
  if (!number) return `${rows.length} members, each with its own histogram. Average them: press Play, or drag.`;
  const some = rows.slice(0, number), mean = meanOfRows(some), said = best(mean), { total, expected, mutual } = entropySplit(some);
  const who = number === 1 ? "The first member says" : `The mean of ${number === rows.length ? `all ${number}` : `the first ${number}`} says`;
  return `${who} ${names[said]} with ${percent(mean[said])}. Entropy of the mean ${total.toFixed(2)}; the members alone have ${expected.toFixed(2)} on average` +
    (number > 1 ? `, and the ${mutual.toFixed(2)} between the two is what they disagree about.` : ".");
}

export function averaging({ model, el, given, hear, change }) {
  const p = predictions(given.predictions, given.labels), images = gallery(given.images), { class_names: names, order } = given;
  const M = p.members, C = p.classes;
  const progress = () => model.get("progress"), index = () => model.get("index");
  let playing = 0;

  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
  };
  function play() {
    if (playing) {
      stop();
      return draw();
    }
    const from = progress() >= M ? 0 : progress(), begin = performance.now();
    const frame = (now) => {
      const at = Math.min(M, from + (now - begin) / 1000 / SECONDS);
      change({ progress: calm() ? Math.floor(at) : at });
      playing = at < M ? requestAnimationFrame(frame) : 0;
    };
    playing = requestAnimationFrame(frame);
    draw();
  }
  const another = (by) => {
    stop();
    const place = (order.indexOf(index()) + by + order.length) % order.length;
    change({ index: order[place], progress: 0 });
  };
  const start = button("Play", play, { className: "cw-button cw-primary" });
  const scrub = slider("Members averaged", { max: M, step: 0.01, oninput: (value) => {
    stop();
    change({ progress: calm() ? Math.round(value) : value });
  } });
  scrub.range.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault(); // a key goes on by a whole member
    stop();
    change({ progress: Math.min(M, Math.max(0, Math.round(progress()) + by)) });
  });
  const picture = digit("The image"), caption = h("span", {}), words = h("p", { className: "cw-words" }), said = voice();
  const box = h("div", { className: "cw-plot" }), drawing = svg("svg", box, { role: "img" }), alt = svg("title", drawing);
  el.append(h("div", { className: "cw-head" }, ...(images ? [h("figure", {}, picture, h("figcaption", {}, caption))] : []),
    h("div", {}, row(start, button("← Previous", () => another(-1)), button("Next →", () => another(1))))), scrub, box, words, said);

  const frames = Array.from({ length: M + 1 }, () => svg("path", drawing, { class: "cw-base" }));
  const labels = Array.from({ length: M + 1 }, () => svg("text", drawing, { class: "cw-label" }));
  const classes = names.map(() => svg("text", drawing, { class: "cw-label", "text-anchor": "middle" }));
  const ghosts = Array.from({ length: M * C }, () => svg("rect", drawing, { class: "cw-ghost" }));
  const parts = Array.from({ length: M * C }, (_, i) => {
    const rect = svg("rect", drawing);
    rect.style.fill = `var(--c-${COLORS[Math.floor(i / C) % 8]}, #${COLORS[Math.floor(i / C) % 8]})`;
    return rect;
  });

  const draw = everyFrame(() => {
    const width = box.clientWidth || 600, t = progress(), i = index(), rows = p.rows(i);
    const across = Math.min(M, width < 500 ? 4 : 8), lines = Math.ceil(M / across), cell = width / across, tall = 74, gap = 26;
    const bottom = lines * (tall + gap) + 30, large = 190;
    place(drawing, { width, height: bottom + large + 26, viewBox: `0 0 ${width} ${bottom + large + 26}` });
    const home = (m, c, value) => {
      const w = (cell - 16) / C, base = Math.floor(m / across) * (tall + gap) + tall;
      return { x: (m % across) * cell + 8 + c * w, y: base - value * (tall - 8), width: Math.max(1, w - 1), height: value * (tall - 8) };
    };
    const stacked = Array(C).fill(0), wide = (width - 40) / C;
    rows.forEach((one, m) => {
      const base = Math.floor(m / across) * (tall + gap) + tall, share = Math.min(1, Math.max(0, t - m)), ease = share * share * (3 - 2 * share);
      place(frames[m], { d: `M${(m % across) * cell + 8},${base}h${cell - 16}` });
      labels[m].textContent = `${m + 1}: ${names[best(one)]}`;
      place(labels[m], { x: (m % across) * cell + 8, y: base + 16 });
      for (let c = 0; c < C; c++) {
        const from = home(m, c, one[c]), part = one[c] / M;
        const to = { x: 30 + c * wide + 2, y: bottom + large - (stacked[c] + part) * (large - 10), width: Math.max(1, wide - 4), height: part * (large - 10) };
        stacked[c] += part;
        place(ghosts[m * C + c], from);
        place(parts[m * C + c], Object.fromEntries(Object.keys(from).map((key) => [key, from[key] + (to[key] - from[key]) * ease])));
      }
    });
    place(frames[M], { d: `M30,${bottom + large}H${width - 10}` });
    place(labels[M], { x: 0, y: bottom - 4 });
    labels[M].textContent = "Averaged: each member adds a layer";
    names.forEach((name, c) => {
      classes[c].textContent = wide < 40 ? name.slice(0, 2) : name;
      place(classes[c], { x: 30 + c * wide + wide / 2, y: bottom + large + 18 });
    });
    const arrived = Math.min(M, Math.floor(t + 1e-9));
    start.textContent = playing ? "Pause" : t >= M ? "Play again" : "Play";
    scrub.put(t, `${arrived} of ${M}`);
    images?.paint(picture, i);
    caption.textContent = p.labels ? `is ${names[p.labels[i]]}` : `image ${count(i)}`;
    const sentence = describe(rows, arrived, names);
    words.textContent = sentence;
    if (!playing) said.say(sentence);
    alt.textContent = `Histograms of ${M} members over ${C} classes, and their mean. ${rows.map((one, m) => `Member ${m + 1} says ${names[best(one)]} with ${percent(one[best(one)])}, entropy ${entropyOf(one).toFixed(2)}`).join("; ")}. ${sentence}`;
  });
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  hear(["index", "progress"], draw);
  draw();
  return () => {
    stop();
    observer.disconnect();
    draw.stop();
  };
}
