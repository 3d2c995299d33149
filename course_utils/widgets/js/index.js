// The one front end of all widgets: `render` for Jupyter, and a start of its own in plain pages.
import css from "./style.css";
import { averaging } from "./averaging.js";
import { builder } from "./builder.js";
import { load } from "./data.js";
import { desk } from "./desk.js";
import { disagreement } from "./disagreement.js";
import { explorer } from "./explorer.js";
import { misclassified } from "./misclassified.js";
import { packed } from "./packed.js";
import { pad } from "./pad.js";
import { h } from "./parts.js";
import { host } from "./page.js";
import { question } from "./question.js";
import { temperature } from "./temperature.js";
import { followTheme } from "./theme.js";
import { who } from "./who.js";

const message = ({ el, given }) => el.append(h("p", { className: "cw-problem" }, given.sentence));
const KINDS = { averaging, builder, desk, disagreement, explorer, message, misclassified, packed, pad, question, temperature, who };

function dress(el) {
  const root = el.getRootNode(), where = root instanceof ShadowRoot ? root : document.head;
  if (!where.querySelector("style[data-course-widgets]"))
    where.append(h("style", { "data-course-widgets": "" }, css));
}

async function render({ model, el }) {
  el.classList.add("course-widget");
  dress(el);
  const content = h("div", { className: "cw-content" });
  el.append(content);
  const ends = [followTheme(el)];
  try {
    const given = await load(model);
    const hear = (names, act) => {
      for (const name of names) model.on(`change:${name}`, act);
      ends.push(() => names.forEach((name) => model.off(`change:${name}`, act)));
    };
    const change = (traits) => {
      for (const [name, value] of Object.entries(traits)) model.set(name, value);
      model.save_changes();
    };
    const end = KINDS[model.get("kind")]({ model, el: content, given, hear, change });
    if (end) ends.push(end);
  } catch (error) {
    if (!(error instanceof RangeError)) console.error(error);
    const words = error instanceof RangeError ? error.message : `This widget could not be shown (${error.message}).`;
    content.replaceChildren(h("p", { className: "cw-problem", role: "alert" }, words));
  }
  el.dataset.ready = "";
  return () => ends.forEach((end) => end());
}

export default { render };

if (globalThis.document?.getElementById("course-widgets")) host(render);
