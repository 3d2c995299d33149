// A row of small pictures to click on. All of them come in one image, side by side; each button
// shows its part of it, with words below.

const MARKS = { true: "✓", false: "✗" };

function render({ model, el }) {
  const strip = document.createElement("div");
  strip.className = "course-strip";
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", model.get("label"));
  el.append(strip);

  let url, asked = 0, painted = 0, waiting = false;

  function go(number) {
    number = Math.min(Math.max(number, 1), model.get("count"));
    if (number === model.get("value")) return;
    model.set("value", number);
    model.save_changes();
  }

  function newTile() {
    const tile = document.createElement("button");
    tile.type = "button";
    for (const part of ["picture", "truth", "answer"]) {
      const span = document.createElement("span");
      span.className = `course-strip-${part}`;
      tile.append(span);
    }
    tile.addEventListener("click", () => go(Number(tile.dataset.number)));
    return tile;
  }

  // JupyterLab has its own meaning for arrows where nobody else takes them.
  strip.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!steps || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    go(model.get("value") + steps);
  });

  async function paint() {
    waiting = false;
    const turn = ++asked;
    const [png, tiles, value] = [model.get("png"), model.get("tiles"), model.get("value")];
    let next;
    if (png.byteLength) {
      next = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      const probe = new Image();
      probe.src = next;
      await probe.decode().catch(() => {}); // only what is decoded is shown: no flicker
    }
    if (turn < painted) return next && URL.revokeObjectURL(next);
    painted = turn;
    const held = strip.contains(document.activeElement);
    while (strip.children.length > tiles.length) strip.lastChild.remove();
    while (strip.children.length < tiles.length) strip.append(newTile());
    tiles.forEach(({ number, truth, answer, right }, index) => {
      const tile = strip.children[index];
      const [picture, below, last] = tile.children;
      tile.dataset.number = number;
      tile.classList.toggle("course-strip-wrong", !right);
      if (number === value) tile.setAttribute("aria-current", "true");
      else tile.removeAttribute("aria-current");
      tile.tabIndex = number === value ? 0 : -1; // one stop for the tab key, arrows inside
      const words = `Number ${number}: true ${truth}, says ${answer}, ${right ? "right" : "wrong"}`;
      tile.setAttribute("aria-label", words);
      tile.title = words;
      picture.style.backgroundImage = `url(${next})`;
      picture.style.backgroundSize = `${100 * tiles.length}% 100%`;
      picture.style.backgroundPosition = `${(100 * index) / Math.max(tiles.length - 1, 1)}% 0`;
      below.textContent = `true ${truth}`;
      last.textContent = `${MARKS[right]} ${answer}`;
    });
    strip.dataset.turn = turn;
    if (held) strip.querySelector("[aria-current]")?.focus();
    if (url) URL.revokeObjectURL(url);
    url = next;
  }

  // Several values come in one message; they are painted together.
  function soon() {
    if (!waiting) queueMicrotask(paint);
    waiting = true;
  }

  for (const name of ["png", "tiles", "value"]) model.on(`change:${name}`, soon);
  paint();
  return () => {
    for (const name of ["png", "tiles", "value"]) model.off(`change:${name}`, soon);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
