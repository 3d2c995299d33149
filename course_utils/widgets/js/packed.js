// Packed-Ensemble calculator: which M and alpha build, what they cost, and the network as blocks.
import { button, everyFrame, h, row, sentence, slider, table } from "./parts.js";
import { memberShade, place, shade, svg } from "./plot.js";
import { count, figures, listing } from "./words.js";

/** LeNet: name, output channels, inputs per input and output channel, uses of each weight. */
const LAYERS = [["conv 1", 6, 25, 24 * 24], ["conv 2", 16, 25, 8 * 8], ["fc 1", 120, 16, 1], ["fc 2", 84, 1, 1], ["out", 10, 1, 1]];
const MOST = 16, STEP = 0.5;

const sum = (channels, each) => {
  let total = 0, before = 1;
  LAYERS.forEach(([, , spread, uses], layer) => {
    total += each(channels[layer], before, spread, uses);
    before = channels[layer];
  });
  return total;
};
const parameters = (channels) => sum(channels, (after, before, spread) => after * (before * spread + 1));
const flops = (channels) => sum(channels, (after, before, spread, uses) => 2 * after * before * spread * uses);
export const cost = (channels, copies = 1) => ({ parameters: copies * parameters(channels), flops: copies * flops(channels) });

export const LENET = LAYERS.map(([, channels]) => channels);

/** Channels of each member by the rule of torch-uncertainty's layers (gamma = 1), or a sentence. */
export function plan(members, alpha) {
  const member = [];
  for (const [name, channels] of LAYERS.slice(0, -1)) {
    const wide = Math.trunc(alpha * channels); // as the layers do, not rounded
    if (!wide || wide % members)
      return { problem: `M = ${members} with alpha = ${figures(alpha, 6)} can't be built: ${name} would have ${wide} channels, which ${members} members can't share equally` };
    member.push(wide / members);
  }
  if (Math.trunc(alpha * 16 * 16) !== 16 * members * member[1])
    return { problem: `Alpha = ${figures(alpha, 6)} can't be built: 16 pixels of ${members * member[1]} channels are not as many inputs as fc 1 expects` };
  return { member: [...member, 10] };
}
export const widest = (members) => Math.max(8, members);
export const buildable = (members) =>
  Array.from({ length: widest(members) / STEP }, (_, i) => (i + 1) * STEP).filter((alpha) => plan(members, alpha).member);
export const nearest = (members, alpha) =>
  buildable(members).reduce((best, one) => (Math.abs(one - alpha) < Math.abs(best - alpha) ? one : best));

/** Why an alpha can't be built, and the nearest ones that can. */
export function whyNot(members, alpha) {
  const all = buildable(members);
  if (!(alpha > 0 && alpha <= widest(members)))
    return `Type a number up to ${widest(members)}. With M = ${members}, alpha can be ${listing(all.map(String))}.`;
  const { problem } = plan(members, alpha);
  if (!problem) return "";
  const found = [...all.filter((one) => one < alpha).slice(-1), ...all.filter((one) => one > alpha).slice(0, 1)];
  return `${problem}. The nearest that ${found.length === 1 ? "works is" : "work are"} alpha = ${listing(found.map(String))}.`;
}

export function describe(members, alpha) {
  const { member } = plan(members, alpha), lenet = cost(LENET), packed = cost(member, members), deep = cost(LENET, members);
  const whole = member.every((channels, i) => channels === LENET[i]);
  const one = members === 1 ? "The one member" : `Each of the ${members} members`;
  return `M = ${members}, alpha = ${figures(alpha, 6)}. ${one} is a LeNet of ${listing(member.slice(0, -1).map(String))} channels` +
    (whole ? "" : `, ${figures(member[0] / LENET[0])} times as wide`) +
    `. Parameters: ${figures(packed.parameters / lenet.parameters)} times LeNet, ${figures(packed.parameters / deep.parameters)} times DE-${members}. ` +
    `FLOPs per image: ${figures(packed.flops / lenet.flops)} times LeNet, ${figures(packed.flops / deep.flops)} times DE-${members}.` +
    (whole ? (members === 1 ? " This is LeNet itself." : ` Every member is a whole LeNet: PE-${members} is DE-${members} in one network.`) : "");
}

