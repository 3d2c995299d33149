// Ensemble builder: every choice of members is a dot to point at and click.
import { predictions } from "./data.js";
import { METRICS, measureChoice } from "./metrics.js";
import { button, everyFrame, h, menu, row, tick, voice } from "./parts.js";
import { Plot, place, svg } from "./plot.js";
import { count, listing, percent, plural } from "./words.js";

const bits = (choice) => {
  let found = 0;
  for (let rest = choice; rest; rest &= rest - 1) found++;
  return found;
};
const membersOf = (choice, names) => names.filter((_, m) => (choice >> m) & 1);
export const show = (metric, value) => (!Number.isFinite(value) ? "infinite" : METRICS[metric].percent ? percent(value) : value.toFixed(4));
const choose = (n, k) => (k ? (choose(n - 1, k - 1) * n) / k : 1);

/** The choice with one member more that measures best; the lowest number of several. */
export function bestNext(measure, choice, metric, members) {
  const sign = METRICS[metric].higher ? -1 : 1;
  let best, least = Infinity;
  for (let m = 0; m < members; m++)
    if (!((choice >> m) & 1)) {
      const value = sign * measure(choice | (1 << m))[metric];
      if (value < least || best === undefined) [best, least] = [choice | (1 << m), value];
    }
  return best;
}

/** The choice in words and numbers; `table` is a map from choices to their measures. */
export function describe(choice, metric, table, names, complete) {
  if (!choice) return "Nothing is ticked: tick at least one member, and the ensemble of your choice is measured.";
  const size = bits(choice), members = names.length, looks = METRICS[metric], value = table.get(choice)[metric];
  let words = `${size} of ${plural(members, "member")}`;
  if (size <= 6) words += ` (${listing(membersOf(choice, names))})`;
  words += `: ${looks.name} ${show(metric, value)}. `;
  const others = [...table].filter(([one]) => bits(one) === size).map(([, measures]) => measures[metric]);
  const better = others.filter((other) => (looks.higher ? other > value : other < value)).length;
  if (members === 1) return `${words}There is one member only, so there is nothing to choose.`;
  if (choose(members, size) === 1) return `${words}This is everybody: there is no other choice of this size.`;
  const of = complete ? `Of all ${count(others.length)} choices of ${plural(size, "member")}` : `Of ${plural(others.length, "measured choice")} of ${plural(size, "member")}`;
  return words + (better ? `${of}, ${count(better)} ${better === 1 ? "is" : "are"} better.` : `${of}, none is better on these images.`);
}

