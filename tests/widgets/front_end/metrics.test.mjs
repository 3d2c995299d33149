// Compares the page's numbers with those of course_utils.metrics, on cases that Python wrote.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as metrics from "../../../course_utils/widgets/js/metrics.js";
import { predictions as received } from "../../../course_utils/widgets/js/data.js";
import { Queue, describeDesk, describeVerdict, judge } from "../../../course_utils/widgets/js/judging.js";
import { Answers, highestRisk } from "../../../course_utils/widgets/js/ranking.js";
import * as words from "../../../course_utils/widgets/js/words.js";
import * as lenet from "../../../course_utils/widgets/js/lenet.js";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const number = (value) =>
  typeof value === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[value] : value;

function near(found, expected, what, within = 1e-9) {
  if (Array.isArray(expected)) {
    assert.equal(found.length, expected.length, `${what}: length`);
    expected.forEach((value, i) => near(found[i], value, `${what}[${i}]`, within));
    return;
  }
  const wanted = number(expected);
  if (Number.isFinite(wanted)) assert.ok(Math.abs(found - wanted) <= within * Math.max(1, Math.abs(wanted)), `${what}: ${found}, not ${wanted}`);
  else assert.ok(Object.is(Number(found), wanted), `${what}: ${found}, not ${wanted}`);
}

const predictions = ({ values, labels, shape, kind }) =>
  new metrics.Predictions({ [kind]: Float64Array.from(values), labels, shape });

const answers = ({ predicted, scores, uncertainty }, labels) => new Answers(
  { predicted: { values: Int32Array.from(predicted) }, scores, uncertainty: { values: Float64Array.from(uncertainty.flat()) } },
  labels && { values: labels });

for (const one of cases.predictions)
  test(`predictions: ${one.name}`, () => {
    const p = predictions(one), { expected } = one;
    near(Array.from(p.mean), expected.mean, "mean");
    assert.deepEqual(Array.from(p.predicted), expected.predicted);
    for (const [name, values] of Object.entries(expected.scores)) near(Array.from(p.score(name)), values, name);
    near(metrics.accuracy(p), expected.accuracy, "accuracy");
    const bins = metrics.calibrationBins(p.confidence, p.correct);
    near(bins.error, expected.bins.error, "ECE");
    assert.deepEqual(bins.count, expected.bins.count);
    near(bins.accuracy, expected.bins.accuracy, "accuracy of bins");
    near(bins.confidence, expected.bins.confidence, "confidence of bins");
    if (expected.cooler) {
      const log = metrics.logMean(p);
      const cooler = metrics.tempered(log, p.labels, p.classes, 2.5);
      for (const name of ["nll", "confidence", "uncertainty"]) {
        const found = typeof cooler[name] === "number" ? cooler[name] : Array.from(cooler[name]);
        near(found, expected.cooler[name], `${name} at T = 2.5`);
      }
    }
    for (const [choice, values] of expected.choices) {
      const found = metrics.measureChoice(p, one.foreign && predictions(one.foreign), choice);
      assert.deepEqual(Object.keys(found), Object.keys(values));
      for (const name of Object.keys(values)) near(found[name], values[name], `${name} of choice ${choice}`);
    }
  });

for (const one of cases.curves)
  test(`risk and coverage: ${one.name}`, () => {
    const curve = metrics.riskCoverage(Float64Array.from(one.uncertainty), one.correct), { expected } = one;
    near(Array.from(curve.threshold), expected.threshold, "threshold");
    assert.deepEqual(curve.answered, expected.answered);
    assert.deepEqual(curve.wrong, expected.wrong);
    near(curve.aurc, expected.aurc, "AURC");
    for (const [share, at, threshold] of expected.at_coverage) {
      near(curve.riskAtCoverage(share), at, `risk at ${share}`);
      if (share > 0) near(curve.thresholdOf(curve.stepCovering(share)), threshold, `threshold for ${share}`);
    }
    for (const [risk, threshold] of expected.at_risk)
      near(curve.thresholdOf(curve.stepWithin(risk)), threshold, `threshold for risk ${risk}`);
    for (const [threshold, coverage] of expected.at_threshold)
      near(curve.answeredAt(curve.stepAt(number(threshold))) / curve.images, coverage, `at ${threshold}`);
    for (const [wrong, refer, costs, best] of expected.costs) {
      const found = metrics.costCurve(curve, wrong, refer);
      near(found.cost, costs, `costs ${wrong}, ${refer}`);
      near(curve.thresholdOf(found.best), best, `cheapest of ${wrong}, ${refer}`);
    }
    for (const [threshold, wrong, refer, cost, error] of expected.desks) {
      const answered = one.uncertainty.map((value) => value <= number(threshold));
      const found = metrics.costOf(answered, one.correct, wrong, refer);
      near([found.cost, found.error], [cost, error], "cost of a desk");
    }
  });

