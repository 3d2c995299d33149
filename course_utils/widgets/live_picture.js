// A picture that is replaced without a blank frame, its alternative text, and words below it.

// Arrows and letters belong to the control that has the focus: JupyterLab would move to another
// cell by an arrow that should choose from a list, and cut the cell by an x.
function keepKeys(event) {
  const plain = !(event.ctrlKey || event.metaKey || event.altKey);
  if (plain && (event.key.length === 1 || event.key.startsWith("Arrow"))) event.stopPropagation();
}

// What ipywidgets leaves to do for those who work without a mouse.
function serveKeyboards(el) {
  const widget = el.closest(".course-widget");
  widget?.addEventListener("keydown", keepKeys);
  // the handle of a slider has no name: it gets the slider's description
  for (const handle of widget?.querySelectorAll(".noUi-handle") ?? []) {
    const label = handle.closest(".widget-inline-hbox")?.querySelector(".widget-label");
    if (label) handle.setAttribute("aria-label", label.textContent);
  }
}

function render({ model, el }) {
  const figure = document.createElement("figure");
  const image = document.createElement("img");
  const words = document.createElement("figcaption");
  figure.className = "course-picture";
  words.setAttribute("role", "status"); // read out when it changes
  figure.append(image, words);
  el.append(figure);

  let bytes, url; // what is shown
  let asked = 0, painted = 0;
  let waiting = false;

  async function paint() {
    waiting = false;
    const wanted = model.get("png");
    if (wanted === bytes) return tell();
    const turn = ++asked;
    bytes = wanted;
    const next = URL.createObjectURL(new Blob([wanted], { type: "image/png" }));
    const probe = new Image();
    probe.src = next;
    // Only what is decoded is shown, so that nothing flickers; the element stays the same, so that
    // a screen reader keeps its place.
    const ready = wanted.byteLength > 0 && (await probe.decode().then(() => true, () => false));
    if (turn < painted || !ready) {
      URL.revokeObjectURL(next);
      if (!wanted.byteLength) image.hidden = true;
      return tell();
    }
    painted = turn;
    image.src = next;
    image.hidden = false;
    image.dataset.turn = turn;
    if (url) URL.revokeObjectURL(url);
    url = next;
    tell();
  }

  function tell() {
    const width = model.get("width");
    if (width) image.width = width;
    image.alt = model.get("alt");
    if (words.textContent !== model.get("caption")) words.textContent = model.get("caption");
    figure.classList.toggle("course-problem", model.get("problem"));
    serveKeyboards(el);
  }

  // Several values come in one message; they are painted together.
  function soon() {
    if (!waiting) queueMicrotask(paint);
    waiting = true;
  }

  for (const name of ["png", "alt", "caption", "problem", "width"]) model.on(`change:${name}`, soon);
  image.hidden = true;
  paint();
  for (const delay of [0, 300, 2000]) setTimeout(serveKeyboards, delay, el); // the controls come when they come
  return () => {
    for (const name of ["png", "alt", "caption", "problem", "width"]) model.off(`change:${name}`, soon);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
