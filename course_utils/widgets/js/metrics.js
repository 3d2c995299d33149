// The numbers of course_utils.metrics once more, for the page. Every function here is held to its
// Python original by tests/widgets/test_front_end_metrics.py: equal to 1e-9, ties included.

// --- outputs of a classifier ------------------------------------------------------------------
function softmax(logits, classes) {
  const probabilities = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    let largest = -Infinity, total = 0;
    for (let c = row; c < row + classes; c++) largest = Math.max(largest, logits[c]);
    for (let c = row; c < row + classes; c++) total += probabilities[c] = Math.exp(logits[c] - largest);
    for (let c = row; c < row + classes; c++) probabilities[c] /= total;
  }
  return probabilities;
}

function logSumExp(values, start, count, stride = 1) {
  let largest = -Infinity, total = 0;
  for (let i = 0; i < count; i++) largest = Math.max(largest, values[start + i * stride]);
  for (let i = 0; i < count; i++) total += Math.exp(values[start + i * stride] - largest);
  return largest + Math.log(total);
}

/** Where the largest of some values is, counted from the first of them; the first of equal ones. */
export const argmax = (values, start = 0, count = values.length) => {
  let best = 0;
  for (let c = 1; c < count; c++) if (values[start + c] > values[start + best]) best = c;
  return best;
};

/** What M members said about N images, as course_utils.metrics.Predictions. */
export class Predictions {
  /**
   * @param {{logits?: ArrayLike<number>, probabilities?: ArrayLike<number>,
   *          labels?: ArrayLike<number>, shape: [number, number, number]}} given
   */
  constructor({ logits, probabilities, labels, shape }) {
    [this.images, this.members, this.classes] = shape;
    const outputs = logits ?? probabilities;
    if (outputs.length !== this.images * this.members * this.classes)
      throw new RangeError("The numbers of a model do not fit its shape; run the cell again.");
    for (let i = 0; i < outputs.length; i++)
      if (!Number.isFinite(outputs[i]))
        throw new RangeError("A model's outputs hold NaN or infinite values: the training may have diverged.");
    Object.assign(this, { logits, labels, given: probabilities });
  }
  #kept = new Map();
  #once(name, compute) {
    if (!this.#kept.has(name)) this.#kept.set(name, compute());
    return this.#kept.get(name);
  }

  /** [N, M, C] */
  get probabilities() {
    return this.#once("probabilities", () => this.given ?? softmax(this.logits, this.classes));
  }
  /** [N, C]: the members' average, which is the ensemble's answer. */
  get mean() {
    return this.#once("mean", () => averaged(this.probabilities, this.images, this.members, this.classes));
  }
  /** [N] */
  get predicted() {
    return this.#once("predicted", () =>
      Int32Array.from({ length: this.images }, (_, i) => argmax(this.mean, i * this.classes, this.classes)));
  }
  /** [N], 1 where the answer is the label */
  get correct() {
    return this.#once("correct", () => this.predicted.map((answer, i) => +(answer === this.labels[i])));
  }
  /** Largest probability of the mean, [N] */
  get confidence() {
    return this.#once("confidence", () =>
      Float64Array.from(this.predicted, (c, i) => Math.min(this.mean[i * this.classes + c], 1)));
  }
  score(name) {
    return this.#once(`score ${name}`, () => SCORES[name](this));
  }
  /** @returns {RiskCoverage} */
  curve(score) {
    return this.#once(`curve ${score}`, () => riskCoverage(this.score(score), this.correct));
  }
  /** Probabilities of one image, a row for each member. */
  rows(image) {
    const { members, classes, probabilities } = this;
    return Array.from({ length: members }, (_, m) =>
      probabilities.subarray((image * members + m) * classes, (image * members + m + 1) * classes));
  }
}

function averaged(probabilities, images, members, classes) {
  const mean = new Float64Array(images * classes);
  for (let i = 0; i < images; i++)
    for (let c = 0; c < classes; c++) {
      let total = 0;
      for (let m = 0; m < members; m++) total += probabilities[(i * members + m) * classes + c];
      mean[i * classes + c] = total / members;
    }
  return mean;
}

export function meanOfRows(rows) {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) for (let c = 0; c < row.length; c++) mean[c] += row[c] / rows.length;
  return mean;
}

/** Entropy of probabilities, in nats. */
export function entropyOf(values, start = 0, count = values.length) {
  let total = 0;
  for (let c = start; c < start + count; c++) if (values[c] > 0) total -= values[c] * Math.log(values[c]);
  return Math.max(total, 0);
}

