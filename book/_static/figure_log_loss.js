/* One probability, two measures of it: the loss falls all the way, accuracy knows one step. */
"use strict";

Figures.define("log_loss", (() => {
  const { number } = Figures;
  const SIZE = { width: 320, height: 230 }; // of a picture
  const LOSS_TO = 5; // upper end of what is drawn

  // No probability is exactly a half: neither class would win.
  const measure = (p) => ({ p, loss: -Math.log(p), slope: -1 / p, right: p > 0.5 ? 1 : 0 });
  const compute = (settings) => measure(settings.p);

  const HALVES = [0, 0.25, 0.5, 0.75, 1];
  const axis = { ticks: HALVES, label: "probability of the true class" };

  function drawLoss(drawing, { p, loss, slope }) {
    const [across, up] = drawing.axes(axis, { ticks: [0, 1, 2, 3, 4, 5] });
    const curve = Array.from({ length: 101 }, (_, i) => Math.exp(-LOSS_TO * (1 - i / 100)));
    drawing.line(curve.map((x) => [across(x), up(-Math.log(x))]));
    // The tangent, within the picture.
    const ends = [Math.max(p - 0.2, p + (LOSS_TO - loss) / slope), Math.min(p + 0.2, p - loss / slope, 1)];
    drawing.line(ends.map((x) => [across(x), up(loss + slope * (x - p))]), "live-rival");
    drawing.add("circle", { cx: across(p), cy: up(loss), r: 6, class: "live-for" });
  }

  function drawAccuracy(drawing, { p, right }) {
    const [across, up] = drawing.axes(
      axis, { ticks: [0, 1], from: -0.1, to: 1.1, say: (y) => (y ? "right" : "wrong") }, [56, 20, 12, 40]);
    for (const [from, to, height] of [[0, 0.5, 0], [0.5, 1, 1]]) {
      drawing.line([[across(from), up(height)], [across(to), up(height)]]);
    }
    drawing.line([[across(Math.max(p - 0.2, right / 2)), up(right)], [across(Math.min(p + 0.2, (1 + right) / 2)), up(right)]], "live-rival");
    drawing.add("circle", { cx: across(p), cy: up(right), r: 6, class: "live-for" });
  }

  const word = (right) => (right ? "right" : "wrong");
  return {
    title: "Loss and accuracy of one example",
    predict: {
      question: "Of two classes the true one has a probability of 0.31. It rises to 0.41. Which measure notices?",
      choices: ["The loss alone", "Accuracy alone", "Both"],
      right: () => 0,
      because: () => `The answer stays wrong, while the loss falls from ${number(measure(0.31).loss)} to ${number(measure(0.41).loss)}.`,
    },
    controls: [{
      name: "p", label: "Probability of the true class, of two", value: 0.31, min: 0.01, max: 0.99, step: 0.02,
      say: (p) => number(p),
    }],
    compute,
    pictures: [
      {
        title: "Loss: −ln p, in nats", ...SIZE, draw: drawLoss,
        words: ({ p, loss, slope }) => `A curve that falls from far up to 0; at ${number(p)} it is ${number(loss)} high and its slope is ${number(slope)}.`,
      },
      {
        title: "Accuracy", ...SIZE, draw: drawAccuracy,
        words: ({ p, right }) => `Two level lines with a step at one half; at ${number(p)} the answer is ${word(right)}.`,
      },
    ],
    table: ({ loss, slope, right }) => [
      ["At this point", "Loss", "Accuracy"],
      ["Value", number(loss, 3), String(right)],
      ["Slope (dashed)", number(slope, 3), "0"],
    ],
    say: ({ p, loss, slope, right }) => `At p = ${number(p)} the answer is ${word(right)}, and the loss is ${number(loss, 3)} nats. ` +
      `A little more probability lowers the loss at a rate of ${number(-slope)}, and leaves accuracy as it is.`,
  };
})());
