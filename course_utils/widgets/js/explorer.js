// Risk-coverage explorer: drag the point on the curve, and coverage, risk and threshold follow.
import { button, calm, digit, dragged, everyFrame, gallery, h, menu, row, sentence, slider } from "./parts.js";
import { Plot, curvesOf, grip, legend, place, svg } from "./plot.js";
import { highestRisk, models, queue, received, scoreFor, sent, thresholdWords } from "./ranking.js";
import { are, count, figures, listing, percent, plural } from "./words.js";

/** The state in words and numbers. */
export function describe(name, answered, wrong, total, noun, others) {
  if (!answered) return `${name} answers none of ${plural(total, noun)}: a human gets them all.`;
  const words =
    `${name} answers ${count(answered)} of ${plural(total, noun)} (${percent(answered / total)}); ` +
    `${count(wrong)} of these answers ${are(wrong)} wrong (risk ${percent(wrong / answered)}). ` +
    `A human gets ${count(total - answered)}.`;
  return others.length ? `${words} Risk at the same coverage: ${listing(others)}.` : words;
}

/** Where the curve gets interesting: the coverage below which hardly a mistake is made. */
export function interesting(curve) {
  const starts = [0.98, 0.95, 0.9, 0.8, 0.5];
  return starts.find((start) => curve.riskAtCoverage(start) <= 0.1 * curve.errorRate) ?? 0.5;
}

