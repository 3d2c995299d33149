// One temperature for all answers: the reliability diagram moves a lot, the ranking hardly.
import { predictions } from "./data.js";
import { accuracy, calibrationBins, DEFAULT_SCORE, logMean, riskCoverage, tempered, wilson } from "./metrics.js";
import { button, everyFrame, h, row, sentence, slider } from "./parts.js";
import { Plot, place, svg } from "./plot.js";
import { figures, percent } from "./words.js";

const STEPS = 400, LOWEST = 0.2, HIGHEST = 5; // temperatures of the slider, evenly on a log scale
const FEW = 20; // a bin with fewer images is drawn pale: its accuracy is mostly chance
const stepOf = (temperature) => Math.round((STEPS * Math.log(temperature / LOWEST)) / Math.log(HIGHEST / LOWEST));
const ofStep = (step) => LOWEST * (HIGHEST / LOWEST) ** (step / STEPS);

/** What a temperature makes of predictions; `log` is the logarithm of their mean. */
export function measured(p, log, temperature) {
  const { confidence, uncertainty, nll } = tempered(log, p.labels, p.classes, temperature);
  const bins = calibrationBins(confidence, p.correct), curve = riskCoverage(uncertainty, p.correct, p.curve(DEFAULT_SCORE).order);
  const sure = confidence.reduce((sum, value) => sum + value, 0) / p.images;
  return { bins, curve, confidence: sure, accuracy: accuracy(p), ece: bins.error, nll, aurc: curve.aurc };
}

/** What the temperature did, in words. */
export function describe(temperature, now, before) {
  const gap = now.confidence - now.accuracy, change = before.aurc ? Math.abs(now.aurc / before.aurc - 1) : 0;
  const belief = Math.abs(gap) < 0.005 ? "about as confident as accurate" : gap > 0 ? "overconfident" : "underconfident";
  const head = `T = ${figures(temperature)}: mean confidence ${percent(now.confidence)}, accuracy ${percent(now.accuracy)}; the model is ${belief}. `;
  if (temperature === 1) return `${head}ECE ${percent(now.ece)}, NLL ${now.nll.toFixed(3)}, AURC ${figures(now.aurc)}.`;
  return `${head}ECE ${percent(before.ece)} → ${percent(now.ece)}, NLL ${before.nll.toFixed(3)} → ${now.nll.toFixed(3)}. ` +
    `No answer changes, and the ranking ${change < 0.005 ? "hardly does" : `changes by ${percent(change)}`}: AURC ${figures(before.aurc)} → ${figures(now.aurc)}.`;
}

export function temperature({ model, el, given, hear, change }) {
  const p = predictions(given.predictions, given.labels), log = logMean(p), before = measured(p, log, 1);
  const kept = new Map();
  const at = (temperature) => {
    const key = temperature.toPrecision(6);
    if (kept.size > 60) kept.clear();
    if (!kept.has(key)) kept.set(key, measured(p, log, temperature));
    return kept.get(key);
  };
  const move = slider("Temperature T", { max: STEPS, oninput: (step) => change({ temperature: step === stepOf(1) ? 1 : ofStep(step) }) });
  const best = given.fitted && button(`Best on ${given.fitted_on}: T = ${figures(given.fitted)}`, () => change({ temperature: given.fitted }));
  const columns = h("div", { className: "cw-columns cw-charts" }), left = h("div", { className: "cw-stage" }), right = h("div", { className: "cw-stage" });
  columns.append(left, right);
  const words = sentence();
  el.append(move, row(button("T = 1, as trained", () => change({ temperature: 1 })), best), columns, words,
    h("p", { className: "cw-fine" }, `Grey: as trained. Pale dots stand for fewer than ${FEW} images; the lines are 95 % intervals (Wilson).`));

  const shape = { height: 0.9, lowest: 240, highest: 380, redraw: () => draw() };
  const reliability = new Plot(left, { ...shape, x: { label: "Confidence (%)", ticks: 5 }, y: { label: "Accuracy (%)" } });
  const selection = new Plot(right, { ...shape, x: { label: "Coverage: answered (%)", ticks: 5 }, y: { label: "Risk: wrong among answered (%)" } });
  const diagonal = svg("path", reliability.curves, { class: "cw-guide" });
  const former = svg("g", reliability.marks, { class: "cw-former" }), dots = svg("g", reliability.marks);
  const was = svg("path", selection.curves, { class: "cw-curve cw-former" }), is = svg("path", selection.curves, { class: "cw-curve cw-chosen" });
  was.style.setProperty("--own", "var(--edge)");
  is.style.setProperty("--own", "var(--c-0072b2, #0072b2)");

  function bins(parent, { count, confidence, accuracy, right }, plot, old) {
    count.forEach((n, bin) => {
      if (!n) return;
      const x = plot.x(100 * confidence[bin]), y = plot.y(100 * accuracy[bin]);
      if (!old) {
        const [low, high] = wilson(right[bin], n);
        svg("line", parent, { x1: x, x2: x, y1: plot.y(100 * low), y2: plot.y(100 * high), class: "cw-error", opacity: n < FEW ? 0.35 : 1 });
      }
      svg("circle", parent, { cx: x, cy: y, r: old ? 4 : 6, class: old ? "cw-old" : "cw-new", opacity: n < FEW ? 0.35 : 1 });
    });
  }

  const draw = everyFrame(() => {
    const temperature = model.get("temperature"), now = at(temperature);
    move.put(stepOf(temperature), `T = ${figures(temperature)}`);
    reliability.frame([0, 100], [0, 100]);
    place(diagonal, { d: reliability.path([0, 100], [0, 100]) });
    former.replaceChildren();
    dots.replaceChildren();
    bins(former, before.bins, reliability, true);
    bins(dots, now.bins, reliability, false);
    let top = 0;
    for (const { curve } of [now, before]) curve.risk.forEach((risk, i) => curve.answered[i] >= Math.min(p.images, 50) && (top = Math.max(top, risk)));
    selection.frame([0, 100], [0, 100 * (top || 0.01) * 1.08]);
    const line = ({ curve }) => selection.path(curve.coverage.map((v) => 100 * v), curve.risk.map((v) => 100 * v));
    place(was, { d: line(before) });
    place(is, { d: line(now) });
    const said = describe(temperature, now, before);
    words.put(said);
    reliability.alt.textContent = `Reliability diagram: accuracy against confidence in ${now.bins.count.filter(Boolean).length} bins. ${said}`;
    selection.alt.textContent = `Risk against coverage before and after. ${said}`;
  });
  hear(["temperature"], draw);
  draw();
  return () => {
    draw.stop();
    reliability.stop();
    selection.stop();
  };
}
