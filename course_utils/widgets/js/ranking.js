// What explorer, Desk and browser share: answers and scores, rankings, digits in a queue.
import { bisect, DEFAULT_SCORE, riskCoverage } from "./metrics.js";
import { calm, digit, h } from "./parts.js";
import { figures } from "./words.js";

/** Thresholds travel as null where they are minus infinity, which JSON cannot say. */
export const received = (threshold) => threshold ?? -Infinity;
export const sent = (threshold) => (Number.isFinite(threshold) ? threshold : null);

/** What a model answers and how uncertain it is by each score, as Python computed it. */
export class Answers {
  #curves = new Map();
  constructor({ predicted, scores, uncertainty, mean }, labels) {
    Object.assign(this, { predicted: predicted.values, images: predicted.values.length, scores, uncertainty, mean });
    this.correct = labels && this.predicted.map((answer, i) => +(answer === labels.values[i]));
  }
  score(name) {
    const from = this.scores.indexOf(name) * this.images;
    return this.uncertainty.values.subarray(from, from + this.images);
  }
  /** The curve by a score; OOD images come after the digits, and an answer to one is wrong. */
  curve(score, ood, number = 0) {
    const key = `${score} ${number}`;
    if (!this.#curves.has(key)) {
      const uncertainty = new Float64Array(this.images + number), correct = new Uint8Array(uncertainty.length);
      uncertainty.set(this.score(score));
      correct.set(this.correct);
      if (number) uncertainty.set(ood.score(score).subarray(0, number), this.images);
      this.#curves.set(key, riskCoverage(uncertainty, correct));
    }
    return this.#curves.get(key);
  }
  /** The mean of one image over all members, where it was sent. */
  meanOf(image) {
    const { values, shape } = this.mean;
    return Float64Array.from(values.subarray(image * shape[1], (image + 1) * shape[1]), (value) => value / 1e6);
  }
}

/** Models by name, each with its looks and its answers. */
export const models = (given) => given.models.map((one) => ({ ...one, says: new Answers(one, given.labels) }));

export const scoreFor = (says, score) => (says.scores.includes(score) ? score : DEFAULT_SCORE);

/** The highest risk of some curves from a coverage on: the first few images may leave the axis. */
export function highestRisk(curves, from) {
  let highest = 0;
  for (const { coverage, risk, answered, images } of curves)
    for (let i = bisect(coverage, from); i < risk.length; i++)
      if (answered[i] >= Math.min(images, 50)) highest = Math.max(highest, risk[i]);
  return highest || 0.01;
}

/** Digits in order of uncertainty on both sides of the threshold; they glide when it moves. */
export function queue({ paint, words, glide = 240 }) {
  const track = h("div", { className: "cw-track" });
  const titles = h("div", { className: "cw-sides" }, h("span", {}, "← answered"), h("span", {}, "for a human →"));
  const box = h("div", { className: "cw-queue", role: "img" }, titles, track, h("div", { className: "cw-gate" }));
  const tiles = new Map();
  let former;

  function tile(image) {
    const canvas = digit();
    paint(canvas, image);
    const { says, truth, right } = words(image);
    return h("div", { className: `cw-tile${right ? "" : " cw-wrong"}` }, canvas,
      h("span", {}, says), h("span", {}, right ? "✓" : `✗ ${truth}`));
  }

  /** @param order images, the most certain first; @param answered how many are answered */
  box.put = (order, answered, key = "") => {
    const width = box.clientWidth || 600, pitch = width < 500 ? 52 : 62;
    const each = Math.max(1, Math.floor((width / 2 - 16) / pitch));
    const jump = former?.key !== key || Math.abs(former.answered - answered) > 2 * each || calm();
    const wanted = new Map();
    for (let rank = Math.max(0, answered - each); rank < Math.min(order.length, answered + each); rank++) {
      const side = rank < answered ? -12 - pitch : 12;
      wanted.set(order[rank], width / 2 + (rank - answered + (rank < answered ? 1 : 0)) * pitch + side);
    }
    track.style.setProperty("--glide", jump ? "0ms" : `${glide}ms`);
    if (former && former.key !== key) {
      track.replaceChildren();
      tiles.clear();
    }
    for (const [image, element] of tiles)
      if (!wanted.has(image)) {
        element.remove();
        tiles.delete(image);
      }
    const moved = former ? answered - former.answered : 0, fresh = [];
    for (const [image, x] of wanted)
      if (!tiles.has(image)) {
        const element = tile(image);
        element.style.transform = `translateX(${jump ? x : x + moved * pitch}px)`;
        tiles.set(image, element);
        fresh.push(element);
      }
    track.append(...fresh);
    if (fresh.length && !jump) track.getBoundingClientRect(); // so that they glide from there
    for (const [image, x] of wanted) tiles.get(image).style.transform = `translateX(${x}px)`;
    former = { answered, key };
    const near = (images) => images.length ? images.map((image) => {
      const { says, truth, right } = words(image);
      return right ? `${says}, right` : `${says}, wrong: ${truth}`;
    }).join("; ") : "nothing";
    box.setAttribute("aria-label",
      `Just answered, nearest first: ${near(Array.from(order.slice(Math.max(0, answered - each), answered)).reverse())}. ` +
      `Just handed to a human, nearest first: ${near(Array.from(order.slice(answered, answered + each)))}.`);
  };
  return box;
}

export function thresholdWords(threshold, score) {
  return Number.isFinite(threshold)
    ? `Answered if its uncertainty, by ${score.toLowerCase()}, is at most ${figures(threshold, 4)}.`
    : "Nothing is answered: the threshold lies below every uncertainty.";
}
