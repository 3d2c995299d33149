// A question with its answers to click on; hints and the solution come when they are asked for.
import { button, h, newId, row } from "./parts.js";

/** A line of text in which backticks mark code, and asterisks what is stressed. */
const line = (text) => text.split("`").flatMap((part, i) =>
  i % 2 ? [h("code", {}, part)] : part.split(/(?<![\w*])\*([^\s*](?:[^*]*[^\s*])?)\*(?![\w*])/).map((one, k) => (k % 2 ? h("em", {}, one) : one)));

/** Paragraphs. */
const text = (words) => words.split(/\n\n+/).map((one) => h("p", {}, ...line(one)));

export function question({ model, el, given, hear, change }) {
  const { title, task, options, verdicts, hints, solution } = given, group = newId("question");
  const radios = new Map(), labels = options.map(([letter, words]) => {
    const radio = h("input", { type: "radio", name: group, value: letter, onchange: () => change({ answer: letter }) });
    radios.set(letter, radio);
    return h("label", { className: "cw-option" }, radio, h("span", {}, ...line(words)));
  });
  const verdict = h("p", { className: "cw-judged", role: "status" });
  const folded = h("div", { className: "cw-help", "aria-live": "polite" });
  let shown = 0;
  const help = (name, words) => folded.append(h("h4", {}, name), ...text(words));
  const check = button("Check", () => {
    const letter = model.get("answer");
    if (letter) change({ checked: letter });
    else verdict.textContent = "Choose an answer first.";
    if (letter) draw();
  }, { className: "cw-button cw-primary" });
  const hint = button("Hint", () => {
    help(`Hint ${shown + 1} of ${hints.length}`, hints[shown]);
    hint.disabled = ++shown === hints.length;
  });
  const solve = button("Solution", () => {
    help("Solution", solution);
    solve.disabled = true;
  });
  el.append(h("fieldset", { className: "cw-question" }, h("legend", { className: task ? "cw-asked" : "cw-voice" }, title), ...(task ? [h("div", { className: "cw-task" }, ...text(task))] : []), ...labels), row(check, hint, solve), verdict, folded);

  function draw() {
    const answer = model.get("answer"), checked = model.get("checked");
    for (const [letter, radio] of radios) radio.checked = letter === answer;
    const judged = answer && answer === checked ? verdicts[answer] : undefined;
    verdict.className = `cw-judged${judged ? (judged[2] ? " cw-right" : " cw-not-yet") : ""}`;
    verdict.replaceChildren(...(judged ? [h("strong", {}, `${judged[2] ? "✓" : "→"} ${judged[0]}`), " ", ...line(judged[1])] : []));
  }
  hear(["answer", "checked"], draw);
  draw();
}