/** Total, expected and mutual: the entropy of the mean and its two parts, of one image. */
export function entropySplit(rows) {
  const total = entropyOf(meanOfRows(rows));
  const expected = rows.reduce((sum, row) => sum + entropyOf(row), 0) / rows.length;
  return { total, expected, mutual: Math.max(total - expected, 0) };
}

// --- scores: higher is less certain -------------------------------------------------------------
const perImage = (predictions, value) =>
  Float64Array.from({ length: predictions.images }, (_, i) => value(i));

function maxProbability(p) {
  return perImage(p, (i) => {
    let others = 0;
    for (let c = 0; c < p.classes; c++) if (c !== p.predicted[i]) others += p.mean[i * p.classes + c];
    return others;
  });
}
const entropy = (p) => perImage(p, (i) => entropyOf(p.mean, i * p.classes, p.classes));
const expectedEntropy = (p) =>
  perImage(p, (i) => {
    let total = 0;
    for (let m = 0; m < p.members; m++)
      total += entropyOf(p.probabilities, (i * p.members + m) * p.classes, p.classes);
    return total / p.members;
  });
/** Those that widgets compute themselves, from what they show; the others come from Python. */
const SCORES = { "Maximum probability": maxProbability, Entropy: entropy, "Expected entropy": expectedEntropy };
export const DEFAULT_SCORE = "Maximum probability";

// --- selection ----------------------------------------------------------------------------------
/** Index of the first value that is at least (or, with after, more than) the one looked for. */
export function bisect(values, sought, after = false) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < sought || (after && values[middle] === sought)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The risk-coverage curve, one step per distinct uncertainty. */
export class RiskCoverage {
  constructor(threshold, answered, wrong, order) {
    Object.assign(this, { threshold, answered, wrong, order });
    this.images = answered.at(-1);
    this.coverage = Float64Array.from(answered, (n) => n / this.images);
    this.risk = Float64Array.from(answered, (n, step) => wrong[step] / n);
  }
  get errorRate() {
    return this.risk.at(-1);
  }
  /** Expected number of wrong answers among the first k = 1 to N, ties in random order. */
  expectedWrong() {
    const expected = new Float64Array(this.images);
    let from = 0, before = 0;
    this.answered.forEach((to, step) => {
      for (let k = from + 1; k <= to; k++)
        expected[k - 1] = before + ((this.wrong[step] - before) * (k - from)) / (to - from);
      from = to;
      before = this.wrong[step];
    });
    return expected;
  }
  get aurc() {
    return meanHeight(this.expectedWrong().map((wrong, i) => wrong / (i + 1)));
  }
  /** Index of the last step with at most this threshold; -1: nothing is answered. */
  stepAt(threshold) {
    if (Number.isNaN(threshold)) throw new RangeError("The threshold must be a number.");
    return bisect(this.threshold, threshold, true) - 1;
  }
  /** The first step that covers at least this share; -1 for a share of 0. */
  stepCovering(coverage) {
    checkShare(coverage, "coverage");
    return coverage === 0 ? -1 : bisect(this.coverage, coverage);
  }
  /** The last step whose risk is at most this; -1 if there is none. */
  stepWithin(risk) {
    checkShare(risk, "risk");
    return this.risk.findLastIndex((value) => value <= risk);
  }
  thresholdOf(step) {
    return step < 0 ? -Infinity : this.threshold[step];
  }
  answeredAt(step) {
    return step < 0 ? 0 : this.answered[step];
  }
  wrongAt(step) {
    return step < 0 ? 0 : this.wrong[step];
  }
  riskAtCoverage(coverage) {
    return this.risk[Math.max(0, this.stepCovering(coverage))];
  }
}

/**
 * @param near an order that is nearly right, if one is known, from which sorting is faster
 * @returns {RiskCoverage} with the images from the most to the least certain in `order`
 */
