// Ensemble builder: every choice of members is a dot to point at and click.
import { predictions } from "./data.js";
import { METRICS, measureChoice } from "./metrics.js";
import { button, everyFrame, h, menu, row, sentence, table as tabular, tick } from "./parts.js";
import { Plot, place, svg } from "./plot.js";
import { count, listing, percent, plural } from "./words.js";

const bits = (choice) => {
  let found = 0;
  for (let rest = choice; rest; rest &= rest - 1) found++;
  return found;
};
const membersOf = (choice, names) => names.filter((_, m) => (choice >> m) & 1);
export const show = (metric, value) => (!Number.isFinite(value) ? "infinite" : METRICS[metric].percent ? percent(value) : value.toFixed(4));
/** What the measured choices of a size have of a metric. */
const ofSize = (table, size, metric) => [...table].filter(([choice]) => bits(choice) === size).map(([, measures]) => measures[metric]);
const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

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
  if (!choice) return "No member is ticked. Tick at least one, and your ensemble is measured.";
  const size = bits(choice), members = names.length, { name, higher } = METRICS[metric], value = table.get(choice)[metric];
  const who = size <= 6 ? ` (${listing(membersOf(choice, names))})` : "";
  const words = `${size} of ${plural(members, "member")}${who}: ${name} ${show(metric, value)}. `;
  if (members === 1) return `${words}With a single member there is nothing to choose.`;
  if (size === members) return `${words}That's all of them: there is no other choice of this size.`;
  const others = ofSize(table, size, metric), better = others.filter((other) => (higher ? other > value : other < value)).length;
  const of = size === 1 ? `the ${members} single members` : `the ${count(others.length)} ${complete ? "choices" : "measured choices"} of ${size} members`;
  return `${words}${better ? `Of ${of}, ${count(better)} ${better === 1 ? "is" : "are"} better` : `None of ${of} is better`} on these images.`;
}

/** How much of what all members bring the second one brings, on average. */
export function describeGain(metric, table, members) {
  if (members < 3) return "";
  const [one, two, everybody] = [1, 2, members].map((size) => average(ofSize(table, size, metric))), { name, higher } = METRICS[metric];
  if (![one, two, everybody].every(Number.isFinite)) return "";
  if (!(higher ? everybody > one : everybody < one)) return `On average, more members don't improve ${name} here.`;
  const share = (two - one) / (everybody - one);
  if (!(share >= 0 && share <= 1)) return "";
  return `On average, ${name} goes from ${show(metric, one)} with one member to ${show(metric, two)} with two and ${show(metric, everybody)} with all ${members}: the second member alone brings ${(100 * share).toFixed(0)} % of the gain.`;
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
  const part = h("div", { className: "cw-stage" }), words = sentence(), numbers = tabular("Metrics of your choice");
  el.append(h("h4", {}, "Members"), row(...ticks),
    row(button("Best single", () => put(bestNext(measure, 0, model.get("metric"), members))), add, button("All", () => put(everybody)), button("None", () => put(0)), metric),
    part, words, numbers,
    h("p", { className: "cw-fine" }, "You choose and judge on the same images, so the best of many choices is partly lucky. Choose members on validation images, and report on the test set once."));

  const plot = new Plot(part, { x: { label: "Number of members", format: (n) => (Number.isInteger(n) ? `${n}` : ""), ticks: Math.min(members, 10) }, y: { label: "" }, lowest: 260, redraw: () => draw() });
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
    plot.yAxis.label = `${name}${looks.percent ? " (%)" : ""}, ${looks.higher ? "higher" : "lower"} is better`;
    plot.frame([0.5, members + 0.5], [low - room, high + room]);
    for (const choice of table.keys()) {
      if (!circles.has(choice)) circles.set(choice, svg("circle", dots, { r: 4, class: "cw-dot-choice", "data-choice": choice }));
      const [cx, cy] = position(choice);
      place(circles.get(choice), { cx, cy });
      circles.get(choice).style.display = Number.isFinite(cy) ? "" : "none";
    }
    const sizes = Array.from({ length: members }, (_, i) => [i + 1, factor * average(ofSize(table, i + 1, name))]).filter(([, value]) => Number.isFinite(value));
    mean.setAttribute("d", plot.path(sizes.map(([size]) => size), sizes.map(([, value]) => value)));
    here.style.display = mask && Number.isFinite(table.get(mask)[name]) ? "" : "none";
    if (mask) {
      const [cx, cy] = position(mask);
      place(here, { cx, cy });
    }
    const said = `${describe(mask, name, table, names, complete)} ${mask ? describeGain(name, table, members) : ""}`;
    words.put(said);
    plot.alt.textContent = `Each of ${count(table.size)} ${complete ? "" : "sampled "}choices of members as a dot: ${looks.name} against the number of members, and their mean as a line. ${said}`;
    showNumbers(mask);
  });

  function showNumbers(mask) {
    if (numbers.key === mask) return;
    numbers.key = mask;
    numbers.put(["metric", "your choice", "one, on average", `all ${members}`], ...metrics.map((name) => [
      `${name} ${METRICS[name].higher ? "↑" : "↓"}`, mask ? show(name, measure(mask)[name]) : "–",
      show(name, average(names.map((_, m) => measure(1 << m)[name]))), show(name, measure(everybody)[name]),
    ]));
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
    tip.textContent = `${METRICS[name].name} ${show(name, table.get(choice)[name])}: ${listing(membersOf(choice, names))}. Click to choose.`;
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