for (const one of cases.desks)
  test(`desk: ${one.name}`, () => {
    const queue = (set) => new Queue(one[set].map(({ name, says, labels, ood }) =>
      ({ name, says: answers(says, labels), ood: answers(ood) })));
    const validation = queue("validation"), test = queue("test");
    for (const { state, expected, others } of one.rounds) {
      const { bars, promised, items } = judge(validation, test, { ...state, threshold: number(state.threshold) });
      near([promised, bars[0].cost, bars[0].error, bars[1].cost], [expected.promised, expected.cost, expected.error, expected.hindsight], state.model);
      assert.equal(items, expected.items);
      near(bars.filter((bar) => bar.other).map((bar) => bar.cost), others, "other models");
      const sentence = describeVerdict({ bars, promised, items }, "minutes");
      assert.match(sentence, new RegExp(`^Test queue of ${items}: your desk cost `));
      assert.ok(sentence.includes(expected.within ? "which lies within it" : "which lies outside it"), sentence);
      assert.ok(sentence.includes(expected.cheaper ? `Cheaper than you: ${expected.cheaper},` : "No other model, "), sentence);
      const before = describeDesk(validation, { ...state, threshold: number(state.threshold) }, "minutes");
      assert.ok(before.startsWith(`Validation queue of ${expected.queue}: ${expected.answered} answered (`), before);
      assert.ok(before.includes(` ${expected.wrong} of them ${expected.wrong === 1 ? "is" : "are"} wrong`), before);
      assert.ok(before.includes(`asked about ${expected.queue - expected.answered}. `), before);
      assert.equal(before.includes("OOD image"), expected.ood > 0, before);
      near([bars[2].cost, bars.at(-2).cost, bars.at(-1).cost], expected.bounds, "oracle, everything, nothing");
    }
  });

test("AUROC", () => {
  for (const [known, foreign, value] of cases.aurocs) near(metrics.auroc(known, foreign), value, `${known} and ${foreign}`);
});

test("the highest risk that is drawn", () => {
  const of = (...right) => metrics.riskCoverage(Float64Array.from(right, (_, i) => i), right);
  assert.equal(highestRisk([of(0, 1, 1, 1), of(1, 1, 1, 0)], 0), 1 / 4); // all answered, as 50 or more would be
  const first = of(0, ...Array(99).fill(1));
  assert.equal(highestRisk([first], 0), 1 / 50); // the first 49 rest on too few
  assert.equal(highestRisk([first], 0.8), 1 / 80);
  assert.equal(highestRisk([of(1, 1)], 0), 0.01);
});

test("probabilities in millionths", () => {
  const values = Int32Array.of(700_000, 300_000, 1, 999_999);
  const says = received({ kind: "millionths", members: [{ values, shape: [2, 2] }, { values: values.slice().reverse(), shape: [2, 2] }] });
  near(says.rows(0).map((row) => Array.from(row)), [[0.7, 0.3], [0.999999, 1e-6]], "rows");
});

test("numbers in words", () => {
  for (const [share, text] of cases.percents) assert.equal(words.percent(share), text);
  assert.deepEqual([1, 2, 3].map((n) => words.listing(["a", "b", "c"].slice(0, n))), ["a", "a and b", "a, b and c"]);
  assert.deepEqual([0, 1, 2345].map((n) => words.plural(n, "digit")), ["0 digits", "1 digit", "2,345 digits"]);
  assert.deepEqual([0, 0.012345, 12.3456, 1234.5, 3.2e-11, -0.00001, NaN].map((value) => words.figures(value)),
    ["0", "0.0123", "12.3", "1,235", "3.20 × 10⁻¹¹", "-1.00 × 10⁻⁵", "–"]);
});

test("Wilson's intervals", () => {
  for (const [hits, count, low, high] of cases.intervals) near(metrics.wilson(hits, count), [low, high], `${hits} of ${count}`);
});

test("input that makes no sense is refused in a sentence", () => {
  const shape = [1, 1, 2];
  const says = (act, words) => assert.throws(act, { name: "RangeError", message: words });
  says(() => new metrics.Predictions({ logits: [NaN, 1], labels: [0], shape }), /NaN/);
  says(() => new metrics.Predictions({ logits: [1], labels: [0], shape }), /shape/);
  says(() => metrics.riskCoverage(Float64Array.from([NaN]), [1]), /ranked/);
  says(() => metrics.riskCoverage(new Float64Array(0), []), /at least one/);
  const curve = metrics.riskCoverage(Float64Array.from([0.1, 0.2]), [1, 0]);
  says(() => curve.stepCovering(1.01), /coverage/);
  says(() => curve.stepWithin(-0.1), /risk/);
  says(() => curve.stepAt(NaN), /number/);
  says(() => metrics.costCurve(curve, -1, 1), /wrong answer/);
  says(() => metrics.costCurve(curve, 1, NaN), /human/);
});

test("LeNet answers as torch does", { skip: !cases.lenet }, () => {
  const { images, probabilities } = cases.lenet;
  const networks = cases.lenet.networks.map(({ steps, values }) =>
    lenet.network({ steps, values: Int16Array.from(values) }));
  let apart = 0;
  images.forEach((image, i) =>
    networks.forEach((network, m) => {
      const logits = lenet.forward(network, image);
      const p = new metrics.Predictions({ logits, labels: [0], shape: [1, 1, 10] }).mean;
      p.forEach((value, c) => (apart = Math.max(apart, Math.abs(value - probabilities[i][m][c]))));
    }));
  assert.ok(apart < 1e-3, `probabilities differ by ${apart}`);
});

test("drawings are centred as course_utils.images.centring does it", () => {
  for (const { name, drawing, side, centred, small } of cases.drawings) {
    near(Array.from(lenet.asMnist(drawing, side)), centred, name, 1.01);
    near(Array.from(lenet.shrunk(drawing, side)), small, `${name}, only shrunk`, 1.01);
  }
});
