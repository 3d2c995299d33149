// A sheet to draw on by mouse, finger or keys; what is on it travels to the kernel as bytes.

const CELLS = 28; // the keyboard's cursor moves on as many cells as the networks see pixels
const FINE = 3; // pixels of the canvas for each pixel that is sent, so that lines look smooth
const PAUSE = 60; // milliseconds between two messages while the pen is down

function make(kind, parent, traits = {}) {
  const element = Object.assign(document.createElement(kind), traits);
  parent.append(element);
  return element;
}

function render({ model, el }) {
  const side = model.get("side"), size = side * FINE, cell = size / CELLS;
  const pad = make("div", el, { className: "course-pad" });
  // JupyterLab's own shortcuts use the same keys.
  pad.dataset.lmSuppressShortcuts = "true";
  const number = `course-pad-help-${Math.random().toString(36).slice(2)}`;
  const sheet = make("div", pad, { className: "course-pad-sheet" });
  const canvas = make("canvas", sheet, { width: size, height: size, tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Drawing pad");
  canvas.setAttribute("aria-describedby", number);
  const cursor = make("div", sheet, { className: "course-pad-cursor", hidden: true });
  const tools = make("div", pad, { className: "course-pad-tools" });
  const clear = make("button", tools, { type: "button", textContent: "Clear" });
  const undo = make("button", tools, { type: "button", textContent: "Undo" });
  const label = make("label", tools, { textContent: "Pen" });
  const pen = make("input", label, { type: "range", min: 4, max: 20, step: 1, value: 10 });
  pen.setAttribute("aria-label", "Width of the pen");
  make("p", pad, {
    id: number,
    className: "course-pad-help",
    textContent:
      "Draw with mouse or finger. By keyboard: click or tab into the sheet, move with the " +
      "arrow keys (with Shift faster); Space or Enter lowers and lifts the pen; Backspace undoes.",
  });
  const voice = make("span", pad, { className: "course-pad-voice" });
  voice.setAttribute("aria-live", "polite");

  const paper = canvas.getContext("2d", { willReadFrequently: true });
  const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const reader = small.getContext("2d", { willReadFrequently: true });

  // --- the drawing: steps that can be taken back ---
  const steps = [];

  function stamp(ink) {
    const image = reader.createImageData(side, side);
    for (let i = 0; i < ink.length; i++) image.data[4 * i + 3] = ink[i];
    reader.putImageData(image, 0, 0);
    paper.imageSmoothingEnabled = false;
    paper.drawImage(small, 0, 0, size, size);
  }

  function trace(line, from = 1) {
    paper.lineWidth = line.width;
    paper.lineCap = paper.lineJoin = "round";
    paper.strokeStyle = paper.fillStyle = "#000";
    paper.beginPath();
    const start = line.points[Math.max(0, from - 1)];
    paper.moveTo(...start);
    paper.lineTo(...start); // a dot, if nothing follows
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

  function add(step) {
    steps.push(step);
    redraw();
  }

  function pixels() {
    reader.clearRect(0, 0, side, side);
    reader.imageSmoothingEnabled = true;
    reader.imageSmoothingQuality = "high";
    reader.drawImage(canvas, 0, 0, side, side);
    const image = reader.getImageData(0, 0, side, side).data;
    return Uint8Array.from({ length: side * side }, (_, i) => image[4 * i + 3]);
  }

  // --- to the kernel ---
  let sent, last = 0, timer;

  function send() {
    clearTimeout(timer);
    timer = undefined;
    last = performance.now();
    sent = pixels();
    model.set("value", sent);
    model.save_changes();
  }

  function soon() {
    timer ??= setTimeout(send, Math.max(0, last + PAUSE - performance.now()));
  }

  function came() {
    const value = model.get("value");
    if (value === sent) return; // our own
    lift();
    const { buffer, byteOffset, byteLength } = value;
    add({ sheet: new Uint8Array(buffer, byteOffset, byteLength).slice() });
  }

  // --- the pen ---
  let line;
  let column = 13, row = 13; // where the keys are
  const inside = (value) => Math.min(CELLS - 1, Math.max(0, value));
  const here = () => [(column + 0.5) * cell, (row + 0.5) * cell];
  const lower = (point) => {
    line = { points: [point], width: (pen.value * size) / side };
    trace(line);
    add(line);
    soon();
  };
  const move = (points) => {
    const from = line.points.length;
    line.points.push(...points);
    trace(line, from);
    soon();
  };
  function lift() {
    if (!line) return;
    line = undefined;
    if (timer !== undefined) send(); // at once: it is what one waits for
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left - canvas.clientLeft) * size) / canvas.clientWidth,
      ((event.clientY - box.top - canvas.clientTop) * size) / canvas.clientHeight,
    ];
  }
  let pointer;
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== undefined || event.button !== 0) return;
    event.preventDefault(); // no selection of text, no scrolling
    canvas.focus({ preventScroll: true });
    cursor.hidden = true;
    pointer = event.pointerId;
    try {
      canvas.setPointerCapture(pointer);
    } catch {} // an event made by a script has no pointer to capture
    lift();
    lower(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !line) return;
    const events = event.getCoalescedEvents?.() ?? [];
    move((events.length ? events : [event]).map(place));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = undefined;
      const end = line?.points.at(-1) ?? here(); // the keys go on from here
      [column, row] = end.map((value) => inside(Math.floor(value / cell)));
      lift();
    });

  // --- the keys ---
  const steer = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function point() {
    const share = 100 / CELLS;
    cursor.hidden = false;
    cursor.classList.toggle("course-pad-down", line !== undefined);
    Object.assign(cursor.style, {
      left: `${share * (column + 0.5)}%`,
      top: `${share * (row + 0.5)}%`,
    });
  }

  canvas.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook moves its cells by the same keys
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === "z") takeBack();
      else return;
    } else if (event.key in steer) {
      const [across, down] = steer[event.key], pace = event.shiftKey ? 3 : 1;
      column = inside(column + pace * across);
      row = inside(row + pace * down);
      if (line) move([here()]);
      voice.textContent = `column ${column + 1}, row ${row + 1}`;
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat || pointer !== undefined) return event.preventDefault();
      if (line) lift();
      else lower(here());
      voice.textContent = `pen ${line ? "down" : "up"}, column ${column + 1}, row ${row + 1}`;
    } else if (event.key === "Backspace") takeBack();
    else if (event.key === "Escape" && line) lift();
    else return;
    event.preventDefault();
    point();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible") && pointer === undefined) point();
  });
  canvas.addEventListener("blur", () => {
    lift();
    cursor.hidden = true;
  });

  // --- the buttons ---
  function takeBack() {
    lift();
    if (steps.length < 2) return;
    steps.pop();
    redraw();
    voice.textContent = "taken back";
    send();
  }
  undo.addEventListener("click", takeBack);
  clear.addEventListener("click", () => {
    lift();
    add({ sheet: new Uint8Array(side * side) });
    voice.textContent = "the sheet is empty";
    send();
  });
  pen.addEventListener("keydown", (event) => event.stopPropagation());

  model.on("change:value", came);
  came(); // what was drawn before the page was loaded again
  return () => {
    clearTimeout(timer);
    model.off("change:value", came);
  };
}

export default { render };
