/* Gradient descent on a bowl of two weights: the rate, the examples in a step, and momentum. */
"use strict";

Figures.define("descent", (() => {
  const { number } = Figures;
  const SIZE = { width: 320, height: 230 }; // of a picture
  const ROOM = [44, 14, 12, 40];
  const SEED = 1; // of the order of examples
  const TO = [1e-6, 100]; // of the loss above its minimum, as drawn

  // As in lessons/stills.py: 64 examples of a linear model whose loss is a bowl, ten times as steep across
  // as along, tilted, with its minimum at LOWEST. What the model cannot explain averages out there.
  const [COUNT, TILT, LOWEST, START] = [64, Math.PI / 3, [1, -0.4], [-2, -0.6]];
  const STEEP = [1, 0.1]; // curvature across and along the valley
  const turn = ([u, v]) => [
    Math.cos(TILT) * u - Math.sin(TILT) * v, Math.sin(TILT) * u + Math.cos(TILT) * v,
  ];
  const examples = Array.from({ length: COUNT }, (_, i) => {
    const angle = (2 * Math.PI * i) / COUNT;
    const x = turn([Math.sqrt(2 * STEEP[0]) * Math.cos(angle), Math.sqrt(2 * STEEP[1]) * Math.sin(angle)]);
    return { x, y: x[0] * LOWEST[0] + x[1] * LOWEST[1] + 0.8 * Math.cos(7 * angle) };
  });
  const RATES = Array.from({ length: 26 }, (_, i) => Number((10 ** (i / 10 - 2)).toPrecision(2)));

  const miss = ({ x, y }, weights) => x[0] * weights[0] + x[1] * weights[1] - y;
  const loss = (weights) => examples.reduce((sum, each) => sum + miss(each, weights) ** 2 / 2, 0) / COUNT;
  const least = loss(LOWEST);

  /** Which examples each step sees: shuffled, dealt out, shuffled again. */
  function deal(size, steps) {
    const random = Softmax.makeRandom(SEED);
    const batches = [];
    while (batches.length < steps) {
      const order = examples.map((_, i) => i);
      for (let i = COUNT - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      for (let i = 0; i < COUNT; i += size) batches.push(order.slice(i, i + size));
    }
    return batches.slice(0, steps);
  }

  /** The weights after each step, as torch.optim.SGD makes them. */
  function descend({ rate, batch, momentum, steps }) {
    const batches = deal(batch, steps);
    const path = [START];
    let speed = [0, 0];
    for (const chosen of batches) {
      const weights = path.at(-1);
      const slope = [0, 1].map((k) => chosen.reduce(
        (sum, i) => sum + miss(examples[i], weights) * examples[i].x[k], 0) / chosen.length);
      speed = speed.map((each, k) => momentum * each + slope[k]);
      path.push(weights.map((each, k) => each - RATES[rate] * speed[k]));
    }
    return { batches, path };
  }

  function compute(settings) {
    const { batches, path } = descend(settings);
    const above = path.map((weights) => Math.max(0, loss(weights) - least));
    const far = Math.hypot(path.at(-1)[0] - LOWEST[0], path.at(-1)[1] - LOWEST[1]);
    return { rate: RATES[settings.rate], batches, path, above, far };
  }

  const bound = (x, from, to) => Math.min(to, Math.max(from, x));
  const small = (x) => (x > 1e4 ? "over 10,000" : number(x, x >= 0.1 ? 2 : x >= 0.001 ? 4 : 6));

  function drawBowl(drawing, { path }) {
    // One unit is as long in both directions, or the ellipses would not be the bowl's.
    const unit = 50;
    const [wide, high] = [(SIZE.width - ROOM[0] - ROOM[1]) / unit / 2, (SIZE.height - ROOM[2] - ROOM[3]) / unit / 2];
    const [across, up] = drawing.axes(
      { ticks: [-2, -1, 0, 1, 2], from: -wide, to: wide, base: 0, say: (x) => number(x, 0), label: "first weight; upwards: second weight" },
      { ticks: [-1, 0, 1], from: -high, to: high, base: 0, say: (y) => number(y, 0) }, ROOM);
    const inside = { x: ROOM[0], y: ROOM[2], width: 2 * wide * unit, height: 2 * high * unit };
    const frame = drawing.add("svg", { ...inside, viewBox: `${inside.x} ${inside.y} ${inside.width} ${inside.height}` });
    const [cx, cy] = [across(LOWEST[0]), up(LOWEST[1])];
    for (const height of [0.01, 0.05, 0.2, 0.5, 1, 2, 4]) {
      const [rx, ry] = STEEP.map((curvature) => Math.sqrt((2 * height) / curvature) * unit);
      drawing.add("ellipse", {
        cx, cy, rx, ry, transform: `rotate(${(-TILT * 180) / Math.PI} ${cx} ${cy})`, class: "live-other",
      }, "", frame);
    }
    const pixels = path.map(([x, y]) => [bound(across(x), -1e5, 1e5), bound(up(y), -1e5, 1e5)]);
    drawing.add("polyline", { points: pixels.map((point) => point.join()).join(" "), class: "live-curve" }, "", frame);
    for (const [x, y] of pixels) drawing.add("circle", { cx: x, cy: y, r: 2.5, class: "live-for" }, "", frame);
    drawing.add("path", { d: `M${cx - 6},${cy}h12M${cx},${cy - 6}v12`, class: "live-mark" }, "", frame);
    const [x, y] = pixels.at(-1);
    drawing.add("circle", { cx: x, cy: y, r: 6, class: "live-for" }, "", frame);
  }

  function drawLosses(drawing, { above }, { steps }) {
    const [across, up] = drawing.axes(
      { ticks: [0, 15, 30, 45, 60], label: "step" },
      { ticks: [1e-6, 1e-4, 0.01, 1, 100], log: true, say: (y) => ({ 1e-6: "10⁻⁶", 1e-4: "10⁻⁴" })[y] ?? String(y) }, [50, 14, 12, 40]);
    const pixels = above.map((height, step) => [across(step), up(bound(height, ...TO))]);
    drawing.line(pixels);
    drawing.add("circle", { cx: pixels[steps][0], cy: pixels[steps][1], r: 6, class: "live-for" });
  }

  return {
    title: "Gradient descent on a bowl",
    predict: {
      question: "All examples in every step, no momentum. At which learning rate does descent begin to run away from the minimum?",
      choices: ["Above 0.5", "Above 1", "Above 2"],
      right: () => 2,
      because: () => "The bowl’s curvature is 1 where it is steepest. A rate above 2 over that lands each step higher up on the other side.",
    },
    controls: [
      { name: "rate", label: "Learning rate", value: 22, min: 0, max: RATES.length - 1, step: 1, say: (rate) => String(RATES[rate]) },
      { name: "momentum", label: "Momentum", value: 0, min: 0, max: 0.95, step: 0.05, say: (momentum) => number(momentum) },
      {
        name: "batch", label: "Examples in a step", value: COUNT,
        options: [1, 4, 16, COUNT].map((size) => [size, size === COUNT ? `all ${COUNT}` : String(size)]),
      },
      { name: "steps", label: "Steps", value: 30, min: 0, max: 60, step: 1 },
    ],
    compute,
    pictures: [
      {
        title: "The way down", ...SIZE, draw: drawBowl,
        words: ({ far }, { steps }) => `Ellipses around a minimum, marked by a cross, and a path of ${steps} steps that ends ${small(far)} from it.`,
      },
      {
        title: "Loss above its minimum", ...SIZE, draw: drawLosses,
        words: ({ above }) => `A curve by step, from ${small(above[0])} to ${small(above.at(-1))}, on a logarithmic scale.`,
      },
    ],
    table: ({ above, far }, { steps, batch }) => [
      ["What", "After the last step"],
      ["Examples seen", String(steps * batch)],
      ["Loss above its minimum", small(above.at(-1))],
      ["Distance to the minimum", small(far)],
    ],
    say: ({ rate, above }, { steps, batch, momentum }) => `After ${steps} steps at a rate of ${rate} and a momentum of ` +
      `${number(momentum)}, each from ${batch} of ${COUNT} examples, the loss is ${small(above.at(-1))} above its minimum.`,
  };
})());
