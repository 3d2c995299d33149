// A page without a kernel: a stand-in for the model of each widget, made from its saved state.
// tools write that state into <script type="application/json" id="course-widgets">, in the format of
// ipywidgets ("application/vnd.jupyter.widget-state+json"), and a <div class="course-live"
// data-widget="…"> with the still picture where each widget belongs.

function bytes(text) {
  const binary = atob(text), values = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) values[i] = binary.charCodeAt(i);
  return values;
}

class PageModel {
  #state;
  #heard = new Map();
  constructor({ state, buffers = [] }, manager) {
    this.#state = { ...state };
    for (const { path, data } of buffers) this.#state[path[0]] = bytes(data);
    this.widget_manager = manager;
  }
  get(name) {
    return this.#state[name];
  }
  set(name, value) {
    if (Object.is(this.#state[name], value)) return;
    this.#state[name] = value;
    for (const event of [`change:${name}`, "change"]) for (const hear of this.#heard.get(event) ?? []) hear();
  }
  on(event, hear) {
    this.#heard.set(event, [...(this.#heard.get(event) ?? []), hear]);
  }
  off(event, hear) {
    this.#heard.set(event, (this.#heard.get(event) ?? []).filter((one) => hear && one !== hear));
  }
  save_changes() {} // nobody listens
  send() {}
}

/** Put a live widget into every place of the page that waits for one. */
export function host(render) {
  const saved = JSON.parse(document.getElementById("course-widgets").textContent).state;
  const models = new Map();
  const manager = {
    async get_model(id) {
      if (!models.has(id)) models.set(id, new PageModel(saved[id], manager));
      return models.get(id);
    },
  };
  const start = async (place) => {
    place.dataset.live = "";
    const el = document.createElement("div");
    place.append(el);
    await render({ model: await manager.get_model(place.dataset.widget), el });
  };
  // Those far down are started when they come near: the first ones are seen at once.
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      start(target);
    }
  }, { rootMargin: "800px" });
  for (const place of document.querySelectorAll(".course-live[data-widget]"))
    if (place.dataset.widget in saved && !("live" in place.dataset)) watcher.observe(place);
}
