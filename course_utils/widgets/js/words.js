// Numbers in words, as course_utils.figures.style has them.

/** A share as a percentage with as many digits as it deserves. */
export function percent(share) {
  const value = 100 * share;
  if (!Number.isFinite(value)) return "–";
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 1 || value > 99.9) {
    for (const digits of [2, 3, 4]) {
      const text = value.toFixed(digits);
      if (Number(text) > 0 && Number(text) < 100) return `${text} %`;
    }
    return value < 50 ? "< 0.0001 %" : "> 99.9999 %";
  }
  return `${value.toFixed(1)} %`;
}

export const count = (number) => Math.round(number).toLocaleString("en-US");
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const are = (number) => (number === 1 ? "is" : "are");
export const listing = (parts) =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

/** A number with some significant digits: 0.0123, 4.57, 12,300. */
export function figures(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4) return value.toExponential(digits - 1).replace("e-", " × 10⁻").replace(/\d+$/, superscript);
  if (size >= 1000) return count(value);
  return String(Number(value.toPrecision(digits)));
}
const superscript = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
