// Disagreement explorer: pick an image, switch members on and off, and see who is unsure why.
import { predictions } from "./data.js";
import { argmax, entropySplit, meanOfRows } from "./metrics.js";
import { bars, button, calm, digit, everyFrame, gallery, h, memberGrid, menu, row, sentence, slider, stepper, tick } from "./parts.js";
import { count, listing, percent } from "./words.js";

/** What an order counts, from total and expected entropy, confidence and being wrong; highest first. */
export const ORDERS = {
  "most disputed first": (p) => p.score("Entropy").map((total, i) => total - p.score("Expected entropy")[i]),
  "unsure without dispute first": (p) => p.score("Expected entropy").map((e, i) => 2 * e - p.score("Entropy")[i]),
  "most unsure first": (p) => p.score("Entropy"),
  "surest first": (p) => p.score("Entropy").map((e) => -e),
  "most confident mistake first": (p) => p.confidence.map((sure, i) => (p.correct[i] ? -2 - i : sure)),
  "by number": (p) => Float64Array.from({ length: p.images }, (_, i) => -i),
};
const JUMPS = { "Most disputed": "most disputed first", "Most ambiguous": "unsure without dispute first", "Most confident mistake": "most confident mistake first" };

/** Images in an order: [image of each place, place of each image]. */
function ordered(p, order) {
  const kept = (p.orders ??= new Map());
  if (!kept.has(order)) {
    const keys = ORDERS[order](p), images = Uint32Array.from(keys, (_, i) => i);
    images.sort((a, b) => keys[b] - keys[a] || a - b);
    const places = new Uint32Array(images.length);
    images.forEach((image, place) => (places[image] = place));
    kept.set(order, [images, places]);
  }
  return kept.get(order);
}

/** What members say together: the answer, whether it is right if that is known, and their entropies. */
export function answer(rows, names, label) {
  const mean = meanOfRows(rows), said = argmax(mean), { total, expected, mutual } = entropySplit(rows);
  const verdict = typeof label === "number" ? (said === label ? ", which is right" : ", which is wrong") : "";
  const parts = rows.length > 1 ? ` = expected entropy ${expected.toFixed(2)} + mutual information ${mutual.toFixed(2)}` : "";
  return `${names[said]}, at ${percent(mean[said])}${verdict}. Entropy ${total.toFixed(2)}${parts}.`;
}

/** How many members vote for what. */
export function votes(rows, names) {
  const found = new Map();
  for (const one of rows) found.set(argmax(one), (found.get(argmax(one)) ?? 0) + 1);
  return `Votes: ${listing([...found].sort((a, b) => b[1] - a[1]).map(([vote, number]) => `${number} for ${names[vote]}`))}.`;
}

/** What the members that are on say about an image. */
export function describe(rows, on, names, label) {
  const speaking = rows.filter((_, m) => on[m]), all = speaking.length === rows.length;
  if (!speaking.length) return "All members are off, so there is no answer. Switch at least one on.";
  if (rows.length === 1) return `The one member says ${answer(rows, names, label)} It has nobody to disagree with.`;
  const whole = all ? "" : ` All ${rows.length} together say ${answer(rows, names, label)}`;
  if (speaking.length === 1) return `Member ${on.indexOf(true) + 1} alone says ${answer(speaking, names, label)}${whole}`;
  return `${all ? `All ${rows.length}` : `${speaking.length} of ${rows.length}`} members together say ${answer(speaking, names, label)} ${votes(speaking, names)}${whole}`;
}

