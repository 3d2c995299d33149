// Disagreement explorer: pick an image, switch members on and off, and see who is unsure why.
import { predictions } from "./data.js";
import { entropySplit, meanOfRows } from "./metrics.js";
import { bars, button, calm, digit, everyFrame, gallery, h, memberGrid, menu, row, slider, tick, voice } from "./parts.js";
import { count, listing, percent } from "./words.js";

/** What an order counts, from total and expected entropy, confidence and being wrong; highest first. */
export const ORDERS = {
  "most disputed first": (p) => difference(p.score("Entropy"), p.score("Expected entropy")),
  "unsure without dispute first": (p) => p.score("Expected entropy").map((e, i) => 2 * e - p.score("Entropy")[i]),
  "most unsure first": (p) => p.score("Entropy"),
  "surest first": (p) => p.score("Entropy").map((e) => -e),
  "most confident mistake first": (p) => p.correct.reduce((keys, right, i) => ((keys[i] = right ? -2 - i : p.confidence[i]), keys), new Float64Array(p.images)),
  "by number": (p) => Float64Array.from({ length: p.images }, (_, i) => -i),
};
const difference = (a, b) => a.map((value, i) => value - b[i]);
const JUMPS = { "Most disputed": "most disputed first", "Most ambiguous": "unsure without dispute first", "Most confident mistake": "most confident mistake first" };
const best = (values) => values.indexOf(Math.max(...values));

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

function answer(rows, names, label) {
  const mean = meanOfRows(rows), said = best(mean), { total, expected, mutual } = entropySplit(rows);
  const verdict = typeof label === "number" ? (said === label ? ", right" : ", wrong") : "";
  return `${names[said]} with ${percent(mean[said])}${verdict}. Entropy ${total.toFixed(2)} = expected entropy ${expected.toFixed(2)} + mutual information ${mutual.toFixed(2)}.`;
}

/** What the members that are on say about an image. */
export function describe(rows, on, names, label) {
  const speaking = rows.filter((_, m) => on[m]);
  if (!speaking.length) return "All members are switched off, so nobody answers. Switch at least one on.";
  if (rows.length === 1) return `There is one member, and nobody to disagree with. It says ${answer(rows, names, label)}`;
  const votes = new Map();
  for (const one of speaking) votes.set(best(one), (votes.get(best(one)) ?? 0) + 1);
  const counted = [...votes].sort((a, b) => b[1] - a[1]).map(([vote, number]) => `${number} for ${names[vote]}`);
  const alone = speaking.length === 1;
  let words = `${speaking.length} of ${rows.length} members ${alone ? "says" : "together say"} ${answer(speaking, names, label)}`;
  words += alone ? " One member alone has nobody to disagree with." : ` Votes: ${listing(counted)}.`;
  if (speaking.length < rows.length) words += ` All ${rows.length} together say ${answer(rows, names, label)}`;
  return words;
}

