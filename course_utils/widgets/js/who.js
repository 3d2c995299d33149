// Who answers? Digits and clothes change sides as the network must be surer or may be less sure.
import { calm, choice, gallery, h, sentence, slider } from "./parts.js";
import { are, count, percent, plural } from "./words.js";

const GAP = 3; // pixels between two images
const SIDES = [30, 12]; // pixels: the largest and the smallest image
const HIGHEST = 520; // pixels of a column: all of it, and the slider, are on one screen of a phone
const GLIDE = 320; // milliseconds from one side to the other

/** Images in order of confidence, the surest first; those of the same confidence change sides together. */
export function ranked(confidence) {
  const order = Array.from(confidence.keys()).sort((a, b) => confidence[b] - confidence[a] || a - b);
  const steps = []; // how many are answered, if the last of them still is
  order.forEach((image, i) => {
    if (i + 1 === order.length || confidence[order[i + 1]] !== confidence[image]) steps.push(i + 1);
  });
  return { order, steps };
}

/** How many are answered if the network must be this sure. */
export const answeredAt = (confidence, sure) => confidence.reduce((sum, value) => sum + (value >= sure), 0);

/** The state in words. `wrong` are digits read wrongly, `strays` clothes that were answered. */
export function describe(total, answered, wrong, strays) {
  if (!answered) return "Nothing is answered, and nothing is wrong: a human looks at everything.";
  const of = answered === total ? `All ${count(total)} are answered` : `${count(answered)} of ${count(total)} ${are(answered)} answered`;
  const mistakes = wrong + strays;
  if (!mistakes) return `${of}, without a mistake. A human looks at ${count(total - answered)}.`;
  return `${of}, with ${plural(mistakes, "mistake")}: ${plural(wrong, "digit")} misread, and ` +
    `${plural(strays, "piece")} of clothing taken for a digit. A human looks at ${count(total - answered)}.`;
}