export function disagreement({ model, el, given, hear, change }) {
  const { class_names: names } = given;
  const sides = [{ ...given, trait: "index", order: "order", title: "In distribution" }];
  if (given.foreign) sides.push({ ...given.foreign, noun: "image", trait: "foreign_index", order: "foreign_order", title: "Out of distribution (OOD)" });
  const modelNames = given.models.map((one) => one.name);
  const chosen = () => Math.max(0, modelNames.indexOf(model.get("model")));
  const on = () => model.get("members");

  const which = menu("Model", (name) => {
    const says = sides[0].says(modelNames.indexOf(name));
    change({ model: name, members: Array(says.members).fill(true) });
  });
  const switches = h("div", { className: "cw-row", role: "group", "aria-label": "Members" });
  let ticks = [];
  const all = (value) => () => change({ members: on().map(() => value) });
  const oneByOne = () => {
    const now = on(), alone = now.filter(Boolean).length === 1 ? (now.indexOf(true) + 1) % now.length : 0;
    change({ members: now.map((_, m) => m === alone) });
  };
  const columns = h("div", { className: sides.length > 1 ? "cw-columns" : "" });
  el.append(row(which, button("All on", all(true)), button("All off", all(false)), button("One at a time", oneByOne)), switches, columns);

  for (const side of sides) {
    side.says = (i = chosen()) => predictions(side.models[i], side.labels);
    const images = gallery(side.images), length = images.length, numbers = side.numbers?.values ?? Int32Array.from({ length }, (_, i) => i);
    const label = (i) => side.labels ? side.labels.values[i] : side.words?.[i];
    const order = () => ordered(side.says(), model.get(side.order));
    const image = () => Math.max(0, numbers.indexOf(model.get(side.trait)));
    const place = () => order()[1][image()];
    const go = (to) => change({ [side.trait]: numbers[order()[0][Math.min(Math.max(to, 0), length - 1)]] });
    const first = (value) => change({ [side.order]: value, [side.trait]: numbers[ordered(side.says(), value)[0][0]] });
    const orders = menu("Order", first);
    const jumps = Object.entries(JUMPS).map(([words, value]) => Object.assign(button(words, () => first(value)), { order: value }));
    const steps = stepper((by) => go(place() + by));
    const number = h("input", { type: "number", min: 0, max: numbers[length - 1], step: 1 });
    const problem = h("span", { className: "cw-bad", role: "alert" });
    const holds = length < side.total ? `${count(length)} of ${count(side.total)} ${side.noun}s` : `the ${side.noun}s 0 to ${count(length - 1)}`;
    /** Show an image by its number in the data. */
    side.show = (wanted) => {
      const held = numbers.includes(wanted);
      problem.textContent = held ? "" : `This page holds ${holds}, ${Number.isNaN(wanted) ? "each with its number" : `and number ${wanted} isn't among them`}.`;
      if (held) change({ [side.trait]: wanted });
    };
    number.onchange = () => side.show(number.valueAsNumber);
    const places = slider("Place in this order", { min: 1, max: length, oninput: (n) => go(n - 1) });
    const picture = digit("The image"), caption = h("figcaption", {}), verdict = h("strong", { className: "cw-verdict" }), sure = h("span", {});
    const split = h("div", { className: "cw-split", role: "img" }, h("i", { className: "cw-asked" }), h("i", { className: "cw-mistakes" }));
    const chart = bars(names), grid = memberGrid(names), words = sentence();
    const note = length === side.total ? "" : side.words
      ? ` This page shows the first ${holds}.`
      : ` This page shows ${holds}: the first ${count(length / 2)}, and of the others those that the models get wrong or are least sure about.`;
    columns.append(h("div", { className: "cw-side", role: "group", "aria-label": side.title },
      ...(sides.length > 1 ? [h("h4", {}, side.title)] : []),
      row(orders), row(...jumps), row(steps, h("label", { className: "cw-field" }, "Image", number), problem), places,
      h("div", { className: "cw-head" }, h("figure", {}, picture, caption), h("div", {}, verdict, sure)),
      h("div", { className: "cw-fine" }, h("i", { className: "cw-asked cw-dot" }), " expected entropy + ", h("i", { className: "cw-mistakes cw-dot" }), " mutual information"), split,
      h("h4", {}, "Together"), chart, h("h4", {}, "Each member"), grid, words));

    side.draw = () => {
      const key = [chosen(), on(), model.get(side.order), model.get(side.trait)].join();
      if (side.drawn === key) return; // only the other side has changed
      side.drawn = key;
      const says = side.says(), i = image(), rows = says.rows(i), now = on(), at = place(), truth = label(i), known = typeof truth === "number";
      const speaking = rows.filter((_, m) => now[m]), mean = speaking.length ? meanOfRows(speaking) : undefined, said = mean && argmax(mean);
      images.paint(picture, i);
      const is = known ? names[truth] : truth;
      picture.setAttribute("aria-label", `Image ${numbers[i]}${is === undefined ? "" : `, which is ${is}`}`);
      caption.textContent = is === undefined ? `image ${count(numbers[i])}` : known ? `label ${is}` : is;
      const possible = Object.keys(ORDERS).filter((one) => one !== "most confident mistake first" || (says.labels && says.correct.includes(0)));
      orders.put(model.get(side.order), possible);
      for (const one of jumps) {
        one.hidden = !possible.includes(one.order);
        one.setAttribute("aria-pressed", model.get(side.order) === one.order && at === 0);
      }
      steps.put(at, length);
      if (document.activeElement !== number) number.value = numbers[i];
      places.put(at + 1, `${count(at + 1)} of ${count(length)}`);
      places.range.disabled = length === 1;
      verdict.textContent = mean ? names[said] : "–";
      sure.textContent = mean ? percent(mean[said]) : "–";
      const { total, expected, mutual } = mean ? entropySplit(speaking) : {}, most = Math.log(names.length);
      split.children[0].style.width = `${(100 * (expected ?? 0)) / most}%`;
      split.children[1].style.width = `${(100 * (mutual ?? 0)) / most}%`;
      split.setAttribute("aria-label", mean ? `Entropy ${total.toFixed(2)} of at most ${most.toFixed(2)}: ${expected.toFixed(2)} expected entropy and ${mutual.toFixed(2)} mutual information` : "No entropy: nobody answers");
      words.put(`Image ${count(numbers[i])}, number ${count(at + 1)} of ${count(length)} (${model.get(side.order)}). ${describe(rows, now, names, truth)}`, note);
      chart.put(mean, mean ? "Together" : "Nobody answers", { said, truth: known ? truth : undefined });
      grid.put(rows, rows.length, now);
    };
  }

  const draw = everyFrame(() => {
    which.put(modelNames[chosen()], modelNames);
    const now = on();
    if (ticks.length !== now.length) {
      ticks = now.map((_, m) => tick(`member ${m + 1}`, (value) => change({ members: on().map((one, i) => (i === m ? value : one)) })));
      switches.replaceChildren(...ticks);
    }
    now.forEach((one, m) => ticks[m].put(one));
    for (const side of sides) side.draw();
  });
  // Another widget of the page may ask for one of the same images.
  el.dataset.courseImages = given.set;
  const asked = ({ detail }) => {
    if (detail.set !== given.set) return;
    sides[0].show(detail.image);
    el.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
  };
  document.addEventListener("course:image", asked);

  hear(["model", "members", "index", "order", "foreign_index", "foreign_order"], draw);
  draw();
  return () => {
    draw.stop();
    document.removeEventListener("course:image", asked);
  };
}
