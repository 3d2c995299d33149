// A sheet to draw on by mouse, finger or keys. What is on it is `side` x `side` grey values, 255 is ink.
import { button, h, newId, row, voice } from "./parts.js";

const CELLS = 28; // the keyboard's cursor moves on as many cells as the networks see pixels
const FINE = 3; // pixels of the canvas for each pixel of the drawing, so that lines look smooth

/** @param oninput is given the ink after every change by hand */
export function sheet(side, oninput) {
  const size = side * FINE, cell = size / CELLS, help = newId("help");
  const canvas = h("canvas", { width: size, height: size, tabIndex: 0, role: "application", "aria-label": "Drawing pad", "aria-describedby": help });
  const cursor = h("div", { className: "cw-cursor", hidden: true });
  const clear = button("Clear", wipe), undo = button("Undo", takeBack);
  const pen = h("input", { type: "range", min: 4, max: 20, step: 1, value: 10, "aria-label": "Pen width" });
  const said = voice();
  const box = h("div", { className: "cw-pad" },
    h("div", { className: "cw-sheet" }, canvas, cursor),
    row(clear, undo, h("label", { className: "cw-field" }, "Pen", pen)),
    h("details", {}, h("summary", {}, "Drawing by keyboard"),
      h("p", { id: help }, "Move with the arrow keys, faster with Shift. Space or Enter puts the pen down and lifts it; Backspace undoes.")),
    said);

  const paper = canvas.getContext("2d", { willReadFrequently: true });
  const small = h("canvas", { width: side, height: side });
  const reader = small.getContext("2d", { willReadFrequently: true });
  const steps = [{ sheet: new Uint8Array(side * side) }];

  function stamp(ink) {
    const image = reader.createImageData(side, side);
    for (let i = 0; i < ink.length; i++) image.data[4 * i + 3] = ink[i];
    reader.putImageData(image, 0, 0);
    paper.imageSmoothingEnabled = false;
    paper.drawImage(small, 0, 0, size, size);
  }
  function trace(line, from = 1) {
    Object.assign(paper, { lineWidth: line.width, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
    paper.beginPath();
    const start = line.points[Math.max(0, from - 1)];
    paper.moveTo(...start);
    paper.lineTo(start[0] + 0.01, start[1]); // a dot, if nothing follows; a line of no length is not drawn
    for (const point of line.points.slice(from)) paper.lineTo(...point);
    paper.stroke();
  }
  function redraw() {
    paper.clearRect(0, 0, size, size);
    const fresh = Math.max(0, steps.findLastIndex((step) => step.sheet));
    for (const step of steps.slice(fresh)) step.sheet ? stamp(step.sheet) : trace(step);
    undo.disabled = steps.length < 2;
    clear.disabled = steps.at(-1).sheet?.every((value) => value === 0) ?? false;
  }
  function pixels() {
    reader.clearRect(0, 0, side, side);
    Object.assign(reader, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
    reader.drawImage(canvas, 0, 0, side, side);
    const image = reader.getImageData(0, 0, side, side).data;
    return Uint8Array.from({ length: side * side }, (_, i) => image[4 * i + 3]);
  }
  const told = () => oninput(pixels());

  // --- the pen ---
  let line, pointer;
  let column = 13, line_row = 13; // where the keys are
  const inside = (value) => Math.min(CELLS - 1, Math.max(0, value));
  const here = () => [(column + 0.5) * cell, (line_row + 0.5) * cell];
  function lower(point) {
    line = { points: [point], width: (pen.value * size) / side };
    steps.push(line);
    redraw();
    told();
  }
  function move(points) {
    const from = line.points.length;
    line.points.push(...points);
    trace(line, from);
    told();
  }
  const lift = () => (line = undefined);
  function at(event) {
    const box = canvas.getBoundingClientRect(), scale = box.width / canvas.offsetWidth; // a slide is scaled
    return [((event.clientX - box.left) / scale - canvas.clientLeft) * size / canvas.clientWidth,
      ((event.clientY - box.top) / scale - canvas.clientTop) * size / canvas.clientHeight];
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== undefined || event.button !== 0) return;
    event.preventDefault(); // no selection of text, no scrolling
    canvas.focus({ preventScroll: true });
    cursor.hidden = true;
    pointer = event.pointerId;
    try {
      canvas.setPointerCapture(pointer);
    } catch {} // an event made by a script has no pointer to capture
    lower(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !line) return;
    const events = event.getCoalescedEvents?.() ?? [];
    move((events.length ? events : [event]).map(at));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = undefined;
      const end = line?.points.at(-1) ?? here(); // the keys go on from here
      [column, line_row] = end.map((value) => inside(Math.floor(value / cell)));
      lift();
    });

  // --- the keys ---
  const steer = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function showCursor() {
    cursor.hidden = false;
    cursor.classList.toggle("cw-down", line !== undefined);
    Object.assign(cursor.style, { left: `${(100 * (column + 0.5)) / CELLS}%`, top: `${(100 * (line_row + 0.5)) / CELLS}%` });
  }
  canvas.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook moves its cells by the same keys
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key !== "z") return;
      takeBack();
    } else if (event.key in steer) {
      const [across, down] = steer[event.key], pace = event.shiftKey ? 3 : 1;
      column = inside(column + pace * across);
      line_row = inside(line_row + pace * down);
      if (line) move([here()]);
      said.say(`column ${column + 1}, row ${line_row + 1}`);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (event.repeat || pointer !== undefined) return;
      if (line) lift();
      else lower(here());
      said.say(`pen ${line ? "down" : "up"}, column ${column + 1}, row ${line_row + 1}`);
    } else if (event.key === "Backspace") takeBack();
    else if (event.key === "Escape" && line) lift();
    else return;
    event.preventDefault();
    showCursor();
  });
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && pointer === undefined && showCursor());
  canvas.addEventListener("blur", () => {
    lift();
    cursor.hidden = true;
  });

  function takeBack() {
    lift();
    if (steps.length < 2) return;
    steps.pop();
    redraw();
    told();
  }
  function wipe() {
    lift();
    steps.push({ sheet: new Uint8Array(side * side) });
    redraw();
    said.say("the sheet is empty");
    told();
  }
  /** Another drawing, which can be taken back like a line. */
  box.put = (ink) => {
    lift();
    steps.push({ sheet: Uint8Array.from(ink) });
    redraw();
  };
  redraw();
  return box;
}
