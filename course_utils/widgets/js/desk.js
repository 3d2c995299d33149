// The Abstention Desk: costs, then a threshold on validation, then the test set, once a round.
import { describeDesk, describeVerdict, judge, Queue } from "./judging.js";
import { button, calm, dragged, everyFrame, gallery, h, menu, row, sentence, slider, table } from "./parts.js";
import { Plot, curvesOf, grip, legend, place, svg } from "./plot.js";
import { Answers, highestRisk, models, queue as queueOf, received, scoreFor, sent, thresholdWords } from "./ranking.js";
import { figures, listing, percent } from "./words.js";

const MOST = 1e6;
const CHOICES = ["model", "score", "threshold", "coverage", "cost_wrong", "cost_refer", "ood_share"];

export function desk({ model, el, given, hear, change }) {
  const { unit, class_names: names } = given, looks = models(given);
  const validation = new Queue(looks.map(({ name, says }, i) => ({ name, says, ood: given.ood[i] && new Answers(given.ood[i]) })));
  let test; // read when the page has been painted
  const images = gallery(given.images), strange = gallery(given.ood_images), labels = given.labels.values;
  async function readTest() {
    const { models, labels, ood } = await given.later();
    test = new Queue(looks.map(({ name }, i) => ({ name, says: new Answers(models[i], labels), ood: ood[i] && new Answers(ood[i]) })));
    draw();
  }

  const choices = () => Object.fromEntries(CHOICES.map((name) => [name, model.get(name)]));
  const state = () => ({ ...choices(), threshold: received(model.get("threshold")) });
  const opened = () => model.get("opened"), rounds = () => model.get("rounds");

  // --- choosing, with a way back ---
  let past = [], lastKind, lastTime = 0;
  function choose(kind, traits) {
    if (opened()) return;
    if (kind !== lastKind || performance.now() - lastTime > 900) past.push(choices());
    [lastKind, lastTime] = [kind, performance.now()];
    change(traits);
  }
  function undo() {
    lastKind = undefined;
    if (past.length) change(past.pop());
  }
  function reset() {
    past = [];
    change({ ...given.start, opened: false, rounds: [] });
  }
  const at = (step, curve) => ({ threshold: sent(curve.thresholdOf(step)), coverage: curve.answeredAt(step) / curve.images });
  const answerShare = (share) => {
    const curve = validation.curve(state());
    choose("threshold", at(share * curve.images < 0.5 ? -1 : curve.stepCovering(share), curve));
  };
  function switchTo(name, wanted) {
    const now = state(), before = validation.curve(now), share = before.answeredAt(validation.stepAt(now)) / before.images;
    const score = scoreFor(validation.models.get(name).says, wanted);
    const curve = validation.curve({ ...now, model: name, score });
    choose("model", { model: name, score, ...at(curve.stepCovering(share), curve) });
  }

  // --- step 1: costs ---
  const costField = (trait, words, step) => {
    const input = h("input", { type: "number", min: 0, step, inputMode: "decimal" });
    const problem = h("span", { className: "cw-bad", role: "alert" });
    input.oninput = () => {
      const value = input.valueAsNumber, good = value >= 0 && value <= MOST;
      problem.textContent = good ? "" : `A cost is a number from 0 to ${MOST.toLocaleString("en-US")}.`;
      input.setAttribute("aria-invalid", !good);
      if (good) choose(trait, { [trait]: value });
    };
    const box = h("div", {}, h("label", { className: "cw-field" }, h("span", {}, `${words} (${unit})`), input), " ", problem);
    box.put = (value) => {
      if (document.activeElement !== input && el.getRootNode().activeElement !== input) {
        input.value = value;
        problem.textContent = "";
        input.removeAttribute("aria-invalid");
      }
      input.disabled = opened();
    };
    return box;
  };
  const wrong = costField("cost_wrong", "A wrong answer costs", 1), refer = costField("cost_refer", "Asking a human costs", 0.1);
  const shares = menu("OOD images in the queue", (value) => choose("ood", { ood_share: Number(value) }));

  // --- step 2: a threshold on validation. What it would cost is drawn when the choice is made ---
  const scores = menu("Score", (value) => switchTo(state().model, value));
  const entries = legend(looks, (name) => switchTo(name, state().score));
  const part = h("div", { className: "cw-stage" });
  let zoomed = false;
  const zoom = button("", () => {
    zoomed = !zoomed;
    draw();
  });
  const coverage = slider("Answer the surest", { max: 1000, oninput: (n) => answerShare(n / validation.curve(state()).images) });
  const words = sentence(), fine = h("p", { className: "cw-fine" });
  const line = images && queueOf({
    paint: (canvas, item) => (item < images.length ? images.paint(canvas, item) : strange.paint(canvas, item - images.length)),
    words: (item) => {
      const { says, ood } = validation.models.get(state().model), known = item < says.images;
      const answer = known ? says.predicted[item] : ood.predicted[item - says.images];
      return { says: names[answer], truth: known ? `is ${names[labels[item]]}` : "OOD", right: known && answer === labels[item] };
    },
  });
  const plot = new Plot(part, { x: { label: "Answered (%)" }, y: { label: "" }, redraw: () => draw() });
  const drawCurves = curvesOf(plot, looks);
  const cheapest = svg("circle", plot.marks, { r: 6, class: "cw-spot" }), handle = grip(plot.marks);
  const pull = (event) => !opened() && answerShare(Math.min(100, Math.max(0, plot.at(event).x)) / 100);
  dragged(plot.svg, { start: pull, move: pull });

  // --- step 3: the test set, once ---
  const open = button("Open the test set, once", () => {
    const now = state(), { bars: [yours, hindsight], promised } = judge(validation, test, now);
    const round = { ...choices(), promised, cost: yours.cost, error: yours.error, hindsight: hindsight.cost };
    change({ opened: true, rounds: [...rounds(), round] });
    requestAnimationFrame(() => {
      verdict.focus({ preventScroll: true });
      verdict.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
    });
  }, { className: "cw-button cw-primary" });
  const verdict = h("div", { className: "cw-verdicts", tabIndex: -1 }), result = sentence(), reckoned = h("div", {});
  const key = h("p", { className: "cw-fine cw-key" }, h("i", { className: "cw-mistakes" }), " wrong answers ", h("i", { className: "cw-asked" }), " asked a human ", h("u", {}), " promised on validation");
  verdict.append(result, reckoned, key, h("p", { className: "cw-fine cw-note" }, "The test set is open, so this round is closed. In another round you would choose knowing this result: the table says so."));
  const kept = table(`Rounds (costs in ${unit} per item)`);
  const back = button("Undo", undo), again = button("Another round", () => {
    past = [];
    change({ opened: false });
  });
  const copy = button("Copy rounds", async () => {
    const text = asText(rounds());
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy rounds"), 1500);
    } catch {
      kept.append(h("textarea", { readOnly: true, value: text, rows: 4, "aria-label": "Rounds as text to copy" }));
    }
  });
  const stepBox = (number, title, ...children) =>
    h("div", { className: "cw-step", role: "group" }, h("h4", {}, h("b", {}, number), " ", title), ...children);
  const start = button("Reset", reset);
  const steps = [
    stepBox("1", "Set the costs", row(wrong, refer, shares)),
    stepBox("2", "Choose a model and a threshold on validation", row(scores, zoom), entries, part, coverage, words, line, fine),
    given.later ? stepBox("3", "Open the test set", row(open, again, back, start, copy), verdict)
      : stepBox("3", "Open the test set", row(back, start), h("p", {}, "No test set was given.")),
  ];
  el.classList.add("cw-desk");
  el.append(...steps, kept);

  function showVerdict() {
    const found = judge(validation, test, state());
    // Answering everything may cost ten times as much as all the rest: its bar then leaves the picture.
    const costs = found.bars.map((one) => one.cost + one.error).sort((a, b) => a - b);
    const top = Math.max(Math.min(costs.at(-1), 1.5 * costs.at(-2)), found.promised) || 1;
    const width = (value) => `${Math.min(100, (100 * value) / top)}%`;
    const rows = found.bars.map(({ name, yours, cost, wrongCost, referCost, error }) =>
      h("div", { className: `cw-cost${yours ? " cw-yours" : ""}` }, h("span", {}, name),
        h("div", {}, h("i", { className: "cw-mistakes", style: { width: width(wrongCost) } }), h("i", { className: "cw-asked", style: { width: width(referCost) } }),
          h("em", { style: { left: width(Math.max(0, cost - error)), width: width(Math.min(cost, error) + error) } }),
          yours && h("u", { style: { left: width(found.promised) } })),
        h("b", {}, figures(cost))));
    result.put(describeVerdict(found, unit));
    reckoned.replaceChildren(h("div", { role: "img", "aria-label": `Cost per item (${unit}): ${found.bars.map((one) => `${one.name} ${figures(one.cost)}`).join("; ")}.` }, ...rows));
  }

  function showRounds() {
    const all = rounds(), key = JSON.stringify(all);
    kept.hidden = !all.length;
    if (kept.key !== key) kept.put(HEAD, ...all.map(cells));
    kept.key = key;
  }

  const draw = everyFrame(() => {
    const now = state(), closed = opened();
    wrong.put(now.cost_wrong);
    refer.put(now.cost_refer);
    shares.put(String(now.ood_share), given.shares.map((share) => [String(share), share ? percent(share) : "none"]));
    scores.put(now.score, validation.models.get(now.model).says.scores);
    for (const control of [shares.select, scores.select, coverage.range, ...entries.children]) control.disabled = closed;
    open.disabled = !test;
    back.disabled = closed || !past.length;
    again.hidden = !closed;
    open.hidden = closed;
    copy.disabled = !rounds().length;
    el.classList.toggle("cw-open", closed);
    steps.forEach((one, i) => one.classList.toggle("cw-closed", closed && i < 2));

    const all = looks.map(({ name }) => ({ name, curve: validation.curve(now, name), costs: validation.costs(now, name) }));
    const mine = all.find((one) => one.name === now.model), step = validation.stepAt(now), answered = mine.curve.answeredAt(step);
    const share = answered / mine.curve.images, from = zoomed ? 70 : 0;
    const value = (one, step) => (closed ? one.costs.costAt(step) : 100 * (one.curve.wrongAt(step) / (one.curve.answeredAt(step) || 1)));
    const inWords = (value) => (closed ? `costs ${figures(value)}` : `risk ${percent(value / 100)}`);
    zoom.textContent = zoomed ? "Show all" : "Zoom to 70–100 %";
    const top = closed ? 1.06 * (Math.max(...all.map(({ curve, costs }) =>
      costs.cost.reduce((most, cost, i) => (100 * (curve.coverage[i - 1] ?? 0) >= from ? Math.max(most, cost) : most), 0))) || 1)
      : 108 * highestRisk(all.map((one) => one.curve), from / 100);
    plot.yAxis.label = closed ? `Cost per item on validation (${unit})` : "Risk: wrong among answered (%)";
    plot.frame([from, 100], [0, top]);
    drawCurves(all.map(({ curve, costs }) => () => {
      const xs = [...curve.coverage].map((one) => 100 * one);
      return closed ? { xs: [0, ...xs], ys: costs.cost } : { xs, ys: curve.risk.map((one) => 100 * one) };
    }), all.indexOf(mine), [closed, now.cost_wrong, now.cost_refer, now.ood_share, now.score].join());
    const spot = (step) => [plot.x(Math.max(from, (100 * mine.curve.answeredAt(step)) / mine.curve.images)), plot.y(Math.min(top, value(mine, step)))];
    handle.setAttribute("transform", `translate(${spot(step)})`);
    const { best } = mine.costs, [cx, cy] = spot(best);
    place(cheapest, { cx, cy });
    cheapest.style.display = closed ? "" : "none";
    entries.put(now.model, all.map((one) => (closed || answered) && inWords(value(one, one === mine ? step : one.curve.stepCovering(share)))));
    coverage.put(answered, percent(share), mine.curve.images);
    const described = describeDesk(validation, now, unit);
    words.put(described, "", closed);
    fine.textContent = thresholdWords(now.threshold, now.score) + (closed ? ` The dot is the cheapest threshold on validation: ` +
      `${percent(mine.curve.answeredAt(best) / mine.curve.images)} answered, for ${figures(mine.costs.costAt(best))} ${unit} per item.` : "");
    plot.alt.textContent = `${plot.yAxis.label} against the share answered, for ${listing(looks.map((one) => one.name))}. ` +
      `${all.map((one) => `${one.name} ends at ${inWords(value(one, one.curve.threshold.length - 1))}`).join("; ")}. ${described}`;
    line?.put(mine.curve.order, answered, `${now.model} ${now.score} ${now.ood_share}`);
    verdict.hidden = !(closed && test);
    if (closed && test) showVerdict();
    showRounds();
  });

  hear([...CHOICES, "opened", "rounds"], draw);
  draw();
  if (given.later) setTimeout(readTest, 50);
  return () => {
    draw.stop();
    plot.stop();
  };
}

const HEAD = ["round", "model", "promised", "came to", "best in hindsight", "answered", "threshold", "score", "wrong costs", "asking costs", "OOD images"];
const cells = (one, i) => [
  i ? `${i + 1}, test seen before` : "1", one.model, figures(one.promised), `${figures(one.cost)} ± ${figures(one.error, 2)}`, figures(one.hindsight),
  percent(one.coverage), one.threshold === null ? "none" : figures(one.threshold, 4), one.score, figures(one.cost_wrong), figures(one.cost_refer), percent(one.ood_share),
];
/** Rounds as lines of tab-separated cells, for a spreadsheet or a chat. */
const asText = (rounds) => [HEAD, ...rounds.map(cells)].map((line) => line.join("\t")).join("\n");
