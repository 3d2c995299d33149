// Drawing pad: draw a digit, or a shoe, and all networks answer while the pen moves.
import { answer, votes } from "./disagreement.js";
import { asMnist, forward, network, shrunk, SIDE } from "./lenet.js";
import { Predictions, argmax, meanOfRows } from "./metrics.js";
import { bars, button, digit, everyFrame, gallery, h, memberGrid, paint, row, sentence, tick } from "./parts.js";
import { sheet } from "./sheet.js";
import { percent } from "./words.js";

const PAUSE = 60; // milliseconds between two messages to the kernel while the pen is down

const bytes = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
/** Whether two images are the same, but for what Python and the page round differently. */
const same = (a, b, within = 0) => a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= within);

/** What the networks said, in words. */
export const describe = (rows, names) =>
  rows.length === 1 ? `The network says ${answer(rows, names)}` : `The ${rows.length} networks together say ${answer(rows, names)} ${votes(rows, names)}`;

export function pad({ model, el, given, hear, change }) {
  const { side, class_names: names } = given, nets = given.networks.map(({ steps, values }) => network({ steps, values: values.values }));
  const sets = given.examples.map((one) => ({ ...one, images: gallery(one.images) }));
  const turns = sets.map((_, i) => (i === 0 ? 1 : 0)); // the pad opens with the first
  const enlarged = ({ images }, turn) => {
    const pixels = images.pixels(turn), at = (y, x) => pixels[Math.floor((y * images.rows) / side) * images.columns + Math.floor((x * images.columns) / side)];
    return Uint8Array.from({ length: side * side }, (_, i) => at(Math.floor(i / side), i % side));
  };
  let ink = bytes(model.get("drawing")), timer, last = 0;
  let origin = sets.length && same(ink, enlarged(sets[0], 0)) ? sets[0].words[0] : ""; // of what is on the sheet

  // --- the sheet ---
  const paper = sheet(side, (drawn) => {
    ink = drawn;
    origin = "";
    draw();
    timer ??= setTimeout(tell, Math.max(0, last + PAUSE - performance.now()));
  });
  function tell() {
    clearTimeout(timer);
    timer = undefined;
    last = performance.now();
    change({ drawing: ink });
  }
  function bring(number) {
    const { images, words } = sets[number], turn = turns[number]++ % images.length;
    ink = enlarged(sets[number], turn);
    origin = words[turn];
    paper.put(ink);
    draw();
    tell();
  }
  const centred = tick("scale and centre like MNIST", (on) => change({ centred: on }));
  const bringers = sets.map((one, i) => button(sets.length === 1 ? "Example" : `Example: ${one.name}`, () => bring(i)));

  // --- the answer ---
  const seen = digit("What the networks see"), verdict = h("strong", { className: "cw-verdict" }), sure = h("span", {});
  const chart = bars(names), grid = memberGrid(names), words = sentence();
  const says = h("div", { className: "cw-answer" },
    h("div", { className: "cw-head" }, h("figure", {}, seen, h("figcaption", {}, "what the networks see")), h("div", {}, verdict, sure)),
    chart, ...(given.members > 1 ? [h("h4", {}, `Each of the ${given.members} alone`), grid] : []), words);
  el.append(h("div", { className: "cw-padded" }, h("div", {}, paper, row(...bringers), centred), says));

  const small = () => (model.get("centred") ? asMnist(ink, side) : shrunk(ink, side));
  /** Probabilities of all networks for what is on the sheet now, or undefined while they are awaited. */
  function ask(image) {
    if (nets.length)
      return nets.map((net) => new Predictions({ logits: forward(net, image), shape: [1, 1, names.length] }).mean);
    const { seen, rows } = model.get("answer") ?? {};
    return seen && same(seen, image, 1) ? rows : undefined;
  }

  const draw = everyFrame(() => {
    const empty = ink.every((value) => value === 0), image = small();
    centred.put(model.get("centred"));
    paint(seen, image, SIDE);
    const rows = empty ? undefined : ask(image);
    const mean = rows && meanOfRows(rows), top = rows && argmax(mean);
    verdict.textContent = rows ? names[top] : "?";
    sure.textContent = rows ? percent(mean[top]) : "";
    const blank = model.get("problem") || (empty ? "Draw something: a digit, or anything else." : "Waiting for the notebook's kernel, which runs this network.");
    words.put(rows ? describe(rows, names) + (origin ? ` This example is ${origin}.` : "") : blank);
    chart.put(mean, rows ? "Probabilities" : blank, { said: top });
    grid.put(rows, given.members);
  });

  hear(["drawing"], () => {
    const came = bytes(model.get("drawing"));
    if (timer !== undefined || same(came, ink)) return; // our own, or older than what is drawn here
    ink = came.slice();
    origin = "";
    paper.put(ink);
    draw();
  });
  hear(["centred", "answer", "problem"], draw);
  if (ink.some((value) => value)) paper.put(ink);
  draw();
  return () => {
    clearTimeout(timer);
    draw.stop();
  };
}
