// The Abstention Desk's arithmetic: what a threshold costs on validation, and what it costs then.
import { costCurve, costOf } from "./metrics.js";
import { scoreFor } from "./ranking.js";
import { are, count, figures, listing, percent, plural } from "./words.js";

/** One queue: digits, and OOD images that may be slipped in; `models` hold `says` and perhaps `ood`. */
export class Queue {
  constructor(models) {
    this.models = new Map(models.map((one) => [one.name, one]));
    this.digits = models[0].says.images;
  }
  number({ model, ood_share: share }) {
    return this.models.get(model).ood ? Math.round(share * this.digits) : 0;
  }
  /** The curve of a model by a score, or by the default where it has no such score. */
  curve(state, name = state.model) {
    const { says, ood } = this.models.get(name);
    return says.curve(scoreFor(says, state.score), ood, this.number(state));
  }
  costs(state, name) {
    return costCurve(this.curve(state, name), state.cost_wrong, state.cost_refer);
  }
  stepAt(state) {
    return this.curve(state).stepAt(state.threshold);
  }
  /** Right (1) or wrong (0) of every item, OOD images after the digits. */
  correct(state, name = state.model) {
    const correct = new Uint8Array(this.digits + this.number(state));
    correct.set(this.models.get(name).says.correct);
    return correct;
  }
  /** Which items a step of the curve answers. */
  answered(state, step, name) {
    const curve = this.curve(state, name), answered = new Uint8Array(curve.images);
    for (const item of curve.order.subarray(0, curve.answeredAt(step))) answered[item] = 1;
    return answered;
  }
}

/** What opening the test set shows: bars, and the cost that validation had promised. */
export function judge(validation, test, state) {
  const { model, cost_wrong: wrong, cost_refer: refer } = state;
  const correct = test.correct(state), none = new Uint8Array(correct.length);
  const bar = (name, answered, right = correct, more = {}) => ({ name, ...costOf(answered, right, wrong, refer), ...more });
  const bars = [
    bar(`your desk (${model})`, test.answered(state, test.stepAt(state)), correct, { yours: true }),
    bar(`${model}, best in hindsight`, test.answered(state, test.costs(state).best)),
    // Where asking costs more than a mistake, even an oracle asks about nothing.
    bar("oracle: asks at mistakes only", correct.map((right) => (right || refer >= wrong ? 1 : 0))),
  ];
  const others = [...test.models.keys()].filter((name) => name !== model);
  for (const name of others) {
    // The threshold that was cheapest on validation, as anybody could have chosen it.
    const threshold = validation.curve(state, name).thresholdOf(validation.costs(state, name).best);
    const step = test.curve(state, name).stepAt(threshold);
    bars.push(bar(name, test.answered(state, step, name), test.correct(state, name), { other: true }));
  }
  bars.push(bar(`${model}, answers everything`, none.map(() => 1)), bar("asks about everything", none));
  return { bars, promised: validation.costs(state).costAt(validation.stepAt(state)), items: correct.length };
}

/** The desk in words, on validation: what it costs, and not what it could cost. */
export function describeDesk(queue, state, unit) {
  const curve = queue.curve(state), step = queue.stepAt(state), answered = curve.answeredAt(step);
  const wrong = curve.wrongAt(step), ood = curve.order.subarray(0, answered).filter((item) => item >= queue.digits).length;
  const cost = queue.costs(state).costAt(step);
  return `Validation queue of ${count(curve.images)}: ${count(answered)} answered (${percent(answered / curve.images)}), ` +
    `${count(wrong)} of them ${are(wrong)} wrong${ood ? `, among them ${plural(ood, "OOD image")}` : ""}; ` +
    `a human is asked about ${count(curve.images - answered)}. That costs ${figures(cost)} ${unit} per item.`;
}

export function describeVerdict({ bars, promised, items }, unit) {
  const [yours, hindsight, oracle] = bars, others = bars.filter((one) => one.other);
  const cheaper = others.filter((one) => one.cost < yours.cost).map((one) => one.name);
  const away = Math.abs(yours.cost - promised) <= yours.error ? "within" : "outside";
  return `Test queue of ${count(items)}: your desk cost ${figures(yours.cost)} ± ${figures(yours.error, 2)} ${unit} per item ` +
    `(95 % interval); validation had promised ${figures(promised)}, which lies ${away} it. Knowing the test labels, the best threshold ` +
    `would have cost ${figures(hindsight.cost)}, and an oracle that asks about the mistakes only ${figures(oracle.cost)}.` +
    (others.length ? cheaper.length ? ` Cheaper than you: ${listing(cheaper)}, each with the threshold that was cheapest on validation.` : " No other model, with the threshold that was cheapest on validation, is cheaper." : "");
}
