// Small parts of pages: elements, controls with their names, digits, voices, gliding.

import { argmax } from "./metrics.js";
import { percent } from "./words.js";

const CONTROLS = new Set(["button", "input", "select", "summary", "textarea"]);

/** An element with properties, attributes (aria-…, data-…), listeners (onclick) and children. */
export function h(kind, traits = {}, ...children) {
  const element = document.createElement(kind);
  // JupyterLab moves its cells by the same keys, unless what has the focus says so itself.
  if (CONTROLS.has(kind) || "tabIndex" in traits) element.dataset.lmSuppressShortcuts = "true";
  for (const [name, value] of Object.entries(traits)) {
    if (value === undefined) continue;
    if (name === "style") Object.assign(element.style, value);
    else if (/^(aria|data)-|^(role|for|list)$/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

let numbers = 0;
export const newId = (word) => `course-${word}-${++numbers}-${Math.random().toString(36).slice(2, 7)}`;

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** At most one call a frame, in it. */
export function everyFrame(draw) {
  let waiting = 0;
  const ask = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  };
  ask.stop = () => cancelAnimationFrame(waiting);
  return ask;
}

/** A menu; `options` are names, or pairs of value and words. */
export function menu(words, onchange) {
  const select = h("select", { "aria-label": words, onchange: () => onchange(select.value) });
  const box = h("label", { className: "cw-field" }, h("span", {}, words), select);
  let former = "";
  box.put = (value, options) => {
    const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
    const key = JSON.stringify(pairs);
    if (key !== former) select.replaceChildren(...pairs.map(([one, text]) => h("option", { value: one }, text)));
    former = key;
    select.value = value;
    box.hidden = pairs.length < 2;
  };
  box.select = select;
  return box;
}

/** A slider with its name and its value in words. */
export function slider(words, { min = 0, max, step = 1, oninput }) {
  const range = h("input", { type: "range", min, max, step, "aria-label": words });
  range.oninput = () => oninput(Number(range.value));
  const shown = h("output", {});
  const box = h("label", { className: "cw-slider" }, h("span", {}, words), range, shown);
  box.put = (value, text, most) => {
    if (most !== undefined) range.max = most;
    range.value = value;
    shown.textContent = text;
    range.setAttribute("aria-valuetext", text);
  };
  box.range = range;
  return box;
}

export function button(words, onclick, traits = {}) {
  return h("button", { type: "button", onclick, className: "cw-button", ...traits }, words);
}

/** Buttons of which one is pressed. */
export function choice(words, options, onchange) {
  const buttons = options.map(([value, text]) => button(text, () => onchange(value)));
  const box = h("div", { className: "cw-choice", role: "group", "aria-label": words }, ...buttons);
  box.put = (value) => options.forEach(([one], i) => buttons[i].setAttribute("aria-pressed", one === value));
  return box;
}

/** A checkbox. */
export function tick(words, onchange) {
  const box = h("input", { type: "checkbox", onchange: () => onchange(box.checked) });
  const label = h("label", { className: "cw-tick" }, box, h("span", {}, words));
  label.put = (on) => (box.checked = on);
  return label;
}

export const row = (...children) => h("div", { className: "cw-row" }, ...children);

/** What a screen reader says a moment after the last change. */
export function voice() {
  let timer;
  const region = h("div", { className: "cw-voice", "aria-live": "polite" });
  region.say = (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => (region.textContent = words), 600);
  };
  return region;
}

/** What a widget says: in the page, and a moment later by a screen reader. */
export function sentence() {
  const shown = h("p", { className: "cw-words" }), said = voice(), box = h("div", {}, shown, said);
  box.put = (words, more = "", silent = false) => {
    shown.textContent = (words + more).replaceAll(" %", "\u00a0%"); // a number keeps its sign
    if (!silent) said.say(words);
  };
  return box;
}

/** Buttons to the one before and to the next; `put` says where one is. */
export function stepper(go) {
  const back = button("← Previous", () => go(-1)), next = button("Next →", () => go(1)), box = row(back, next);
  box.put = (place, number) => {
    back.disabled = place <= 0;
    next.disabled = place + 1 >= number;
  };
  return box;
}

/** A table that scrolls sideways where it has no room; `put` takes texts, the head first. */
export function table(caption) {
  const box = h("div", { className: "cw-scroll", tabIndex: 0, role: "region", "aria-label": caption });
  let cells = [];
  box.put = (...lines) => {
    const texts = lines.flat();
    if (cells.length !== texts.length) {
      const [head, ...body] = lines.map((line, i) => h("tr", {}, ...line.map(() => (i ? h("td", {}) : h("th", { scope: "col" })))));
      box.replaceChildren(h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, ...body)));
      cells = [...box.querySelectorAll("th, td")];
    }
    cells.forEach((cell, i) => (cell.textContent = texts[i]));
  };
  return box;
}

