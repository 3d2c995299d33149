// What explorer, Desk and browser share: models with looks, rankings, thresholds, digits in a queue.
import { predictions } from "./data.js";
import { DEFAULT_SCORE, riskCoverage } from "./metrics.js";
import { calm, digit, h } from "./parts.js";
import { figures } from "./words.js";

/** A threshold that reaches its step in Python too, whose last digit may differ. */
export const nudged = (threshold) => (Number.isFinite(threshold) ? threshold + Math.abs(threshold) * 1e-12 : threshold);

/** Thresholds travel as null where they are minus infinity, which JSON cannot say. */
export const received = (threshold) => threshold ?? -Infinity;
export const sent = (threshold) => (Number.isFinite(threshold) ? nudged(threshold) : null);

/** Models by name, each with its looks and its predictions. */
export function models(given, labels = given.labels) {
  return given.models.map((one) => ({ ...one, says: predictions(one, labels) }));
}

export const scoreFor = (says, score) => (says.scores.includes(score) ? score : DEFAULT_SCORE);

/** A curve of digits and strays: strays come after the digits, and an answer to one is wrong. */
export function mixedCurve(says, score, strays, number) {
  if (!number) return says.curve(score);
  const kept = (says.mixed ??= new Map()), key = `${score} ${number}`;
  if (!kept.has(key)) {
    const uncertainty = new Float64Array(says.images + number);
    uncertainty.set(says.score(score));
    uncertainty.set(strays.score(score).subarray(0, number), says.images);
    const correct = new Uint8Array(says.images + number);
    correct.set(says.correct);
    kept.set(key, riskCoverage(uncertainty, correct));
  }
  return kept.get(key);
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
