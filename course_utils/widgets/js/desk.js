// The Abstention Desk: costs, then a threshold on validation, then the test set, once a round.
import { predictions } from "./data.js";
import { describeDesk, describeVerdict, judge, Queue } from "./judging.js";
import { bisect } from "./metrics.js";
import { button, dragged, everyFrame, gallery, h, menu, row, slider, voice } from "./parts.js";
import { Plot, curve, legend, markersOn, svg } from "./plot.js";
import { models, queue as queueOf, received, scoreFor, sent, thresholdWords } from "./ranking.js";
import { figures, listing, percent } from "./words.js";

const MOST = 1e6;
const CHOICES = ["model", "score", "threshold", "coverage", "cost_wrong", "cost_refer", "strays"];

export function desk({ model, el, given, hear, change }) {
  const { unit, class_names: names } = given, looks = models(given);
  const strayed = given.strays?.map((one) => predictions(one));
  const validation = new Queue(looks.map((one, i) => ({ name: one.name, says: one.says, strays: strayed?.[i] })));
  let test; // read when the page has been painted
  const images = gallery(given.images), strange = gallery(given.stray_images), labels = given.labels.values;
  async function readTest() {
    const { models, labels, strays } = await given.later();
    test = new Queue(looks.map((one, i) => ({ name: one.name, says: predictions(models[i], labels), strays: strays && predictions(strays[i]) })));
    draw();
  }

  const state = () => ({
    ...Object.fromEntries(CHOICES.map((name) => [name, model.get(name)])),
    threshold: received(model.get("threshold")),
  });
  const opened = () => model.get("opened"), rounds = () => model.get("rounds");

  // --- choosing, with a way back ---
  let past = [], lastKind, lastTime = 0;
  function choose(kind, traits) {
    if (opened()) return;
    if (kind !== lastKind || performance.now() - lastTime > 900)
      past.push(Object.fromEntries(CHOICES.map((name) => [name, model.get(name)])));
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
  const strays = menu("Strays in the queue", (value) => choose("strays", { strays: Number(value) }));

  // --- step 2: a threshold on validation ---
  const scores = menu("Score", (value) => switchTo(state().model, value));
  const entries = legend(looks, (name) => switchTo(name, state().score));
  const part = h("div", { className: "cw-stage" });
  let zoomed = false;
  const zoom = button("", () => {
    zoomed = !zoomed;
    draw();
  });
  const coverage = slider("Answer the surest", { max: 1000, oninput: (n) => answerShare(n / validation.curve(state()).images) });
  const words = h("p", { className: "cw-words" }), fine = h("p", { className: "cw-fine" }), said = voice();
  const line = images && queueOf({
    paint: (canvas, item) => (item < images.length ? images.paint(canvas, item) : strange.paint(canvas, item - images.length)),
    words: (item) => {
      const { says, strays: stranger } = validation.models.get(state().model);
      const answer = item < says.images ? says.predicted[item] : stranger.predicted[item - says.images];
      const stray = item >= says.images;
      return { says: names[answer], truth: stray ? "stray" : `is ${names[labels[item]]}`, right: !stray && answer === labels[item] };
    },
  });
  const plot = new Plot(part, { x: { label: "Answered (%)" }, y: { label: `Cost per item (${unit})` }, redraw: () => draw() });
  const paths = new Map(looks.map((one) => [one.name, { path: curve(plot.curves, one), marks: markersOn(plot.curves, one) }]));
  const handle = svg("g", plot.marks, { class: "cw-handle" });
  svg("circle", handle, { r: 22, class: "cw-touch" });
  svg("circle", handle, { r: 9, class: "cw-grip" });
  const pull = (event) => !opened() && answerShare(Math.min(100, Math.max(0, plot.at(event).x)) / 100);
  dragged(plot.svg, { start: pull, move: pull });

  // --- step 3: the test set, once ---
  const open = button("Open the test set, once", () => {
    change({ opened: true, rounds: [...rounds(), roundOf(judge(validation, test, state()))] });
    requestAnimationFrame(() => {
      verdict.focus({ preventScroll: true });
      verdict.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    });
  }, { className: "cw-button cw-primary" });
  function roundOf({ bars: [yours, hindsight], promised }) {
    const now = state(), { threshold } = now;
    return { ...now, threshold: Number.isFinite(threshold) ? threshold : null, promised, cost: yours.cost, error: yours.error, hindsight: hindsight.cost };
  }
  const verdict = h("div", { className: "cw-verdicts", tabIndex: -1 });
  const table = h("div", { className: "cw-scroll", tabIndex: 0, role: "region", "aria-label": "Rounds" });
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
      table.append(h("textarea", { readOnly: true, value: text, rows: 4, "aria-label": "Rounds as text to copy" }));
    }
  });
  const stepBox = (number, title, ...children) =>
    h("div", { className: "cw-step", role: "group" }, h("h4", {}, h("b", {}, number), " ", title), ...children);
  const steps = [
    stepBox("1", "What do mistakes and questions cost?", row(wrong, refer, strays)),
    stepBox("2", "Choose a model and a threshold on validation", row(scores, zoom), entries, part, coverage, words, ...(line ? [line] : []), fine),
    stepBox("3", "Open the test set", ...(given.later ? [row(open, again, back, button("Reset", reset), copy), verdict, table] : [row(back, button("Reset", reset)), h("p", {}, "No test set was given.")])),
  ];
  el.append(...steps, said);

  function showVerdict() {
    verdict.hidden = !opened();
    if (!opened()) return;
    const result = judge(validation, test, state());
    // Answering everything may cost ten times as much as all the rest: its bar then leaves the picture.
    const costs = result.bars.map((one) => one.cost + one.error).sort((a, b) => a - b);
    const top = Math.max(Math.min(costs.at(-1), 1.5 * costs.at(-2)), result.promised) || 1;
    const width = (value) => `${Math.min(100, (100 * value) / top)}%`;
    const rows = result.bars.map(({ name, yours, cost, wrongCost, referCost, error }) =>
      h("div", { className: `cw-cost${yours ? " cw-yours" : ""}` }, h("span", {}, name),
        h("div", {}, h("i", { className: "cw-mistakes", style: { width: width(wrongCost) } }), h("i", { className: "cw-asked", style: { width: width(referCost) } }),
          h("em", { style: { left: width(Math.max(0, cost - error)), width: width(Math.min(cost, error) + error) } }),
          ...(yours ? [h("u", { style: { left: width(result.promised) } })] : [])),
        h("b", {}, figures(cost))));
    const sentence = describeVerdict(result, unit);
    verdict.replaceChildren(h("p", {}, h("strong", {}, sentence)),
      h("div", { role: "img", "aria-label": `Cost per item (${unit}): ${result.bars.map((one) => `${one.name} ${figures(one.cost)}`).join("; ")}.` }, ...rows),
      h("p", { className: "cw-fine cw-key" }, h("i", { className: "cw-mistakes" }), " wrong answers ", h("i", { className: "cw-asked" }), " questions ", h("u", {}), " promised on validation"),
      h("p", { className: "cw-fine" }, "The test set is open, so this round is closed. In another round you would choose knowing this result: the table says so."));
    said.say(sentence);
  }

  function showRounds() {
    const all = rounds();
    table.hidden = !all.length;
    const key = JSON.stringify(all);
    if (table.key === key) return;
    table.key = key;
    const lines = all.map((one, i) => h("tr", {}, ...cells(one, i).map((text) => h("td", {}, text))));
    table.replaceChildren(h("table", {}, h("caption", {}, `Rounds (costs in ${unit} per item)`),
      h("thead", {}, h("tr", {}, ...HEAD.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...lines)));
  }

  const draw = everyFrame(() => {
    const now = state(), closed = opened();
    wrong.put(now.cost_wrong);
    refer.put(now.cost_refer);
    strays.put(String(now.strays), given.shares.map((share) => [String(share), share ? percent(share) : "none"]));
    scores.put(now.score, validation.models.get(now.model).says.scores);
    for (const control of [strays.select, scores.select, coverage.range]) control.disabled = closed;
    open.disabled = !test;
    for (const control of entries.children) control.disabled = closed;
    back.disabled = closed || !past.length;
    again.hidden = !closed;
    open.hidden = closed;
    copy.disabled = !rounds().length;
    steps.forEach((one, i) => one.classList.toggle("cw-closed", closed && i < 2));

    const all = looks.map((one) => ({ name: one.name, curve: validation.curve(now, one.name), costs: validation.costs(now, one.name) }));
    const mine = all.find((one) => one.name === now.model), step = validation.stepAt(now), answered = mine.curve.answeredAt(step);
    const cost = mine.costs.costAt(step), share = answered / mine.curve.images;
    const start = zoomed ? 70 : 0;
    zoom.textContent = zoomed ? "Show all" : "Zoom to 70–100 %";
    let top = 0;
    for (const one of all)
      one.costs.cost.forEach((value, i) => {
        if (100 * (i ? one.curve.coverage[i - 1] : 0) >= start) top = Math.max(top, value);
      });
    plot.frame([start, 100], [0, (top || 1) * 1.06]);
    all.forEach((one, number) => {
      const { path, marks } = paths.get(one.name), key = [plot.framed, now.cost_wrong, now.cost_refer, now.strays, now.score].join();
      path.classList.toggle("cw-chosen", one === mine);
      if (path.key === key) return;
      path.key = key;
      const xs = [0, ...one.curve.coverage].map((value) => 100 * value);
      path.setAttribute("d", plot.path(xs, one.costs.cost));
      marks.put((k) => {
        const i = Math.min(bisect(xs, start + ((k + 0.2 + (0.6 * number) / all.length) / 4) * (100 - start)), xs.length - 1);
        return [plot.x(xs[i]), plot.y(one.costs.cost[i])];
      });
    });
    handle.setAttribute("transform", `translate(${plot.x(Math.max(start, 100 * share))},${plot.y(cost)})`);
    entries.put(now.model, all.map((one) => {
      const itsStep = one.curve.stepCovering(share);
      return `costs ${figures(one.costs.costAt(one === mine ? step : itsStep))} here`;
    }));
    coverage.put(answered, percent(share), mine.curve.images);
    words.textContent = describeDesk(validation, now, unit);
    fine.textContent = thresholdWords(now.threshold, now.score);
    plot.alt.textContent = `Expected cost per item (${unit}) against the share answered, for ${listing(all.map((one) => one.name))}. ` +
      all.map((one) => `${one.name} costs ${figures(one.costs.cost[0])} if a human gets all and ${figures(one.costs.cost.at(-1))} if it answers all`).join("; ") + `. ${words.textContent}`;
    if (!closed) said.say(words.textContent);
    line?.put(mine.curve.order, answered, `${now.model} ${now.score} ${now.strays}`);
    if (test) showVerdict();
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

const HEAD = ["round", "model", "promised", "came to", "best in hindsight", "answered", "threshold", "score", "wrong costs", "asking costs", "strays"];
const cells = (one, i) => [
  i ? `${i + 1}, test seen before` : "1", one.model, figures(one.promised), `${figures(one.cost)} ± ${figures(one.error, 2)}`, figures(one.hindsight),
  percent(one.coverage), one.threshold === null ? "none" : figures(one.threshold, 4), one.score, figures(one.cost_wrong), figures(one.cost_refer), percent(one.strays),
];
/** Rounds as lines of tab-separated cells, for a spreadsheet or a chat. */
const asText = (rounds) => [HEAD, ...rounds.map(cells)].map((line) => line.join("\t")).join("\n");
