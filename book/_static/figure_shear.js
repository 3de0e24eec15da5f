/* A digit leans, and the model's probabilities with it: measured at every step, shown here. */
"use strict";

Figures.define("shear", (() => {
  const { number } = Figures;
  const SIZE = { width: 320, height: 230 }; // of a picture

  // Of the image at each shear, see lessons/stills.py; `start` is the image as it is, `upright` without slant.
  const {
    shears = [0, 1], probabilities = [[1, 0]], pictures = "", truth = 0, start = 0, upright = 0,
  } = Figures.handedOver("shear") ?? {};
  const CLASSES = probabilities[0].length;

  /** The class with the highest probability, but for one. */
  const strongest = (shares, but = -1) => shares.reduce((best, p, k) => (
    k !== but && (best < 0 || p > shares[best]) ? k : best), -1);
  const rival = strongest(probabilities[start], truth);

  function compute({ step }) {
    const shares = probabilities[step];
    return { shear: shears[step], shares, answer: strongest(shares), p: shares[truth], other: shares[rival] };
  }

  /** A probability; none is ever quite 0 or 1. */
  const share = (p) => (p < 0.0005 ? "< 0.001" : p > 0.9995 ? "> 0.999" : p.toFixed(3));
  const lean = (shear) => (Math.abs(shear) < 1e-9 ? "as it is" : `${number(Math.abs(shear))} ${shear < 0 ? "left" : "right"}`);

  function drawImage(drawing, _, { step }) {
    drawing.picture(pictures, shears.length, step, { x: 50, y: 4, side: 220 });
  }

  function drawBars(drawing, { shares }) {
    const [across] = drawing.axes(
      { ticks: [0, 0.25, 0.5, 0.75, 1], label: "probability" }, { ticks: [], from: 0, to: 1 }, [44, 20, 4, 40]);
    const tall = (SIZE.height - 44) / CLASSES;
    shares.forEach((p, k) => {
      const look = k === truth ? "live-for" : k === rival ? "live-against" : "live-unread";
      const y = 4 + k * tall;
      drawing.add("rect", { x: across(0), y: y + 2, width: across(p) - across(0), height: tall - 4, class: look });
      drawing.add("text", {
        x: 37, y: y + tall / 2 + 5, "text-anchor": "end", "font-weight": k === truth ? "bold" : "normal",
      }, `${k}${k === truth ? " ✓" : ""}`);
    });
  }

  function drawCurves(drawing, { shear, p, other }, _, moved) {
    const ticks = [-0.6, -0.3, 0, 0.3, 0.6].filter((x) => x >= shears[0] - 1e-9 && x <= shears.at(-1) + 1e-9);
    const [across, up] = drawing.axes(
      { ticks, from: shears[0], to: shears.at(-1), base: 0, say: (x) => number(x, 1), label: "shear: leans left, leans right" },
      { ticks: [0, 0.25, 0.5, 0.75, 1] });
    for (const [k, now, line, dot] of [[rival, other, "live-rival", "live-against"], [truth, p, "live-curve", "live-for"]]) {
      if (moved) drawing.line(probabilities.map((shares, i) => [across(shears[i]), up(shares[k])]), line);
      drawing.add("circle", { cx: across(shear), cy: up(now), r: 6, class: dot });
    }
  }

  const say = ({ shear, answer, p }) => (
    `${Math.abs(shear) < 1e-9 ? "As it is" : `Sheared by ${lean(shear)}`}, the ${truth} is read as ${answer}. ` +
    `The model gives the true digit a probability of ${share(p)}.`);

  const readsUpright = strongest(probabilities[upright]);
  return {
    title: `A ${truth}, sheared`,
    predict: {
      question: `Sheared until it stands upright, what is this ${truth} read as?`,
      choices: [`${truth}, which it is`, "Another digit"],
      right: () => (readsUpright === truth ? 0 : 1),
      because: () => `Upright, it is read as ${readsUpright}, and a ${truth} has a probability of ${share(probabilities[upright][truth])}.`,
    },
    controls: [{
      name: "step", label: "Shear, in columns per row", value: start, min: 0, max: shears.length - 1, step: 1,
      say: (step) => lean(shears[step]),
    }],
    actions: [{ label: "Upright", apply: () => ({ step: upright }), allowed: ({ step }) => step !== upright }],
    compute,
    pictures: [
      {
        title: "What the model sees", ...SIZE, draw: drawImage,
        words: ({ shear }) => `A handwritten ${truth}, ${Math.abs(shear) < 1e-9 ? "as it is" : `sheared to the ${shear < 0 ? "left" : "right"}`}.`,
      },
      {
        title: "What it says", ...SIZE, draw: drawBars,
        words: ({ shares }) => `Bars of probability: ${shares.map((p, k) => `${k}, ${share(p)}`).join("; ")}.`,
      },
      {
        title: `${truth} (solid) and ${rival} (dashed)`, ...SIZE, draw: drawCurves,
        words: ({ p, other }) => `Two curves of probability by shear; here ${truth} has ${share(p)}, ${rival} ${share(other)}.`,
      },
    ],
    table: ({ p, other, answer }) => [
      ["Read as", `${truth} (true)`, `${rival}`],
      [String(answer), share(p), share(other)],
    ],
    say,
  };
})());
