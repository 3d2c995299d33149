// Light or dark is what lies behind the widget, whichever application it is in.

function background(element) {
  for (let one = element; one; one = one.parentElement ?? one.getRootNode().host) {
    const [red, green, blue, alpha = 1] = getComputedStyle(one).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    if (alpha > 0.5) return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  }
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
  return dark ? 0 : 1;
}

/** Keep the class of an element in step with its background; returns a way to stop. */
export function followTheme(element) {
  const look = () => element.classList.toggle("cw-dark", background(element.parentElement ?? element) < 0.4);
  const soon = () => {
    look();
    setTimeout(look, 400); // style sheets of a theme come a moment later
  };
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", soon);
  const observer = new MutationObserver(soon);
  const attributes = { attributes: true, attributeFilter: ["class", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name"] };
  for (const one of [document.documentElement, document.body]) observer.observe(one, attributes);
  requestAnimationFrame(look);
  soon();
  return () => {
    media.removeEventListener("change", soon);
    observer.disconnect();
  };
}