export function who({ model, el, given, hear, change }) {
  const images = gallery(given.images), labels = given.labels.values, names = given.class_names;
  const all = given.models.map(({ name, confidence, says }) => {
    const sure = confidence.values;
    return { name, sure, says: says.values, ...ranked(sure) };
  });
  const total = labels.length, places = new Float32Array(2 * total), from = new Float32Array(2 * total), to = new Float32Array(2 * total);
  let placed = false, began = 0, frame = 0, side = 24, pointed = -1, former;

  const chosen = () => all.find((one) => one.name === model.get("model")) ?? all[0];
  const answered = () => answeredAt(chosen().sure, model.get("sure"));
  const mistaken = (one, image) => one.says[image] !== labels[image]; // strays have no label that can be said

  // --- what there is to see ---
  const models = choice("Who is asked", all.map(({ name }) => [name, name]), (name) => {
    // as many stay answered as can; the surest answers of another network may be other ones
    const other = all.find((one) => one.name === name), step = nearest(other.steps, answered());
    change({ model: name, sure: needed(other, step) });
  });
  const range = slider("How sure must it be?", { max: 1, oninput: (value) => {
    const { steps } = chosen(), step = steps.length - value; // to the right is surer
    change({ sure: needed(chosen(), step ? steps[step - 1] : 0) });
  } });
  const tally = [h("strong", {}), h("strong", {}), h("strong", {})];
  const heads = h("div", { className: "cw-heads", "aria-hidden": "true" },
    h("div", {}, h("span", {}, "Answered"), tally[0]), h("div", {}, h("span", {}, "For a human"), tally[1]));
  const canvas = h("canvas", { role: "img" }), tip = h("div", { className: "cw-tip", hidden: true });
  const stage = h("div", { className: "cw-stage cw-crowd" }, canvas, tip);
  const words = sentence();
  const mistakes = h("div", { className: "cw-mistaken" }, tally[2], h("span", {}, "mistakes among the answers"));
  el.append(range, h("div", { className: "cw-row" }, all.length > 1 ? models : "", mistakes), heads, stage, words);

  const nearest = (steps, wanted) => wanted ? steps.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best)) : 0;
  /** The confidence that answers so many. */
  const needed = (one, many) => (many ? one.sure[one.order[many - 1]] : 1.0001);

  // All images once, so that a frame only copies them.
  const sprites = h("canvas", { width: images.columns * total, height: images.rows });
  {
    const one = h("canvas", {}), paper = sprites.getContext("2d");
    for (let image = 0; image < total; image++) {
      images.paint(one, image);
      paper.drawImage(one, image * images.columns, 0);
    }
  }

  // --- where they are ---
  function arrange(one, many) {
    const width = stage.clientWidth, half = (width - 16) / 2;
    const fit = () => Math.max(1, Math.floor((half + GAP) / (side + GAP)));
    for (side = SIDES[0]; side > SIDES[1] && Math.ceil(total / fit()) * (side + GAP) > HIGHEST; side--);
    const across = fit();
    const put = (image, rank, right) => {
      to[2 * image] = (right ? half + 16 : 0) + (rank % across) * (side + GAP);
      to[2 * image + 1] = Math.floor(rank / across) * (side + GAP);
    };
    // Both sides end with those nearest to the threshold, so that only the ends change.
    one.order.forEach((image, rank) => (rank < many ? put(image, rank, false) : put(image, total - 1 - rank, true)));
    return Math.ceil(total / across) * (side + GAP);
  }
  function paint(now) {
    frame = 0;
    const done = placed ? Math.min(1, (now - began) / GLIDE) : 1, eased = 1 - (1 - done) ** 3;
    const one = chosen(), many = former.many, density = devicePixelRatio || 1, paper = canvas.getContext("2d");
    paper.setTransform(density, 0, 0, density, 0, 0);
    paper.clearRect(0, 0, canvas.width, canvas.height);
    paper.imageSmoothingEnabled = true;
    const style = getComputedStyle(el), dark = el.closest(".cw-dark") !== null;
    const bad = style.getPropertyValue("--c-d55e00").trim() || "#d55e00", ink = style.getPropertyValue("--ink");
    for (let rank = total - 1; rank >= 0; rank--) {
      const image = one.order[rank];
      for (const axis of [2 * image, 2 * image + 1]) places[axis] = from[axis] + (to[axis] - from[axis]) * eased;
      const x = places[2 * image], y = places[2 * image + 1];
      paper.globalAlpha = rank < many ? 1 : 0.55;
      paper.filter = dark ? "invert(0.89)" : "none";
      paper.drawImage(sprites, image * images.columns, 0, images.columns, images.rows, x, y, side, side);
      paper.filter = "none";
      paper.globalAlpha = 1;
      if (rank < many && mistaken(one, image)) {
        paper.lineWidth = 2.5;
        paper.strokeStyle = bad;
        paper.strokeRect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
      }
      if (image === pointed) {
        paper.lineWidth = 2;
        paper.strokeStyle = ink;
        paper.strokeRect(x - 1, y - 1, side + 2, side + 2);
      }
    }
    placed = true;
    if (done < 1) ask();
  }
  const ask = () => (frame ||= requestAnimationFrame(paint));

  function draw() {
    if (!stage.clientWidth) return; // the observer comes back
    const one = chosen(), many = answered(), step = one.steps.indexOf(many) + 1;
    const height = arrange(one, many), density = devicePixelRatio || 1;
    if (canvas.width !== Math.round(stage.clientWidth * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(stage.clientWidth * density);
      canvas.height = Math.round(height * density);
      canvas.style.height = `${height}px`;
      placed = false;
    }
    from.set(placed && !calm() ? places : to);
    began = performance.now();
    former = { many };
    let wrong = 0, strays = 0;
    for (const image of one.order.slice(0, many)) if (mistaken(one, image)) labels[image] < 0 ? strays++ : wrong++;
    const said = describe(total, many, wrong, strays), sure = model.get("sure");
    models.put(one.name);
    range.put(one.steps.length - step, many ? `≥ ${percent(sure)}` : "never", one.steps.length);
    tally[0].textContent = count(many);
    tally[1].textContent = count(total - many);
    tally[2].textContent = count(wrong + strays);
    mistakes.lastChild.textContent = wrong + strays === 1 ? "mistake among the answers" : "mistakes among the answers";
    words.put(said);
    canvas.setAttribute("aria-label", `${one.name}: ${said}`);
    point(-1);
    ask();
  }

  // --- the pointer ---
  function point(image, event) {
    pointed = image;
    tip.hidden = image < 0;
    if (image >= 0) {
      const one = chosen(), right = !mistaken(one, image), truth = given.truth[image];
      tip.textContent = `Says ${names[one.says[image]]}, at ${percent(one.sure[image])}${right ? ", which is right." : `. It is ${truth}.`}`;
      const x = places[2 * image] + side / 2, y = places[2 * image + 1];
      tip.style.left = `${Math.min(Math.max(x, 110), stage.clientWidth - 110)}px`;
      tip.style.top = y > 60 ? `${y - 6}px` : `${y + side + 6}px`;
      tip.classList.toggle("cw-above", y > 60);
    }
    ask();
  }
  function under(event) {
    const box = canvas.getBoundingClientRect(), scale = box.width / canvas.offsetWidth;
    const x = (event.clientX - box.left) / scale, y = (event.clientY - box.top) / scale;
    for (let image = 0; image < total; image++) {
      const dx = x - places[2 * image], dy = y - places[2 * image + 1];
      if (dx >= 0 && dy >= 0 && dx < side + GAP && dy < side + GAP) return image;
    }
    return -1;
  }
  for (const name of ["pointermove", "pointerdown"])
    canvas.addEventListener(name, (event) => {
      const image = under(event);
      if (image !== pointed) point(image);
    });
  canvas.addEventListener("pointerleave", () => point(-1));

  const watch = new ResizeObserver(draw);
  watch.observe(stage);
  hear(["model", "sure"], draw);
  draw();
  return () => {
    watch.disconnect();
    cancelAnimationFrame(frame);
  };
}