export function riskCoverage(uncertainty, correct, near) {
  if (uncertainty.length !== correct.length || !correct.length)
    throw new RangeError("Uncertainty and correct must belong to the same images, at least one.");
  if (!uncertainty.every(Number.isFinite))
    throw new RangeError("The uncertainty holds NaN or infinite values: they cannot be ranked.");
  const order = near?.slice() ?? Uint32Array.from(uncertainty, (_, i) => i);
  order.sort((a, b) => uncertainty[a] - uncertainty[b] || a - b);
  const threshold = [], answered = [], wrong = [];
  let errors = 0;
  order.forEach((image, i) => {
    errors += correct[image] ? 0 : 1;
    if (i + 1 < order.length && uncertainty[order[i + 1]] === uncertainty[image]) return;
    threshold.push(uncertainty[image]);
    answered.push(i + 1);
    wrong.push(errors);
  });
  return new RiskCoverage(Float64Array.from(threshold), answered, wrong, order);
}

function meanHeight(heights) {
  if (heights.length === 1) return heights[0];
  const inner = heights.reduce((sum, height) => sum + height, 0) - (heights[0] + heights.at(-1)) / 2;
  return inner / (heights.length - 1);
}

function checkShare(value, name) {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`The ${name} must lie between 0 % and 100 %.`);
}

/** Expected cost per image at every step; step -1, nothing answered, comes first. */
export function costCurve(curve, costWrong, costRefer) {
  checkCost(costWrong, "wrong answer");
  checkCost(costRefer, "question to a human");
  const n = curve.images;
  const cost = [costRefer, ...curve.answered.map((k, step) =>
    (costWrong * curve.wrong[step] + costRefer * (n - k)) / n)];
  const limit = cost.reduce((a, b) => Math.min(a, b)) * (1 + 1e-12);
  return { cost, costAt: (step) => cost[step + 1], best: cost.findLastIndex((value) => value <= limit) - 1 };
}

function checkCost(value, name) {
  if (!(Number.isFinite(value) && value >= 0))
    throw new RangeError(`The cost of a ${name} must be a number of at least 0.`);
}

/** Mean cost of what was decided, its two parts, and half of a 95 % interval (normal). */
export function costOf(answered, correct, costWrong, costRefer) {
  const n = correct.length;
  let wrong = 0, referred = 0;
  for (let i = 0; i < n; i++) {
    if (!answered[i]) referred++;
    else if (!correct[i]) wrong++;
  }
  const mean = (costWrong * wrong + costRefer * referred) / n;
  const squares = wrong * (costWrong - mean) ** 2 + referred * (costRefer - mean) ** 2 + (n - wrong - referred) * mean ** 2;
  const error = n > 1 ? (1.96 * Math.sqrt(squares / (n - 1))) / Math.sqrt(n) : 0;
  return { cost: mean, wrongCost: (costWrong * wrong) / n, referCost: (costRefer * referred) / n, wrong, referred, error };
}

// --- calibration ----------------------------------------------------------------------------------
/** Bins of confidence as torchmetrics has them: a bin of its own for a confidence of exactly 1. */
export function calibrationBins(confidence, correct, bins = 15) {
  const edges = Array.from({ length: bins + 1 }, (_, i) => (i === bins ? 1 : i * (1 / bins)));
  const count = new Array(bins + 1).fill(0), sum = [...count], right = [...count];
  confidence.forEach((value, i) => {
    const bin = bisect(edges, Math.min(value, 1), true) - 1;
    count[bin]++;
    sum[bin] += Math.min(value, 1);
    right[bin] += correct[i] ? 1 : 0;
  });
  let error = 0;
  count.forEach((n, bin) => {
    if (n) error += Math.abs(right[bin] - sum[bin]);
  });
  return {
    count,
    confidence: sum.map((total, bin) => total / count[bin]),
    accuracy: right.map((total, bin) => total / count[bin]),
    right,
    error: error / confidence.length,
  };
}

export const accuracy = (p) => p.correct.reduce((sum, right) => sum + right, 0) / p.images;

/** Logarithm of the mean, [N, C], by the largest term first. */
export function logMean(p) {
  const { images, members, classes, logits } = p;
  const each = new Float64Array(logits.length), mean = new Float64Array(images * classes);
  for (let row = 0; row < logits.length; row += classes) {
    const total = logSumExp(logits, row, classes);
    for (let c = row; c < row + classes; c++) each[c] = logits[c] - total;
  }
  for (let i = 0; i < images; i++)
    for (let c = 0; c < classes; c++)
      mean[i * classes + c] = logSumExp(each, i * members * classes + c, members, classes) - Math.log(members);
  return mean;
}

/**
 * The answers at a temperature, which divides the logarithm of the mean: how sure each is, the
 * uncertainty by maximum probability, and the NLL. One pass, as it is asked for at every frame.
 */