/** How much of what all members bring the second one brings, on average. */
export function describeGain(metric, table, members) {
  if (members < 3) return "";
  const mean = (size) => {
    const values = [...table].filter(([one]) => bits(one) === size).map(([, measures]) => measures[metric]);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const [one, two, everybody] = [1, 2, members].map(mean), looks = METRICS[metric];
  if (![one, two, everybody].every(Number.isFinite)) return "";
  if (!(looks.higher ? everybody > one : everybody < one)) return `On average, more members do not improve ${looks.name} here.`;
  const share = (two - one) / (everybody - one);
  if (!(share >= 0 && share <= 1)) return "";
  return `On average, ${looks.name} goes from ${show(metric, one)} with one member to ${show(metric, two)} with two and ${show(metric, everybody)} with all ${members}: the second member alone brings ${(100 * share).toFixed(0)} % of the gain.`;
}

export function builder({ model, el, given, hear, change }) {
  const { member_names: names, complete, metrics } = given, members = names.length, everybody = 2 ** members - 1;
  // Python has measured every choice, or a sample of very many; what is missing is measured here.
  const table = new Map(given.table.map(([choice, ...values]) => [choice, Object.fromEntries(metrics.map((name, i) => [name, values[i] ?? Infinity]))]));
  const p = given.predictions && predictions(given.predictions, given.labels), foreign = given.foreign && predictions(given.foreign);
  const measure = (choice) => {
    if (!table.has(choice)) table.set(choice, measureChoice(p, foreign, choice));
    return table.get(choice);
  };
  const chosen = () => model.get("chosen").reduce((mask, m) => mask | (1 << m), 0);
  const put = (mask) => change({ chosen: names.map((_, m) => m).filter((m) => (mask >> m) & 1) });
  const ticks = names.map((name, m) => tick(name, (on) => put(on ? chosen() | (1 << m) : chosen() & ~(1 << m))));
  const metric = menu("Metric", (value) => change({ metric: value }));
  const add = button("Add the best next", () => put(bestNext(measure, chosen(), model.get("metric"), members)));
  const part = h("div", { className: "cw-stage" }), words = h("p", { className: "cw-words" }), said = voice();
  const numbers = h("div", { className: "cw-scroll", tabIndex: 0, role: "region", "aria-label": "Metrics of your choice" });
  el.append(h("h4", {}, "Members"), row(...ticks),
    row(button("Best single", () => put(bestNext(measure, 0, model.get("metric"), members))), add, button("All", () => put(everybody)), button("None", () => put(0)), metric),
    part, words, numbers,
    h("p", { className: "cw-fine" }, "These images choose and judge at the same time: the best of many choices owes part of its lead to luck. Choose members on validation images and report on the test set, once."), said);

  const plot = new Plot(part, { x: { label: "Number of members", format: (n) => (Number.isInteger(n) ? `${n}` : ""), ticks: Math.min(members, 10) }, y: { label: "" }, redraw: () => draw() });
  const dots = svg("g", plot.curves), mean = svg("path", plot.curves, { class: "cw-curve" });
  mean.style.setProperty("--own", "var(--soft)");
  const here = svg("circle", plot.marks, { r: 8, class: "cw-grip" });
  const tip = h("div", { className: "cw-tip", hidden: true });
  part.append(tip);
  const circles = new Map();

  const position = (choice) => {
    // Choices of one size stand beside each other, so that none hides another.
    const size = bits(choice), hash = (choice * 2654435761) % 1000 / 1000;
    const value = table.get(choice)[model.get("metric")];
    return [plot.x(size + (size === members ? 0 : 0.56 * (hash - 0.5))), plot.y(METRICS[model.get("metric")].percent ? 100 * value : value)];
  };

  const draw = everyFrame(() => {
    const mask = chosen(), name = model.get("metric"), looks = METRICS[name], factor = looks.percent ? 100 : 1;
    ticks.forEach((one, m) => one.put((mask >> m) & 1));
    metric.put(name, metrics);
    add.disabled = mask === everybody;
    if (mask) measure(mask);
    const values = [...table.values()].map((one) => factor * one[name]).filter(Number.isFinite);
    const low = Math.min(...values), high = Math.max(...values), room = 0.06 * (high - low) || 0.5;
    plot.yAxis.label = `${looks.name}${looks.percent ? " (%)" : ""}, ${looks.higher ? "higher" : "lower"} is better`;
    plot.frame([0.5, members + 0.5], [low - room, high + room]);
    for (const choice of table.keys()) {
      if (!circles.has(choice)) circles.set(choice, svg("circle", dots, { r: 4, class: "cw-dot-choice", "data-choice": choice }));
      const [cx, cy] = position(choice);
      place(circles.get(choice), { cx, cy });
      circles.get(choice).style.display = Number.isFinite(cy) ? "" : "none";
    }
    const sizes = Array.from({ length: members }, (_, i) => i + 1).map((size) => {
      const all = [...table].filter(([one]) => bits(one) === size).map(([, one]) => factor * one[name]);
      return [size, all.reduce((sum, value) => sum + value, 0) / all.length];
    }).filter(([, value]) => Number.isFinite(value));
    mean.setAttribute("d", plot.path(sizes.map(([size]) => size), sizes.map(([, value]) => value)));
    here.style.display = mask && Number.isFinite(table.get(mask)[name]) ? "" : "none";
    if (mask) {
      const [cx, cy] = position(mask);
      place(here, { cx, cy });
    }
    const sentence = `${describe(mask, name, table, names, complete)} ${mask ? describeGain(name, table, members) : ""}`;
    words.textContent = sentence;
    said.say(sentence);
    plot.alt.textContent = `Each of ${count(table.size)} ${complete ? "" : "sampled "}choices of members as a dot: ${looks.name} against the number of members, and their mean as a line. ${sentence}`;
    showNumbers(mask);
  });

  function showNumbers(mask) {
    const single = (name) => {
      const all = names.map((_, m) => measure(1 << m)[name]);
      return all.reduce((sum, value) => sum + value, 0) / members;
    };
    const key = `${mask}`;
    if (numbers.key === key) return;
    numbers.key = key;
    const lines = metrics.map((name) => [`${name} ${METRICS[name].higher ? "↑" : "↓"}`, mask ? show(name, measure(mask)[name]) : "–", show(name, single(name)), show(name, measure(everybody)[name])]);
    const head = ["metric", `your choice (${bits(mask)})`, "one member, on average", `all ${members}`];
    numbers.replaceChildren(h("table", {}, h("caption", {}, "Metrics of your choice, of one member and of all members"),
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...lines.map((line) => h("tr", {}, ...line.map((text) => h("td", {}, text)))))));
  }

  // --- the nearest dot ---
  function nearest(event) {
    const { px, py } = plot.at(event);
    let found, least = 18;
    for (const choice of table.keys()) {
      const [x, y] = position(choice), away = Math.hypot(x - px, y - py);
      if (away < least) [found, least] = [choice, away];
    }
    return found;
  }
  plot.svg.addEventListener("pointermove", (event) => {
    const choice = nearest(event);
    tip.hidden = !choice;
    plot.svg.style.cursor = choice ? "pointer" : "";
    if (!choice) return;
    const [x, y] = position(choice);
    const name = model.get("metric");
    tip.textContent = `${METRICS[name].name} ${show(name, table.get(choice)[name])}: ${listing(membersOf(choice, names))}. Click to take them.`;
    Object.assign(tip.style, { left: `${Math.min(Math.max(x, 110), plot.width - 110)}px`, top: `${y > plot.height / 2 ? y - 12 : y + 12}px` });
    tip.classList.toggle("cw-above", y > plot.height / 2);
  });
  plot.svg.addEventListener("pointerleave", () => (tip.hidden = true));
  plot.svg.addEventListener("click", (event) => {
    const choice = nearest(event);
    if (choice) put(choice);
  });

  hear(["chosen", "metric"], draw);
  draw();
  return () => {
    draw.stop();
    plot.stop();
  };
}
