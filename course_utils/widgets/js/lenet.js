// The course's LeNet, forwards only, and the centring of MNIST: what the drawing pad needs.

export const SIDE = 28;
const BOX = 20, CENTRE = 14;
const MEAN = 0.1307, STD = 0.3081;

/** The arrays of one LeNet and their sizes, in the order in which they come. */
const PARTS = [
  ["conv1", 6 * 25], ["bias1", 6], ["conv2", 16 * 6 * 25], ["bias2", 16],
  ["fc1", 120 * 256], ["fcBias1", 120], ["fc2", 84 * 120], ["fcBias2", 84], ["fc3", 10 * 84], ["fcBias3", 10],
];
/** A network out of whole numbers in a row, and the size of a step for each of its arrays. */
export function network({ steps, values }) {
  let start = 0;
  return Object.fromEntries(PARTS.map(([name, size], i) =>
    [name, Float32Array.from(values.subarray(start, (start += size)), (whole) => whole * steps[i])]));
}

function convolution(input, channels, side, filters, bias, outputs) {
  const after = side - 4, result = new Float32Array(outputs * after * after);
  for (let o = 0; o < outputs; o++)
    for (let y = 0; y < after; y++)
      for (let x = 0; x < after; x++) {
        let sum = bias[o];
        for (let c = 0; c < channels; c++)
          for (let dy = 0; dy < 5; dy++) {
            const from = (c * side + y + dy) * side + x, filter = ((o * channels + c) * 5 + dy) * 5;
            for (let dx = 0; dx < 5; dx++) sum += input[from + dx] * filters[filter + dx];
          }
        result[(o * after + y) * after + x] = sum;
      }
  return result;
}

function pooledRelu(input, channels, side) {
  const half = side / 2, result = new Float32Array(channels * half * half); // starts at 0: the ReLU
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const to = (c * half + (y >> 1)) * half + (x >> 1);
        result[to] = Math.max(result[to], input[(c * side + y) * side + x]);
      }
  return result;
}

const linear = (input, weights, bias, relu = true) =>
  Float32Array.from(bias, (start, o) => {
    let sum = start;
    for (let i = 0; i < input.length; i++) sum += input[i] * weights[o * input.length + i];
    return relu ? Math.max(0, sum) : sum;
  });

/** Logits [10] of one image, 28 x 28 grey values from 0 to 255. */
export function forward(network, image) {
  const input = Float32Array.from(image, (grey) => (grey / 255 - MEAN) / STD);
  const first = pooledRelu(convolution(input, 1, 28, network.conv1, network.bias1, 6), 6, 24);
  const second = pooledRelu(convolution(first, 6, 12, network.conv2, network.bias2, 16), 16, 8);
  const third = linear(second, network.fc1, network.fcBias1);
  return linear(linear(third, network.fc2, network.fcBias2), network.fc3, network.fcBias3, false);
}

// --- centring, as course_utils.images.centring does it ------------------------------------------
/** Round half to even, as Python does. */
const round = (value) => {
  const near = Math.round(value);
  return Math.abs(value % 1) === 0.5 && near % 2 ? near - 1 : near;
};

/** A drawing (uint8 [side, side]) scaled into a box of 20 pixels, its centre of mass in the middle. */
export function asMnist(drawing, side) {
  const image = new Uint8Array(SIDE * SIDE);
  let top = side, bottom = -1, left = side, right = -1;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      if (drawing[y * side + x]) {
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
  if (bottom < 0) return image;
  const rows = bottom - top + 1, columns = right - left + 1;
  const ink = new Uint8Array(rows * columns);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) ink[y * columns + x] = drawing[(top + y) * side + left + x];
  const scale = BOX / Math.max(rows, columns);
  const height = Math.max(1, round(scale * rows)), width = Math.max(1, round(scale * columns));
  const small = resized(ink, rows, columns, height, width);
  let mass = 0, down = 0, across = 0;
  small.forEach((grey, i) => {
    mass += grey;
    down += grey * Math.floor(i / width);
    across += grey * (i % width);
  });
  const begin = (moment, size) =>
    Math.min(Math.max(round(CENTRE - moment / Math.max(1, mass)), 0), SIDE - size);
  const y0 = begin(down, height), x0 = begin(across, width);
  for (let y = 0; y < height; y++) image.set(small.subarray(y * width, (y + 1) * width), (y0 + y) * SIDE + x0);
  return image;
}

/** The whole drawing as 28 x 28 pixels. */
export const shrunk = (drawing, side) => resized(drawing, side, side, SIDE, SIDE);

/** Area means where many pixels become one, straight lines between pixels where one becomes many. */
export function resized(ink, rows, columns, height, width) {
  if (rows === height && columns === width) return Uint8Array.from(ink);
  const finer = height > rows || width > columns;
  const across = weights(columns, width, finer), down = weights(rows, height, finer);
  // Pillow rounds after the horizontal pass, and so do we.
  const half = new Uint8Array(rows * width);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < width; x++) half[y * width + x] = weighted(across[x], (i) => ink[y * columns + i]);
  const result = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) result[y * width + x] = weighted(down[y], (i) => half[i * width + x]);
  return result;
}

function weighted({ first, shares }, at) {
  let sum = 0.5;
  for (let i = 0; i < shares.length; i++) sum += shares[i] * at(first + i);
  return Math.min(255, Math.max(0, Math.floor(sum)));
}

function weights(from, to, finer) {
  const scale = from / to, stretch = Math.max(scale, 1), support = (finer ? 1 : 0.5) * stretch;
  return Array.from({ length: to }, (_, out) => {
    const middle = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - support + 0.5));
    const last = Math.min(from, Math.trunc(middle + support + 0.5));
    const shares = [];
    for (let i = first; i < last; i++) {
      const away = (i - middle + 0.5) / stretch;
      shares.push(finer ? Math.max(0, 1 - Math.abs(away)) : away > -0.5 && away <= 0.5 ? 1 : 0);
    }
    const total = shares.reduce((sum, share) => sum + share, 0);
    return { first, shares: shares.map((share) => share / total) };
  });
}