export function packed({ model, el, hear, change }) {
  const m = () => model.get("num_members"), alpha = () => model.get("alpha");
  const members = slider("M: members", { min: 1, max: MOST, oninput: (n) => change({ num_members: n, alpha: nearest(n, alpha()) }) });
  const width = slider("Alpha: width", { min: 0, max: 1, oninput: (i) => change({ alpha: options()[i] }) });
  const options = () => [...new Set([...buildable(m()), alpha()])].sort((a, b) => a - b);
  const typed = h("input", { type: "number", min: STEP, step: STEP });
  const problem = h("span", { className: "cw-bad", role: "alert" });
  typed.oninput = () => {
    problem.textContent = whyNot(m(), typed.valueAsNumber);
    typed.setAttribute("aria-invalid", problem.textContent !== "");
    if (!problem.textContent) change({ alpha: typed.valueAsNumber });
  };
  const diagram = h("div", { className: "cw-plot" }), picture = svg("svg", diagram, { role: "img" }), alt = svg("title", picture);
  const words = sentence(), costs = h("div", {}), channels = table("Channels per layer, parameters and FLOPs");
  el.append(members, width, row(h("label", { className: "cw-field" }, "or type alpha", typed), problem, button("LeNets of half width: M = 4, alpha = 2", () => change({ num_members: 4, alpha: 2 }))), diagram, words, costs, channels);

  const former = []; // paths
  const labels = LAYERS.map(([name]) => [name, ""].map((text) => {
    const label = svg("text", picture, { "text-anchor": "middle", class: "cw-label" });
    label.textContent = text;
    return label;
  }));
  /** Blocks: the height of each is its number of channels; bands connect within a member only. */
  function blocks(member) {
    const across = diagram.clientWidth || 600, tall = 250, all = m();
    place(picture, { width: across, height: tall + 40, viewBox: `0 0 ${across} ${tall + 40}` });
    const heights = member.map((channels) => Math.sqrt(channels));
    const scale = (tall - 3 * (all - 1)) / (all * Math.max(...heights)), step = (across - 60) / (LAYERS.length - 1);
    const wanted = [];
    for (let k = 0; k < all; k++) {
      const middle = (k + 0.5) * (tall / all);
      const corner = heights.map((height, layer) => ({ x: 30 + layer * step, half: Math.max(1, (height * scale) / 2) * 0.94 }));
      corner.slice(1).forEach(({ x, half }, i) => {
        const before = corner[i];
        wanted.push({ d: `M${before.x + 9},${middle - before.half}L${x - 9},${middle - half}V${middle + half}L${before.x + 9},${middle + before.half}Z`, color: memberShade(k), opacity: 0.22 });
      });
      corner.forEach(({ x, half }) => wanted.push({ d: `M${x - 9},${middle - half}H${x + 9}V${middle + half}H${x - 9}Z`, color: memberShade(k), opacity: 1 }));
    }
    while (former.length < wanted.length) former.push(svg("path", picture, { class: "cw-block" }));
    former.forEach((path, i) => {
      path.style.display = wanted[i] ? "" : "none";
      if (!wanted[i]) return;
      path.setAttribute("d", wanted[i].d);
      path.style.d = `path("${wanted[i].d}")`; // which CSS can move
      path.style.fill = wanted[i].color;
      path.style.opacity = wanted[i].opacity;
    });
    labels.forEach(([name, channels], layer) => {
      place(name, { x: 30 + layer * step, y: tall + 16 });
      place(channels, { x: 30 + layer * step, y: tall + 34 });
      channels.textContent = `${all} × ${member[layer]}`;
    });
    alt.textContent = `${all === 1 ? "One network" : `${all} small networks side by side in one grouped network, with no connection between them`}. Channels of each: ${LAYERS.map(([name], i) => `${name} ${member[i]}`).join(", ")}. The height of a block is the root of its number of channels.`;
  }

  function bars(rows) {
    const lenet = rows[0];
    costs.replaceChildren(...["parameters", "flops"].map((what) => {
      const top = Math.max(...rows.map((one) => one[what]));
      return h("div", { role: "img", "aria-label": rows.map((one) => `${one.name}: ${count(one[what])} ${what}`).join("; ") },
        h("h4", {}, what === "flops" ? "FLOPs per image" : "Parameters"),
        ...rows.map((one, i) => h("div", { className: "cw-cost cw-wide" }, h("span", {}, one.name),
          h("div", {}, h("i", { style: { width: `${(100 * one[what]) / top}%`, background: shade(["#767676", "#d55e00", "#0072b2"][i]) } })),
          h("b", {}, `${count(one[what])} (${figures(one[what] / lenet[what])} ×)`))));
    }));
  }

  const draw = everyFrame(() => {
    const { member, problem: broken } = plan(m(), alpha());
    const all = options();
    members.put(m(), `${m()}`);
    width.put(all.indexOf(alpha()), figures(alpha(), 6), all.length - 1);
    if (document.activeElement !== typed) {
      typed.value = alpha();
      problem.textContent = "";
    }
    if (!member) {
      problem.textContent = broken;
      return;
    }
    blocks(member);
    words.put(describe(m(), alpha()));
    const rows = [{ name: "LeNet", channels: LENET, ...cost(LENET) }, { name: `PE-${m()}`, channels: member.map((n) => n * m()), ...cost(member, m()) }, { name: `DE-${m()}`, channels: LENET.map((n) => n * m()), ...cost(LENET, m()) }];
    bars(rows);
    const each = { name: m() === 1 ? "the member (1 group)" : `each member (${m()} groups)`, channels: member, ...cost(member) };
    channels.put(["network", ...LAYERS.map(([name]) => name), "parameters", "FLOPs per image"],
      ...[rows[0], each, ...rows.slice(1)].map((one) => [one.name, ...one.channels.map(count), count(one.parameters), count(one.flops)]));
  });
  const observer = new ResizeObserver(draw);
  observer.observe(diagram);
  hear(["num_members", "alpha"], draw);
  draw();
  return () => {
    observer.disconnect();
    draw.stop();
  };
}
