// Misclassified browser: filter and sort the mistakes, compare the models on each, pin one beside another.
import { bars, button, digit, everyFrame, gallery, h, menu, row, sentence, slider, stepper } from "./parts.js";
import { models, scoreFor } from "./ranking.js";
import { shade } from "./plot.js";
import { count, figures, listing, percent, plural } from "./words.js";

const OWN = "own", SHARED = "shared", ALONE = "alone", EVERY = "every", ANY = -1;
const STATE = ["model", "score", "errors", "truth", "answer", "low", "high", "doubtful_first", "place"];

/** Whether an image is an error of a kind; `all` are predictions, `mine` one of them. */
export function ofKind(all, mine, kind, i) {
  if (kind === EVERY) return true;
  if (mine.correct[i]) return false;
  if (kind === SHARED) return all.every((one) => !one.correct[i]);
  if (kind === ALONE) return all.every((one) => one === mine || one.correct[i]);
  return true;
}

/** Images that pass the filters, in the order in which they are shown; `without` leaves one open. */
export function inOrder(all, mine, labels, state, without) {
  const uncertainty = mine.score(state.score), order = Array.from(mine.curve(state.score).order);
  const found = order.filter((i) =>
    (without === "errors" || ofKind(all, mine, state.errors, i)) &&
    (without === "truth" || state.truth === ANY || labels[i] === state.truth) &&
    (without === "answer" || state.answer === ANY || mine.predicted[i] === state.answer) &&
    (state.low === null || uncertainty[i] >= state.low) && (state.high === null || uncertainty[i] <= state.high));
  return state.doubtful_first ? found.reverse() : found;
}