export function tempered(log, labels, classes, temperature) {
  const images = labels.length, confidence = new Float64Array(images), uncertainty = new Float64Array(images);
  const scaled = new Float64Array(classes);
  let nll = 0;
  for (let i = 0; i < images; i++) {
    let best = 0, total = 0, others = 0;
    // float32, as Python's Predictions keep logits
    for (let c = 0; c < classes; c++) {
      scaled[c] = Math.fround(log[i * classes + c] / temperature);
      if (scaled[c] > scaled[best]) best = c;
    }
    const largest = scaled[best], truth = scaled[labels[i]];
    for (let c = 0; c < classes; c++) total += scaled[c] = Math.exp(scaled[c] - largest);
    for (let c = 0; c < classes; c++) if (c !== best) others += scaled[c] / total;
    confidence[i] = 1 / total;
    uncertainty[i] = others;
    nll += largest + Math.log(total) - truth;
  }
  return { confidence, uncertainty, nll: nll / images };
}

// --- detection ----------------------------------------------------------------------------------
/** AUROC: the share of pairs in which the foreign image has the higher score. */
export function auroc(known, foreign) {
  const sorted = Float64Array.from(known).sort(), other = Float64Array.from(foreign).sort();
  let below = 0, upTo = 0, pairs = 0;
  for (const score of other) {
    while (below < sorted.length && sorted[below] < score) below++;
    if (upTo < below) upTo = below;
    while (upTo < sorted.length && sorted[upTo] <= score) upTo++;
    pairs += below + upTo;
  }
  return pairs / (2 * sorted.length * other.length);
}

// --- intervals ----------------------------------------------------------------------------------
const Z = 1.959963984540054; // of 95 %, two-sided

/** Wilson's 95 % interval of a share. */
export function wilson(hits, count) {
  const z2 = Z * Z, middle = (hits + z2 / 2) / (count + z2);
  const half = Math.sqrt(z2 * ((hits * (count - hits)) / count + z2 / 4)) / (count + z2);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

// --- every choice of members ----------------------------------------------------------------------
export const METRICS = {
  Accuracy: { percent: true, higher: true, name: "accuracy" },
  NLL: { percent: false, higher: false, name: "NLL" },
  "Brier score": { percent: false, higher: false, name: "Brier score" },
  ECE: { percent: true, higher: false, name: "ECE" },
  AUROC: { percent: false, higher: true, name: "AUROC" },
};

/** All metrics of the average of some members; a choice is a bit mask. */
export function measureChoice(p, foreign, choice) {
  const members = Array.from({ length: p.members }, (_, m) => m).filter((m) => (choice >> m) & 1);
  const mean = meanOfMembers(p, members), n = p.images, { classes, labels } = p;
  const confidence = new Float64Array(n), correct = new Uint8Array(n), others = new Float64Array(n);
  let nll = 0, squares = 0, truth = 0;
  for (let i = 0; i < n; i++) {
    const best = argmax(mean, i * classes, classes);
    for (let c = 0; c < classes; c++) {
      const value = mean[i * classes + c];
      squares += value * value;
      if (c !== best) others[i] += value;
    }
    confidence[i] = mean[i * classes + best];
    correct[i] = best === labels[i] ? 1 : 0;
    nll -= Math.log(mean[i * classes + labels[i]]);
    truth += mean[i * classes + labels[i]];
  }
  const right = correct.reduce((a, b) => a + b, 0);
  const values = {
    Accuracy: right / n,
    NLL: nll / n,
    "Brier score": Math.max(0, squares / n - (2 * truth) / n + 1),
    ECE: calibrationBins(confidence, correct).error,
  };
  if (foreign) {
    const strange = meanOfMembers(foreign, members);
    values.AUROC = auroc(others, Float64Array.from({ length: foreign.images }, (_, i) => {
      const best = argmax(strange, i * classes, classes);
      let rest = 0;
      for (let c = 0; c < classes; c++) if (c !== best) rest += strange[i * classes + c];
      return rest;
    }));
  }
  return values;
}

function meanOfMembers(p, members) {
  const mean = new Float64Array(p.images * p.classes);
  for (let i = 0; i < p.images; i++)
    for (let c = 0; c < p.classes; c++) {
      let total = 0;
      for (const m of members) total += p.probabilities[(i * p.members + m) * p.classes + c];
      mean[i * p.classes + c] = total / members.length;
    }
  return mean;
}
