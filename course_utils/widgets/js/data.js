// From what Python sent (traits, references to stores) to arrays and predictions.
import { Predictions } from "./metrics.js";

const REFERENCE = "IPY_MODEL_";
const TYPES = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };

async function decoded(store) {
  const content = store.get("content"), kind = store.get("dtype"), shape = store.get("shape");
  const bytes = content instanceof DataView
    ? new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
    : content;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = TYPES[kind].BYTES_PER_ELEMENT, count = planes.length / width;
  let values = planes;
  if (width > 1) {
    const together = new Uint8Array(planes.length);
    for (let byte = 0; byte < width; byte++)
      for (let i = 0, from = byte * count; i < count; i++) together[i * width + byte] = planes[from + i];
    values = new TYPES[kind](together.buffer);
  }
  return { values, shape };
}

/**
 * `given` with every reference replaced by {values, shape}; each store is read once. What stands
 * under "later" is read when it is called for.
 */
export async function load(model) {
  const resolve = async (given) => {
    if (typeof given === "string" && given.startsWith(REFERENCE)) {
      const store = await model.widget_manager.get_model(given.slice(REFERENCE.length)).catch(() => undefined);
      if (!store?.get("content")) throw new RangeError("The data of this widget are gone; run its cell again.");
      return (store.courseArray ??= decoded(store)); // kept with the store, so all widgets share it
    }
    if (Array.isArray(given)) return Promise.all(given.map(resolve));
    if (given && typeof given === "object") {
      const entries = Object.entries(given).map(async ([name, one]) =>
        [name, name === "later" ? () => resolve(one) : await resolve(one)]);
      return Object.fromEntries(await Promise.all(entries));
    }
    return given;
  };
  return resolve(model.get("given"));
}

/** Predictions from {kind, members}, computed once however many widgets read them. */
export function predictions({ kind, members }, labels) {
  const kept = (members[0].predictions ??= []);
  const same = (one) => one.labels === labels && one.members.length === members.length && one.members.every((array, m) => array === members[m]);
  const found = kept.find(same);
  if (found) return found.says;
  const [images, classes] = members[0].shape, count = members.length, fine = kind === "millionths";
  const values = new (fine ? Float64Array : members[0].values.constructor)(images * count * classes);
  members.forEach((member, m) => {
    for (let i = 0; i < images; i++)
      values.set(member.values.subarray(i * classes, (i + 1) * classes), (i * count + m) * classes);
  });
  const given = fine ? { probabilities: values.map((value) => value / 1e6) } : { [kind]: values };
  const says = new Predictions({ ...given, labels: labels?.values, shape: [images, count, classes] });
  kept.push({ labels, members, says });
  return says;
}