export function misclassified({ model, el, given, hear, change }) {
  const looks = models(given), all = looks.map((one) => one.says), names = given.class_names, { noun } = given;
  const images = gallery(given.images), labels = given.labels.values, total = images.length;
  const numberOf = (i) => given.numbers?.values[i] ?? i; // in the data, of which the page holds a part
  const state = () => {
    const now = Object.fromEntries(STATE.map((name) => [name, model.get(name)]));
    return { ...now, score: scoreFor(looks.find((one) => one.name === now.model).says, now.score) };
  };
  const mine = () => looks.find((one) => one.name === model.get("model")).says;
  const choose = (traits) => change({ place: 0, ...traits });
  let pinned; // an image

  // --- controls: each setting is listed with what it would leave, given all the others ---
  const which = menu("Model", (name) => {
    const image = inOrder(all, mine(), labels, state())[state().place];
    const says = looks.find((one) => one.name === name).says, score = scoreFor(says, state().score);
    // The scores of two models may live on different scales.
    const after = { ...state(), model: name, score, low: null, high: null };
    const place = inOrder(all, says, labels, after).indexOf(image);
    change({ model: name, score, low: null, high: null, place: Math.max(0, place) });
  });
  const kinds = menu("Show", (errors) => choose({ errors }));
  const scores = menu("Sort by", (score) => choose({ score, low: null, high: null }));
  const order = menu("Order", (value) => choose({ doubtful_first: value === "true" }));
  const truths = menu("True class", (value) => choose({ truth: Number(value) }));
  const answers = menu("Predicted class", (value) => choose({ answer: Number(value) }));
  const low = slider("Uncertainty from", { max: total, oninput: (n) => choose({ low: edge(n, true) }) });
  const high = slider("Uncertainty up to", { max: total, oninput: (n) => choose({ high: edge(n, false) }) });
  // By rank: most scores crowd at one end of their scale.
  const sorted = () => mine().curve(state().score).threshold;
  function edge(step, lower) {
    const scale = sorted();
    if (lower) return step === 0 ? null : scale[step];
    return step === scale.length - 1 ? null : scale[step];
  }
  const reset = button("Reset filters", () => choose({ truth: ANY, answer: ANY, low: null, high: null }));
  const go = (place) => change({ place: Math.min(Math.max(place, 0), Math.max(0, found.length - 1)) });
  const steps = stepper((by) => go(state().place + by));
  const places = slider("Go through", { min: 1, max: 2, oninput: (n) => go(n - 1) });
  const pin = button("Pin to compare", () => {
    pinned = pinned === found[state().place] ? undefined : found[state().place];
    draw();
  });
  const link = button("Show in the disagreement explorer", () =>
    document.dispatchEvent(new CustomEvent("course:image", { detail: { set: given.set, image: numberOf(found[state().place]) } })));
  steps.append(pin, link);

  // --- what there is to see ---
  const strip = h("div", { className: "cw-strip", role: "group", "aria-label": `Neighbours of this ${noun} in the order` });
  const cards = [card(), card()];
  const pair = h("div", { className: "cw-pair" }, ...cards.map((one) => one.box));
  const words = sentence(), held = labels.reduce((sum, _, i) => sum + all.every((one) => one.correct[i]), 0);
  const note = held < given.right ? ` Of the ${plural(given.right, noun)} that ${looks.length > 1 ? "all models get" : "the model gets"} right, this page holds the first ${count(held)}.` : "";
  el.append(row(which, kinds), row(scores, order), row(truths, answers, reset), low, high, steps, places, strip, pair, words);

  function card() {
    const picture = digit("The image"), title = h("strong", {}), rows = looks.map((looks) => {
      const name = h("h4", {}, looks.name), chart = bars(names);
      name.style.borderLeft = `6px solid ${shade(looks.color)}`;
      return { box: h("div", { className: "cw-model" }, name, chart), name, chart };
    });
    const box = h("article", {}, h("div", { className: "cw-head" }, h("figure", {}, picture), title), h("div", { className: "cw-models" }, ...rows.map((one) => one.box)));
    box.put = (i) => {
      images.paint(picture, i);
      picture.setAttribute("aria-label", `${noun} ${numberOf(i)}, which is ${names[labels[i]]}`);
      title.textContent = `label ${names[labels[i]]} (image ${count(numberOf(i))})`;
      rows.forEach(({ box, name, chart }, m) => {
        const mean = all[m].meanOf(i), said = all[m].predicted[i], right = said === labels[i];
        name.textContent = `${looks[m].name} says ${names[said]} ${right ? "✓" : "✗"} ${percent(mean[said]).replace(" ", "\u00a0")}`;
        chart.put(mean, looks[m].name, { said, truth: labels[i] });
        box.classList.toggle("cw-framed", looks[m].name === model.get("model") && looks.length > 1);
      });
    };
    return { box };
  }

  /** Why nothing is left. */
  function why(now) {
    const number = labels.reduce((sum, _, i) => sum + ofKind(all, mine(), now.errors, i), 0);
    if (number) return `None of the ${plural(number, noun)} (${kindWords(now.model)[now.errors]}) passes these filters. Loosen one, or press “Reset filters”.`;
    const on = ` Choose “right answers too” under “Show”${looks.length > 1 ? ", or another model" : ""}.`;
    if (now.errors === SHARED) return `No ${noun} is an error of all models.${on}`;
    if (now.errors === ALONE && mine().correct.includes(0)) return `Another model makes each of the errors of ${now.model}, too.${on}`;
    return `${now.model} makes no errors.${on}`;
  }
  const kindWords = (name) => ({
    [OWN]: `errors of ${name}`,
    ...(looks.length > 1 ? { [SHARED]: "errors of all models", [ALONE]: `errors of ${name} only` } : {}),
    [EVERY]: "right answers too",
  });

  let found = [], former;
  const draw = everyFrame(() => {
    const now = state(), key = JSON.stringify({ ...now, place: 0 });
    which.put(now.model, looks.map((one) => one.name));
    if (key !== former) {
      former = key;
      found = inOrder(all, mine(), labels, now);
      const open = inOrder(all, mine(), labels, now, "errors");
      kinds.put(now.errors, Object.entries(kindWords(now.model)).map(([kind, text]) =>
        [kind, `${text} (${count(open.filter((i) => ofKind(all, mine(), kind, i)).length)})`]));
      const classes = (without, of) => {
        const left = inOrder(all, mine(), labels, now, without), counts = Array(names.length).fill(0);
        for (const i of left) counts[of[i]]++;
        return [[ANY, `any (${count(left.length)})`], ...names.map((name, c) => [c, `${name} (${count(counts[c])})`])];
      };
      truths.put(now.truth, classes("truth", labels));
      answers.put(now.answer, classes("answer", mine().predicted));
      scores.put(now.score, mine().scores);
      order.put(now.doubtful_first, [[true, "most uncertain first"], [false, "most certain first"]]);
      const scale = sorted(), at = (value, otherwise) => (value === null ? otherwise : mine().curve(now.score).stepAt(value));
      const first = Math.max(0, at(now.low, 0)), last = at(now.high, scale.length - 1);
      low.put(first, figures(scale[first]), scale.length - 1);
      high.put(last, figures(scale[last]), scale.length - 1);
      low.range.disabled = high.range.disabled = scale.length < 2;
      reset.disabled = now.truth === ANY && now.answer === ANY && now.low === null && now.high === null;
    }
    const place = Math.min(now.place, Math.max(0, found.length - 1)), image = found[place];
    steps.put(place, found.length);
    places.put(place + 1, `${count(Math.min(place + 1, found.length))} of ${count(found.length)}`, Math.max(2, found.length));
    places.range.disabled = found.length < 2;
    pair.hidden = pin.hidden = !found.length;
    link.hidden = !found.length || !document.querySelector(`[data-course-images="${given.set}"]`);
    const near = strip.clientWidth < 560 ? 5 : 9, begin = Math.max(0, Math.min(place - (near >> 1), found.length - near));
    strip.replaceChildren(...found.slice(begin, begin + near).map((i, offset) => tile(i, begin + offset, place)));
    if (!found.length) return words.put(why(now));
    cards[0].box.put(image);
    cards[1].box.hidden = pinned === undefined || pinned === image;
    if (!cards[1].box.hidden) cards[1].box.put(pinned);
    pair.classList.toggle("cw-two", !cards[1].box.hidden);
    pin.textContent = pinned === image ? "Unpin" : pinned === undefined ? "Pin to compare" : "Pin this one instead";
    const right = looks.filter((one) => one.says.correct[image]).map((one) => one.name), wrong = looks.filter((one) => !one.says.correct[image]).map((one) => one.name);
    words.put(`Number ${count(place + 1)} of ${count(found.length)} (${kindWords(now.model)[now.errors]}), ${now.doubtful_first ? "most uncertain" : "most certain"} first. ` +
      `${now.score} gives it an uncertainty of ${figures(mine().score(now.score)[image])}.` +
      (looks.length > 1 ? ` Right: ${listing(right) || "no model"}. Wrong: ${listing(wrong) || "no model"}.` : "") + ` It is image ${count(numberOf(image))} of the data (counted from 0).`, now.errors === EVERY ? note : "");
  });

  function tile(i, place, now) {
    const answer = mine().predicted[i], right = answer === labels[i], canvas = digit();
    images.paint(canvas, i);
    return h("button", { type: "button", className: `cw-tile${right ? "" : " cw-wrong"}`, "aria-current": place === now, onclick: () => go(place),
      "aria-label": `Number ${place + 1}: label ${names[labels[i]]}, the model says ${names[answer]}` },
      canvas, h("span", {}, `${names[labels[i]]} → ${names[answer]}`), h("span", {}, right ? "✓" : "✗"));
  }

  hear(STATE, draw);
  draw();
  return draw.stop;
}
