/* Three scores become probabilities, and the probability of the true class a loss. */
"use strict";

Figures.define("softmax", (() => {
  const DIGITS = [3, 5, 8];
  const MOST = 5; // of a score, either way
  const LOSS_TO = 5; // upper end of the loss that is drawn
  const [WIDTH, HEIGHT] = [320, 200]; // of a picture
  const [LEFT, RIGHT, TOP, BOTTOM] = [44, 300, 12, 160]; // of the part with the axes

  const scoresOf = (settings) => Float64Array.from(DIGITS, (digit) => settings[`score_${digit}`]);

  function compute(settings) {
    const scores = scoresOf(settings);
    const truth = DIGITS.indexOf(settings.truth);
    return {
      truth,
      exponentials: [...scores].map(Math.exp),
      probabilities: [...Softmax.softmax(scores, DIGITS.length)],
      loss: Softmax.crossEntropy(scores, [truth], DIGITS.length),
    };
  }

  const number = (x, digits = 1) => x.toFixed(digits).replace("-", "−");
  /** A probability; none is ever quite 0 or 1. */
  const share = (p) => (p < 0.0005 ? "< 0.001" : p > 0.9995 ? "> 0.999" : p.toFixed(3));
  /** Four digits or so, also for what is large. */
  const exponential = (x) => (x < 100 ? x.toFixed(3) : x.toFixed(1));

  function drawBars(drawing, { probabilities, truth }) {
    const across = (p) => LEFT + p * (RIGHT - LEFT);
    for (const p of [0, 0.25, 0.5, 0.75, 1]) {
      const x = across(p);
      drawing.add("line", { x1: x, x2: x, y1: TOP, y2: BOTTOM, class: p ? "live-grid" : "live-axis" });
      drawing.add("text", { x, y: BOTTOM + 18, "text-anchor": "middle" }, String(p));
    }
    drawing.add("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 36, "text-anchor": "middle" }, "probability");
    const step = (BOTTOM - TOP) / DIGITS.length;
    probabilities.forEach((p, k) => {
      const middle = TOP + (k + 0.5) * step;
      const look = k === truth ? "live-for" : "live-against";
      drawing.add("rect", { x: LEFT, y: middle - 13, width: p * (RIGHT - LEFT), height: 26, class: look });
      const words = `${DIGITS[k]}${k === truth ? " ✓" : ""}`;
      drawing.add("text", {
        x: LEFT - 8, y: middle + 5, "text-anchor": "end", "font-weight": k === truth ? "bold" : "normal",
      }, words);
    });
  }

  function drawLoss(drawing, { probabilities, truth, loss }) {
    const across = (p) => LEFT + p * (RIGHT - LEFT);
    const up = (height) => BOTTOM - (height / LOSS_TO) * (BOTTOM - TOP);
    for (let height = 0; height <= LOSS_TO; height++) {
      const y = up(height);
      drawing.add("line", { x1: LEFT, x2: RIGHT, y1: y, y2: y, class: height ? "live-grid" : "live-axis" });
      drawing.add("text", { x: LEFT - 8, y: y + 5, "text-anchor": "end" }, String(height));
    }
    for (const p of [0, 0.5, 1]) {
      drawing.add("text", { x: across(p), y: BOTTOM + 18, "text-anchor": "middle" }, String(p));
    }
    drawing.add("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 36, "text-anchor": "middle" },
      "probability of the true digit");
    const start = Math.exp(-LOSS_TO);
    const curve = Array.from({ length: 101 }, (_, i) => start ** (1 - i / 100));
    drawing.add("polyline", {
      points: curve.map((p) => `${across(p)},${up(-Math.log(p))}`).join(" "), class: "live-curve",
    });
    // A loss above the picture stands at its upper edge, as an arrow.
    const [x, y] = [across(probabilities[truth]), up(Math.min(loss, LOSS_TO))];
    if (loss <= LOSS_TO) drawing.add("circle", { cx: x, cy: y, r: 6, class: "live-for" });
    else drawing.add("polygon", { points: `${x},${y - 8} ${x - 7},${y + 6} ${x + 7},${y + 6}`, class: "live-for" });
  }

  function say({ probabilities, truth, loss }) {
    const p = share(probabilities[truth]);
    return `The true digit is ${DIGITS[truth]}: p ${/[<>]/.test(p) ? p : `= ${p}`}, ` +
      `loss = −ln p = ${loss.toFixed(4)} nats.`;
  }

  return {
    title: "From scores to probabilities and loss",
    controls: [
      ...[2, 1, -1].map((value, k) => ({
        name: `score_${DIGITS[k]}`, label: `Score of the digit ${DIGITS[k]}`, value,
        min: -MOST, max: MOST, step: 0.1, say: (score) => number(score),
      })),
      { name: "truth", label: "True digit", value: 5, options: DIGITS.map((digit) => [digit, String(digit)]) },
    ],
    actions: [{
      label: "Add 1 to every score",
      apply: (settings) => Object.fromEntries(DIGITS.map((digit) => (
        [`score_${digit}`, Number((settings[`score_${digit}`] + 1).toFixed(1))]))),
      allowed: (settings) => Math.max(...scoresOf(settings)) + 1 <= MOST,
    }],
    compute,
    pictures: [
      {
        title: "Softmax", width: WIDTH, height: HEIGHT, draw: drawBars,
        words: ({ probabilities, truth }) => `Three bars: ${DIGITS.map((digit, k) => (
          `${digit}, ${share(probabilities[k])}`)).join("; ")}. The true digit is ${DIGITS[truth]}.`,
      },
      {
        title: "Cross-entropy, in nats", width: WIDTH, height: HEIGHT, draw: drawLoss,
        words: ({ probabilities, truth, loss }) => "A curve that falls from far up on the left to 0 at " +
          `probability 1; the point on it is at ${share(probabilities[truth])} and ${loss.toFixed(2)} nats.`,
      },
    ],
    table: ({ exponentials, probabilities, truth }, settings) => [
      ["Digit", "Score z", "exp(z)", "Probability"],
      ...DIGITS.map((digit, k) => [
        `${digit}${k === truth ? " (true)" : ""}`, number(settings[`score_${digit}`]),
        exponential(exponentials[k]), share(probabilities[k]),
      ]),
      ["Sum", "", exponential(exponentials.reduce((a, b) => a + b)), "1"],
    ],
    say,
  };
})());
