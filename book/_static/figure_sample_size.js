/* More test images, a narrower interval, and smaller differences that can be seen. */
"use strict";

Figures.define("sample_size", (() => {
  const { number } = Figures;
  const [Z95, Z80] = [1.959963984540054, 0.8416212335729143]; // normal quantiles at 0.975 and 0.8
  const SIZE = { width: 320, height: 230 }; // of a picture
  const ROOM = [52, 22, 12, 40];
  const TICKS = [20, 100, 1000, 10000, 100000];

  // As in lessons/stills.py: ten sizes a decade.
  const SIZES = [1, 2, 3, 4].flatMap((power) => (
    [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8].map((part) => Math.round(part * 10 ** power)))).slice(3).concat(100000);
  const start = Figures.handedOver("sample_size")?.accuracy ?? 0.9;

  /** Wilson's interval of a share among n draws, at 95 %. */
  function wilson(share, n) {
    const middle = (share + Z95 ** 2 / (2 * n)) / (1 + Z95 ** 2 / n);
    const half = (Z95 / (1 + Z95 ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + Z95 ** 2 / (4 * n ** 2));
    return [middle - half, middle + half];
  }

  /** The smallest difference that a test at 95 % finds four times in five: on images apart, and on the same. */
  function detectable(accuracy, disagreement, n) {
    const z = Z95 + Z80;
    return { apart: z * Math.sqrt((2 * accuracy * (1 - accuracy)) / n), same: z * Math.sqrt(disagreement / (n + z ** 2)) };
  }

  function compute({ place, accuracy, disagreement }) {
    const n = SIZES[place];
    const [low, high] = wilson(accuracy, n);
    return { n, low, high, width: high - low, below: accuracy - low, above: high - accuracy, ...detectable(accuracy, disagreement, n) };
  }

  const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
  const short = (n) => (n < 1000 ? String(n) : `${n / 1000}k`);
  const points = (x) => number(100 * x, x < 0.01 ? 2 : 1);
  const percent = (x) => `${number(100 * x, 1)}\u00a0%`;

  function drawInterval(drawing, { n, low, high }, { accuracy }) {
    const bottom = 10 * Math.floor(10 * wilson(accuracy, SIZES[0])[0]);
    const ticks = Array.from({ length: (100 - bottom) / 10 + 1 }, (_, i) => bottom + 10 * i);
    const [across, up] = drawing.axes(
      { ticks: TICKS, log: true, say: short, label: "test images" }, { ticks, say: (y) => `${y} %` }, ROOM);
    const ends = SIZES.map((size) => [size, ...wilson(accuracy, size)]);
    const edge = (k) => ends.map((each) => `${across(each[0])},${up(100 * each[k])}`);
    drawing.add("polygon", { points: [...edge(1), ...edge(2).reverse()].join(" "), class: "live-band" });
    drawing.line([[across(20), up(100 * accuracy)], [across(100000), up(100 * accuracy)]]);
    for (const [from, to] of [[low, high], [low, low], [high, high]]) {
      const wide = from === to ? 7 : 0;
      drawing.add("line", {
        x1: across(n) - wide, x2: across(n) + wide, y1: up(100 * from), y2: up(100 * to), class: "live-mark",
      });
    }
  }

  function drawDifferences(drawing, values, { accuracy, disagreement }) {
    const [across, up] = drawing.axes(
      { ticks: TICKS, log: true, say: short, label: "test images" },
      { ticks: [0.1, 1, 10, 100], from: 0.05, log: true }, ROOM);
    for (const [name, look] of [["apart", "live-rival"], ["same", "live-curve"]]) {
      drawing.line(SIZES.map((n) => (
        [across(n), up(Math.max(0.05, 100 * detectable(accuracy, disagreement, n)[name]))])), look);
      const look2 = name === "same" ? "live-for" : "live-against";
      drawing.add("circle", { cx: across(values.n), cy: up(Math.max(0.05, 100 * values[name])), r: 6, class: look2 });
    }
  }

  const say = ({ n, low, high, same }) => `With ${thousands(n)} images the interval runs from ${percent(low)} to ` +
    `${percent(high)}. Two models on these images can be told apart if they differ by ${points(same)} percentage points or more.`;

  return {
    title: "How many test images",
    predict: {
      question: "Ten thousand test images instead of a hundred: how many times as narrow is the interval?",
      choices: ["Twice", "Ten times", "A hundred times"],
      right: () => 1,
      because: () => "The width goes with one over the square root of the number of images.",
    },
    controls: [
      {
        name: "place", label: "Test images", value: SIZES.indexOf(100), min: 0, max: SIZES.length - 1, step: 1,
        say: (place) => thousands(SIZES[place]),
      },
      { name: "accuracy", label: "Accuracy", value: start, min: 0.5, max: 0.999, step: 0.001, say: percent },
      {
        name: "disagreement", label: "Images that one model alone reads correctly", value: 0.05, min: 0.005, max: 0.2,
        step: 0.005, say: percent,
      },
    ],
    actions: [100, 10000].map((n) => ({
      label: `${thousands(n)} images`, apply: () => ({ place: SIZES.indexOf(n) }), allowed: ({ place }) => SIZES[place] !== n,
    })),
    compute,
    pictures: [
      {
        title: "Accuracy and its 95 % interval", ...SIZE, draw: drawInterval,
        words: ({ n, low, high }) => `A band that narrows to the right; at ${thousands(n)} images it reaches from ${percent(low)} to ${percent(high)}.`,
      },
      {
        title: "Smallest difference seen, in points", ...SIZE, draw: drawDifferences,
        words: ({ same, apart }) => `Two falling lines; the points on them are at ${points(same)} with both models on the same images, and at ${points(apart)} with images of their own.`,
      },
    ],
    table: ({ width, below, above, same, apart }) => [
      ["What", "Percentage points"],
      ["Width of the interval", points(width)],
      ["From the accuracy to its ends", `−${points(below)} and +${points(above)}`],
      ["Difference seen, same images (solid)", points(same)],
      ["Difference seen, images of their own (dashed)", points(apart)],
    ],
    say,
  };
})());