export function disagreement({ model, el, given, hear, change }) {
  const { class_names: names } = given;
  const sides = [{ models: given.models, images: given.images, labels: given.labels, trait: "index", order: "order", title: "In distribution" }];
  if (given.foreign) sides.push({ ...given.foreign, trait: "foreign_index", order: "foreign_order", title: "Out of distribution (OOD)" });
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
  const tools = row(which, button("All on", all(true)), button("All off", all(false)), button("One at a time", oneByOne));
  const columns = h("div", { className: sides.length > 1 ? "cw-columns" : "" });
  el.append(tools, switches, columns);

  for (const side of sides) {
    side.says = (i = chosen()) => predictions(side.models[i], side.labels);
    const images = gallery(side.images), length = images.length;
    const label = (i) => side.labels ? side.labels.values[i] : side.words?.[i];
    const truth = (i) => (typeof label(i) === "number" ? names[label(i)] : label(i));
    const place = () => ordered(side.says(), model.get(side.order))[1][model.get(side.trait)];
    const go = (to) => change({ [side.trait]: ordered(side.says(), model.get(side.order))[0][Math.min(Math.max(to, 0), length - 1)] });
    const first = (value) => change({ [side.order]: value, [side.trait]: ordered(side.says(), value)[0][0] });
    const order = menu("Order", first);
    const jumps = Object.entries(JUMPS).map(([words, value]) => {
      const one = button(words, () => first(value));
      one.order = value;
      return one;
    });
    const back = button("← Previous", () => go(place() - 1)), next = button("Next →", () => go(place() + 1));
    const number = h("input", { type: "number", min: 0, max: length - 1, step: 1 });
    const problem = h("span", { className: "cw-bad", role: "alert" });
    number.onchange = () => {
      const wanted = number.valueAsNumber, good = Number.isInteger(wanted) && wanted >= 0 && wanted < length;
      problem.textContent = good ? "" : `Images are numbered from 0 to ${count(length - 1)}.`;
      if (good) change({ [side.trait]: wanted });
    };
    const places = slider("Place in this order", { min: 1, max: length, oninput: (n) => go(n - 1) });
    const picture = digit("The image"), verdict = h("strong", { className: "cw-verdict" }), sure = h("span", {});
    const split = h("div", { className: "cw-split", role: "img" }, h("i", { className: "cw-asked" }), h("i", { className: "cw-mistakes" }));
    const chart = bars(names), grid = memberGrid(names), words = h("p", { className: "cw-words" }), said = voice();
    columns.append(h("div", { className: "cw-side", role: "group", "aria-label": side.title },
      ...(sides.length > 1 ? [h("h4", {}, side.title)] : []),
      row(order), row(...jumps), row(back, next, h("label", { className: "cw-field" }, "Image", number), problem), places,
      h("div", { className: "cw-head" }, h("figure", {}, picture, h("figcaption", {}, (side.caption = h("span", {})))), h("div", {}, verdict, sure)),
      h("div", { className: "cw-fine" }, "hesitation of each ", h("i", { className: "cw-asked cw-dot" }), " + dispute between them ", h("i", { className: "cw-mistakes cw-dot" })), split,
      h("h4", {}, "Together"), chart, h("h4", {}, "Each member"), grid, words, said));

    side.draw = () => {
      const says = side.says(), index = model.get(side.trait), rows = says.rows(index), now = on();
      const speaking = rows.filter((_, m) => now[m]), mean = speaking.length ? meanOfRows(speaking) : undefined;
      images.paint(picture, index);
      const is = truth(index);
      picture.setAttribute("aria-label", `Image ${index}${is === undefined ? "" : `, which is ${is}`}`);
      side.caption.textContent = is === undefined ? `image ${count(index)}` : `is ${is}`;
      const orders = Object.keys(ORDERS).filter((one) => one !== "most confident mistake first" || (says.labels && says.correct.includes(0)));
      order.put(model.get(side.order), orders);
      for (const one of jumps) {
        one.hidden = !orders.includes(one.order);
        one.setAttribute("aria-pressed", model.get(side.order) === one.order && place() === 0);
      }
      back.disabled = place() === 0;
      next.disabled = place() === length - 1;
      if (document.activeElement !== number) number.value = index;
      places.put(place() + 1, `${count(place() + 1)} of ${count(length)}`);
      places.range.disabled = length === 1;
      verdict.textContent = mean ? names[best(mean)] : "–";
      sure.textContent = mean ? percent(mean[best(mean)]) : "–";
      const { total, expected, mutual } = mean ? entropySplit(speaking) : {};
      const scale = Math.log(names.length);
      split.children[0].style.width = `${(100 * (expected ?? 0)) / scale}%`;
      split.children[1].style.width = `${(100 * (mutual ?? 0)) / scale}%`;
      split.setAttribute("aria-label", mean ? `Entropy ${total.toFixed(2)} of at most ${scale.toFixed(2)}: ${expected.toFixed(2)} hesitation and ${mutual.toFixed(2)} dispute` : "No entropy: nobody answers");
      const sentence = `Image ${count(index)}, place ${count(place() + 1)} of ${count(length)} (${model.get(side.order)}). ${describe(rows, now, names, label(index))}`;
      words.textContent = sentence + (side.note ? ` ${side.note}` : "");
      said.say(sentence);
      chart.put(mean, mean ? `Together: ${names.map((name, c) => `${name} ${percent(mean[c])}`).join(", ")}` : "Nobody answers", { said: mean && best(mean), truth: typeof label(index) === "number" ? label(index) : undefined });
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
  el.dataset.courseImages = model.get("given").images;
  const asked = ({ detail: { images, image } }) => {
    if (images !== el.dataset.courseImages) return;
    change({ index: image });
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