export function explorer({ model, el, given, hear, change }) {
  const all = models(given), images = gallery(given.images), names = given.class_names;
  const total = all[0].says.images, noun = given.noun, labels = given.labels.values;
  let zoomed = false, hovered;
  el.classList.add("cw-explorer");

  // --- what the traits say ---
  const chosen = () => all.find((one) => one.name === model.get("model")) ?? all[0];
  const score = () => scoreFor(chosen().says, model.get("score"));
  const here = () => chosen().says.curve(score());
  const step = () => here().stepAt(received(model.get("threshold")));
  const shown = () => all.filter((one) => one.says.scores.includes(score()));

  function go(step) {
    const curve = here();
    change({ threshold: sent(curve.thresholdOf(step)), coverage: curve.answeredAt(step) / total });
  }
  function switchTo(name, wanted) {
    const coverage = here().answeredAt(step()) / total;
    const one = all.find((other) => other.name === name), score = scoreFor(one.says, wanted);
    const curve = one.says.curve(score), at = curve.stepCovering(coverage);
    change({ model: name, score, threshold: sent(curve.thresholdOf(at)), coverage: curve.answeredAt(at) / total });
  }

  // --- what there is to see ---
  const scores = menu("Score", (value) => switchTo(chosen().name, value));
  const zoom = button("", () => {
    zoomed = !zoomed;
    glideZoom();
  });
  const entries = legend(all, (name) => switchTo(name, score()));
  const part = h("div", { className: "cw-stage" });
  const coverage = slider("Coverage: answered", { max: total, oninput: (n) => go(n ? here().stepCovering(n / total) : -1) });
  const risk = slider("Risk: wrong among the answered", { max: 1000, oninput: (n) => go(here().stepWithin(Math.min(1, (n / 1000) * here().errorRate + 1e-12))) });
  const threshold = slider("Threshold, by rank", { max: 1, oninput: (n) => go(n - 1) });
  const words = sentence(), fine = h("p", { className: "cw-fine" });
  const line = images && queue({
    paint: images.paint,
    words: (i) => {
      const answer = chosen().says.predicted[i];
      return { says: names[answer], truth: `is ${names[labels[i]]}`, right: answer === labels[i] };
    },
  });
  el.append(row(scores, zoom), entries, part, coverage, risk, threshold, words, line, fine);

  const plot = new Plot(part, {
    x: { label: "Coverage: answered (%)" },
    y: { label: "Risk: wrong among answered (%)" },
    redraw: () => draw(),
  });
  const drawCurves = curvesOf(plot, all);
  const guides = svg("path", plot.curves, { class: "cw-guide" });
  const spot = svg("circle", plot.marks, { r: 4, class: "cw-spot" });
  const handle = grip(plot.marks);
  const tip = h("div", { className: "cw-tip", hidden: true });
  const tipDigit = digit(), tipWords = h("span", {});
  tip.append(...(images ? [tipDigit] : []), tipWords);
  part.append(tip);

  // --- zoom ---
  const full = () => [0, 100], near = () => [100 * Math.min(...shown().map((one) => interesting(one.says.curve(score())))), 100];
  let span = full();
  function glideZoom() {
    const goal = zoomed ? near() : full(), from = span, begin = performance.now();
    const move = (now) => {
      const share = calm() ? 1 : Math.min(1, Math.max(0, (now - begin) / 260)), ease = share * (2 - share);
      span = from.map((value, i) => value + (goal[i] - value) * ease);
      draw();
      if (share < 1) requestAnimationFrame(move);
    };
    requestAnimationFrame(move);
  }

  const draw = everyFrame(() => {
    const one = chosen(), curve = here(), at = step(), answered = curve.answeredAt(at), wrong = curve.wrongAt(at);
    scores.put(score(), one.says.scores);
    zoom.textContent = zoomed ? "Show all" : `Zoom to ${near()[0].toFixed(0)}–100 %`;
    const others = shown().filter((other) => other !== one);
    const risks = answered ? others.map((other) => `${other.name} ${percent(other.says.curve(score()).riskAtCoverage(answered / total))}`) : [];
    entries.put(one.name, all.map((other) => {
      if (!shown().includes(other)) return "has no such score";
      const itsCurve = other.says.curve(score());
      return answered ? `risk ${percent(other === one ? wrong / answered : itsCurve.riskAtCoverage(answered / total))}` : "";
    }));

    const top = 108 * highestRisk(shown().map((other) => other.says.curve(score())), span[0] / 100);
    plot.frame(span, [0, top]);
    drawCurves(all.map((other) => shown().includes(other) && (() => {
      const { coverage, risk } = other.says.curve(score());
      return { xs: coverage.map((v) => 100 * v), ys: risk.map((v) => 100 * v) };
    })), all.indexOf(one), score());
    const x = plot.x(100 * answered / total), y = plot.y(answered ? Math.min(100 * wrong / answered, top) : 0);
    handle.setAttribute("transform", `translate(${Math.max(x, plot.margin.left)},${y})`);
    handle.style.display = x >= (plot.margin.left) - 1 ? "" : "none";
    guides.setAttribute("d", `M${x},${plot.y(0)}V${y}H${plot.x(span[0])}`);

    coverage.put(answered, percent(answered / total));
    risk.put(curve.errorRate ? Math.round(1000 * (answered ? wrong / answered : 0) / curve.errorRate) : 0, percent(answered ? wrong / answered : 0));
    threshold.put(at + 1, at < 0 ? "none" : figures(curve.thresholdOf(at), 4), curve.threshold.length);
    const described = describe(one.name, answered, wrong, total, noun, risks);
    words.put(described);
    fine.textContent = thresholdWords(curve.thresholdOf(at), score());
    plot.alt.textContent = `Risk against coverage of ${listing(shown().map((other) => other.name))} by ${score().toLowerCase()}: ` +
      `${shown().map((other) => `${other.name} ends at a risk of ${percent(other.says.curve(score()).errorRate)}`).join("; ")}. ${described}`;
    line?.put(curve.order, answered, `${one.name} ${score()}`);
    point();
  });

  // --- the pointer on the curves ---
  dragged(plot.svg, {
    start: (event) => pull(event),
    move: pull,
  });
  function pull(event) {
    const x = Math.min(100, Math.max(0, plot.at(event).x)) / 100;
    hovered = undefined;
    go(x < 0.5 / total ? -1 : here().stepCovering(x));
  }
  plot.svg.addEventListener("pointermove", (event) => {
    if (event.buttons) return;
    const { px, py, x } = plot.at(event);
    hovered = undefined;
    if (x >= span[0] && x <= 100) {
      let least = 30;
      for (const other of shown()) {
        const itsCurve = other.says.curve(score()), at = itsCurve.stepCovering(Math.max(x / 100, 1 / total));
        const cx = plot.x(100 * itsCurve.coverage[at]), cy = plot.y(100 * itsCurve.risk[at]), away = Math.hypot(cx - px, cy - py);
        if (away < least) {
          least = away;
          hovered = { other, at, cx, cy, itsCurve };
        }
      }
    }
    point();
  });
  plot.svg.addEventListener("pointerleave", () => {
    hovered = undefined;
    point();
  });
  function point() {
    tip.hidden = !hovered;
    spot.style.display = hovered ? "" : "none";
    if (!hovered) return;
    const { other, at, cx, cy, itsCurve } = hovered, image = itsCurve.order[itsCurve.answered[at] - 1];
    place(spot, { cx, cy });
    images?.paint(tipDigit, image);
    const answer = other.says.predicted[image], right = answer === labels[image];
    tipWords.textContent = `${other.name} at ${percent(itsCurve.coverage[at])}: risk ${percent(itsCurve.risk[at])}. ` +
      `The last one answered here: says ${names[answer]}${right ? ", right" : `, is ${names[labels[image]]}`}.`;
    tip.style.left = `${Math.min(Math.max(cx, 100), plot.width - 100)}px`;
    tip.style.top = cy > plot.height / 2 ? `${cy - 14}px` : `${cy + 14}px`;
    tip.classList.toggle("cw-above", cy > plot.height / 2);
  }

  hear(["model", "score", "coverage", "threshold"], draw);
  draw();
  return () => {
    draw.stop();
    plot.stop();
  };
}
