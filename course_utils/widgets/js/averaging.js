// Averaging: the histograms of all members move, one after the other, into one.
import { predictions } from "./data.js";
import { argmax, entropyOf, entropySplit, meanOfRows } from "./metrics.js";
import { button, calm, digit, everyFrame, gallery, h, sentence, slider, stepper } from "./parts.js";
import { memberShade, place, svg } from "./plot.js";
import { count, percent } from "./words.js";

const SECONDS = 0.6; // for each member
const TALL = 74, GAP = 26, LARGE = 190, SMALL = 8; // pixels: a histogram, below it, their mean, beside them

/** What the first members say together; `number` of them have arrived. */
export function describe(rows, number, names) {
  if (!number) return `${rows.length} members, each with its own histogram. Press Play or drag the slider to average them.`;
  const some = rows.slice(0, number), mean = meanOfRows(some), said = argmax(mean), { total, expected, mutual } = entropySplit(some);
  const who = number === 1 ? "The first member says" : `The mean of ${number === rows.length ? `all ${number}` : `the first ${number}`} says`;
  return `${who} ${names[said]}, at ${percent(mean[said])}. ` + (number === 1
    ? `Its entropy is ${total.toFixed(2)}.`
    : `The entropy of the mean is ${total.toFixed(2)}, that of a single member ${expected.toFixed(2)} on average: the difference of ${mutual.toFixed(2)} is their disagreement.`);
}

export function averaging({ model, el, given, hear, change }) {
  const p = predictions(given.predictions, given.labels), images = gallery(given.images), names = given.class_names;
  const M = p.members, C = p.classes;
  const progress = () => model.get("progress"), index = () => model.get("index");
  let playing = 0;

  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
  };
  const average = (value) => {
    stop();
    change({ progress: Math.min(M, Math.max(0, value)) });
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
  const start = button("Play", play, { className: "cw-button cw-primary" });
  const others = stepper((by) => {
    stop();
    change({ index: index() + by, progress: 0 });
  });
  others.prepend(start);
  const scrub = slider("Members averaged", { max: M, step: 0.01, oninput: (value) => average(calm() ? Math.round(value) : value) });
  scrub.range.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault(); // a key goes on by a whole member
    average(Math.round(progress()) + by);
  });
  const picture = digit("The image"), caption = h("figcaption", {}), words = sentence();
  const box = h("div", { className: "cw-plot" }), drawing = svg("svg", box, { role: "img" }), alt = svg("title", drawing);
  el.append(h("div", { className: "cw-head" }, images && h("figure", {}, picture, caption), others), scrub, box, words);

  const frames = Array.from({ length: M + 1 }, () => svg("path", drawing, { class: "cw-base" }));
  const labels = Array.from({ length: M + 1 }, () => svg("text", drawing, { class: "cw-label" }));
  const classes = names.map(() => svg("text", drawing, { class: "cw-label", "text-anchor": "middle" }));
  const ghosts = Array.from({ length: M * C }, () => svg("rect", drawing, { class: "cw-ghost" }));
  const parts = Array.from({ length: M * C }, (_, i) => {
    const rect = svg("rect", drawing);
    rect.style.fill = memberShade(Math.floor(i / C));
    return rect;
  });

  const draw = everyFrame(() => {
    const width = box.clientWidth || 600, t = progress(), i = index(), rows = p.rows(i);
    const across = Math.min(M, width < 500 ? 4 : 8), cell = width / across;
    const bottom = Math.ceil(M / across) * (TALL + GAP) + 30 + LARGE; // where the mean stands
    place(drawing, { width, height: bottom + 26, viewBox: `0 0 ${width} ${bottom + 26}` });
    const left = (m) => (m % across) * cell + SMALL, base = (m) => Math.floor(m / across) * (TALL + GAP) + TALL;
    const narrow = (cell - 2 * SMALL) / C, wide = (width - 40) / C, stacked = Array(C).fill(0);
    rows.forEach((one, m) => {
      const share = Math.min(1, Math.max(0, t - m)), ease = share * share * (3 - 2 * share);
      place(frames[m], { d: `M${left(m)},${base(m)}h${cell - 2 * SMALL}` });
      labels[m].textContent = `${m + 1}: ${names[argmax(one)]}`;
      place(labels[m], { x: left(m), y: base(m) + 16 });
      for (let c = 0; c < C; c++) {
        const height = one[c] * (TALL - 8), layer = (one[c] / M) * (LARGE - 10);
        const from = { x: left(m) + c * narrow, y: base(m) - height, width: Math.max(1, narrow - 1), height };
        stacked[c] += layer;
        const to = { x: 32 + c * wide, y: bottom - stacked[c], width: Math.max(1, wide - 4), height: layer };
        place(ghosts[m * C + c], from);
        place(parts[m * C + c], Object.fromEntries(Object.keys(from).map((key) => [key, from[key] + (to[key] - from[key]) * ease])));
      }
    });
    place(frames[M], { d: `M30,${bottom}H${width - 10}` });
    place(labels[M], { x: 0, y: bottom - LARGE - 4 });
    labels[M].textContent = "The mean: each member adds a layer";
    names.forEach((name, c) => {
      classes[c].textContent = wide < 40 ? name.slice(0, 2) : name;
      place(classes[c], { x: 30 + c * wide + wide / 2, y: bottom + 18 });
    });
    const arrived = Math.min(M, Math.floor(t + 1e-9)), said = describe(rows, arrived, names);
    start.textContent = playing ? "Pause" : t >= M ? "Play again" : "Play";
    scrub.put(t, `${arrived} of ${M}`);
    others.put(i, p.images);
    images?.paint(picture, i);
    caption.textContent = p.labels ? `label ${names[p.labels[i]]}` : `image ${count(i)}`;
    words.put(said, "", playing); // no voice could keep up with the animation
    alt.textContent = `Histograms of ${M} members over ${C} classes, and their mean. ${rows.map((one, m) => `Member ${m + 1} says ${names[argmax(one)]}, at ${percent(Math.max(...one))}, entropy ${entropyOf(one).toFixed(2)}`).join("; ")}. ${said}`;
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