/** A digit (uint8, row by row) on a canvas: dark ink on paper, turned round by CSS in the dark. */
export function digit(alt = "") {
  const canvas = h("canvas", { className: "cw-digit", width: 28, height: 28 });
  if (alt) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", alt);
  } else canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

export function paint(canvas, pixels, side = Math.sqrt(pixels.length), columns = side) {
  if (canvas.width !== columns || canvas.height !== side) Object.assign(canvas, { width: columns, height: side });
  const image = new ImageData(columns, side);
  for (let i = 0; i < pixels.length; i++) {
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = 255 - pixels[i];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Images [N, H, W] with a way to one of them. */
export function gallery(images) {
  if (!images) return undefined;
  const [, rows, columns] = images.shape, size = rows * columns;
  return {
    length: images.shape[0],
    paint: (canvas, i) => paint(canvas, images.values.subarray(i * size, (i + 1) * size), rows, columns),
    pixels: (i) => images.values.subarray(i * size, (i + 1) * size),
    rows,
    columns,
  };
}

/** Horizontal bars of class probabilities; `put` moves them and takes whose they are. */
export function bars(names) {
  const rows = names.map((name) => {
    const fill = h("i", {}), number = h("b", {});
    return { fill, number, row: h("div", { className: "cw-bar" }, h("span", {}, name), h("div", {}, fill), number) };
  });
  const box = h("div", { className: "cw-bars", role: "img" }, ...rows.map((one) => one.row));
  box.put = (values, who, { truth, said } = {}) => {
    rows.forEach(({ fill, number, row }, c) => {
      fill.style.transform = `scaleX(${values ? values[c] : 0})`;
      number.textContent = values ? (values[c] < 0.005 ? "" : `${(100 * values[c]).toFixed(0)} %`) : "";
      row.className = `cw-bar${c === truth ? " cw-truth" : ""}${c === said ? " cw-said" : ""}`;
    });
    box.setAttribute("aria-label", values ? `${who}: ${names.map((name, c) => `${name} ${percent(values[c])}`).join(", ")}` : who);
  };
  return box;
}

/** One line for each member: how it shares its probability among the classes, and its vote. */
export function memberGrid(names) {
  const letters = (name) => (name.length > 2 ? name.slice(0, 2) : name);
  const head = h("div", { "aria-hidden": "true" }, h("span", {}), h("div", {}, ...names.map((name) => h("small", {}, letters(name)))));
  const box = h("div", { className: "cw-members", role: "img" });
  let lines = [];
  /** @param rows probabilities of each member, or undefined; @param on which of them answer */
  box.put = (rows, number = rows?.length, on = rows?.map(() => true)) => {
    if (lines.length !== number) {
      lines = Array.from({ length: number }, () => ({ cells: names.map(() => h("i", {})), vote: h("span", {}) }));
      box.replaceChildren(head, ...lines.map((one, m) => h("div", {}, h("span", {}, `${m + 1}`), h("div", {}, ...one.cells), one.vote)));
    }
    const votes = lines.map(({ cells, vote }, m) => {
      const row = rows?.[m], said = row && argmax(row), silent = !row || !on[m];
      cells.forEach((cell, c) => (cell.style.opacity = row ? row[c] : 0));
      vote.textContent = silent ? "–" : `${names[said]}: ${percent(row[said])}`;
      vote.parentElement.classList.toggle("cw-off", silent);
      return silent ? `member ${m + 1} is off` : `member ${m + 1} says ${names[said]}, at ${percent(row[said])}`;
    });
    box.setAttribute("aria-label", rows ? votes.join("; ") : "Nobody answers");
  };
  return box;
}

/** Follow a pointer from the press on; the keyboard has sliders for the same. */
export function dragged(element, { start, move, end }) {
  let pointer;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || start(event) === false) return;
    pointer = event.pointerId;
    try {
      element.setPointerCapture(pointer);
    } catch {} // an event made by a script has no pointer to capture
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => event.pointerId === pointer && move(event));
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    element.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = undefined;
      end?.(event);
    });
}
