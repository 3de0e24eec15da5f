/* One digit against the rest: a threshold slides along the scores, and every measure follows. */
"use strict";

Figures.define("threshold", (() => {
  const { number } = Figures;
  const SIZE = { width: 320, height: 230 }; // of a picture
  const LEAST = 1e-4; // false positive rate at the left end: less is drawn there

  // Counts between thresholds, from the lowest, and the three images nearest to each: see lessons/stills.py.
  const {
    log_odds: odds = [0, 1], positive = [0], negative = [0], nearest = [], scores = [], labels = [], pictures = "", digit = 5,
  } = Figures.handedOver("threshold") ?? {};
  const BAR = odds[1] - odds[0];
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const share = (logit) => 1 / (1 + Math.exp(-logit));

  /** The four counts, and what is made of them, at threshold number `step`. */
  function measure(step) {
    const [tp, fp] = [positive, negative].map((counts) => sum(counts.slice(step + 1)));
    const [fn, tn] = [sum(positive) - tp, sum(negative) - fp];
    return { tp, fp, fn, tn, precision: tp + fp ? tp / (tp + fp) : null, recall: tp / (tp + fn), alarms: fp / (fp + tn) };
  }

  const every = odds.map((_, step) => measure(step));
  const compute = ({ step }) => ({ ...every[step], threshold: share(odds[step]) });

  function drawScores(drawing, _, { step }) {
    // Counts on a logarithmic scale that begins at 0, others downwards.
    const tall = (count) => Math.sign(count) * Math.log10(1 + Math.abs(count));
    const [across, up] = drawing.axes(
      { ticks: [-6, -4, -2, 0, 2, 4, 6], from: odds[0] - BAR, to: odds.at(-1) + BAR, say: (x) => number(x, 0), label: "log odds" },
      { ticks: [-1000, -10, 0, 10, 1000].map(tall), from: tall(-20000), to: tall(2000), base: 0, say: (y) => String(Math.round(10 ** Math.abs(y) - 1)) },
    );
    [[positive, 1, "live-for"], [negative, -1, "live-against"]].forEach(([counts, sign, look]) => {
      counts.forEach((count, bin) => {
        if (!count) return;
        const [x, ends] = [across((odds[bin] ?? odds.at(-1) + BAR) - BAR), [up(0), up(tall(sign * count))]];
        drawing.add("rect", {
          x: x + 0.25, width: across(BAR) - across(0) - 0.5, y: Math.min(...ends), height: Math.abs(ends[0] - ends[1]),
          class: bin > step ? look : `${look} live-faded`,
        });
      });
    });
    drawing.add("text", { x: across(-5.8), y: up(tall(2000)) + 14 }, `truly ${digit}`);
    drawing.add("text", { x: across(5.8), y: up(tall(-20000)) - 6, "text-anchor": "end" }, `not ${digit}`);
    drawing.add("line", { x1: across(odds[step]), x2: across(odds[step]), y1: 8, y2: SIZE.height - 40, class: "live-mark" });
  }

  /** Draws a curve over all thresholds, and a point for the chosen one; undefined values are left out. */
  function drawCurve(drawing, values, axis, x, y) {
    const [across, up] = drawing.axes(axis, { ticks: [0, 0.25, 0.5, 0.75, 1] });
    const point = (each) => [across(x(each)), up(y(each))];
    drawing.line(every.filter((each) => y(each) !== null).map(point));
    if (y(values) === null) return;
    const [cx, cy] = point(values);
    drawing.add("circle", { cx, cy, r: 6, class: "live-for" });
  }

  const drawRoc = (drawing, values) => drawCurve(
    drawing, values, { ticks: [LEAST, 0.001, 0.01, 0.1, 1], log: true, label: "false positive rate" },
    ({ alarms }) => Math.max(alarms, LEAST), ({ recall }) => recall);

  const drawPrecision = (drawing, values) => drawCurve(
    drawing, values, { ticks: [0, 0.25, 0.5, 0.75, 1], label: "recall" },
    ({ recall }) => recall, ({ precision }) => precision);

  const near = (step) => [...nearest[step]].sort((a, b) => scores[a] - scores[b]);
  const describe = (i, step) => `${labels[i]}, p = ${number(share(scores[i]), 3)}: ` +
    `${scores[i] >= odds[step] ? "" : "not "}called ${digit}`;

  function drawNearest(drawing, _, { step }) {
    near(step).forEach((i, k) => {
      const [x, side] = [8 + 104 * k, 96];
      drawing.picture(pictures, scores.length, i, { x, y: 24, side });
      const right = (scores[i] >= odds[step]) === (labels[i] === digit);
      const words = [`p = ${number(share(scores[i]), 3)}`, `truly ${labels[i]}`, `${scores[i] >= odds[step] ? "" : "not "}called ${digit} ${right ? "✓" : "✗"}`];
      words.forEach((text, line) => drawing.add("text", { x, y: 142 + 20 * line }, text));
    });
  }

  const percent = (x) => (x === null ? "undefined" : `${number(100 * x, 1)}\u00a0%`);
  const say = ({ threshold, precision, recall }) => `From p = ${number(threshold, 3)} on, an image is called ${digit}: ` +
    `precision ${percent(precision)}, recall ${percent(recall)}.`;

  return {
    title: `A threshold for ${digit} against the rest`,
    predict: {
      question: `The threshold rises from 0.5. Which of the two cannot rise with it?`,
      choices: ["Precision", "Recall", "Both can rise"],
      right: () => 1,
      because: () => `A higher bar calls fewer images ${digit}, so none is found that was missed before.`,
    },
    controls: [{
      name: "step", label: `Call it ${digit} from this probability on`, value: (odds.length - 1) / 2,
      min: 0, max: odds.length - 1, step: 1, say: (step) => number(share(odds[step]), 3),
    }],
    compute,
    pictures: [
      {
        title: "Scores", ...SIZE, draw: drawScores,
        words: ({ tp, fp }) => `Two histograms of log odds; ${tp} images of ${digit} and ${fp} others lie right of the line.`,
      },
      {
        title: "ROC: recall by false positive rate", ...SIZE, draw: drawRoc,
        words: ({ alarms, recall }) => `A rising curve; the point is at a false positive rate of ${percent(alarms)} and a recall of ${percent(recall)}.`,
      },
      {
        title: "Precision by recall", ...SIZE, draw: drawPrecision,
        words: ({ precision, recall }) => `A falling curve; the point is at a recall of ${percent(recall)} and a precision of ${percent(precision)}.`,
      },
      {
        title: "Three images at the boundary", ...SIZE, draw: drawNearest,
        words: (_, { step }) => near(step).map((i) => describe(i, step)).join("; "),
      },
    ],
    table: ({ tp, fp, fn, tn }) => [
      ["Images", `Called ${digit}`, `Not called ${digit}`],
      [`Truly ${digit}`, String(tp), String(fn)],
      [`Not ${digit}`, String(fp), String(tn)],
    ],
    say,
  };
})());
