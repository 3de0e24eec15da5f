/* Measured loss curves by learning rate, one of them bright. */
"use strict";

Figures.define("learning_rates", (() => {
  const { number } = Figures;
  const SIZE = { width: 320, height: 230 }; // of a picture
  const ROOM = [48, 14, 12, 40];
  const SCHEDULES = ["constant", "divided by ten twice"];
  const BANDS = [0.0003, 0.001, 0.01]; // between the choices of the prediction

  // By schedule, rate and epoch, from the chapter; null where a run had ended.
  const { rates = [1], losses = [[[1, 1]]], accuracies = [[0]], start = 0 } = Figures.handedOver("learning_rates") ?? {};
  const EPOCHS = losses[0][0].length;
  const all = losses.flat(2).filter((loss) => loss !== null);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const within = (ticks, from, to) => ticks.filter((tick) => tick >= from && tick <= to);

  function compute({ rate, schedule }) {
    const ends = losses[schedule].map((curve) => curve.at(-1) ?? Infinity);
    return {
      rate: rates[rate], curve: losses[schedule][rate], loss: losses[schedule][rate].at(-1),
      accuracy: accuracies[schedule][rate], best: rates[ends.indexOf(Math.min(...ends))],
    };
  }

  const rateOf = (rate) => String(Number(rate.toPrecision(2)));
  const percent = (x) => (x === null ? "none" : `${number(100 * x, 1)}\u00a0%`);
  const nats = (x) => (x === null ? "none" : number(x, 3));

  function drawLosses(drawing, { curve }, { schedule }, moved) {
    const [across, up] = drawing.axes(
      { ticks: Array.from({ length: EPOCHS }, (_, i) => i + 1), label: "epoch" },
      { ticks: within([0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20, 50, 100], least / 1.05, most), from: least / 1.05, to: most * 1.05, log: true },
      ROOM);
    const draw = (values, look) => drawing.line(values.flatMap((loss, i) => (
      loss === null ? [] : [[across(i + 1), up(loss)]])), look);
    if (moved) for (const other of losses[schedule]) draw(other, "live-other");
    draw(curve, "live-curve");
    curve.forEach((loss, i) => {
      if (loss !== null) drawing.add("circle", { cx: across(i + 1), cy: up(loss), r: 4, class: "live-for" });
    });
  }

  function drawEnds(drawing, { rate, accuracy }, { schedule }, moved) {
    const known = accuracies.flat().filter((each) => each !== null).map((each) => 100 * each);
    const bottom = Math.max(0, Math.min(95, 5 * Math.floor(Math.min(...known) / 5)));
    const top = Math.min(100, 5 * Math.ceil(Math.max(...known) / 5));
    const step = top - bottom > 30 ? 20 : 5;
    const ticks = Array.from({ length: Math.floor((top - bottom) / step) + 1 }, (_, i) => bottom + i * step);
    const [across, up] = drawing.axes(
      { ticks: within([1e-5, 1e-4, 0.001, 0.01, 0.1, 1, 10], rates[0] / 1.1, rates.at(-1) * 1.1), from: rates[0] / 2, to: rates.at(-1) * 1.5, log: true, label: "learning rate" },
      { ticks, to: top, say: (y) => `${y} %` }, ROOM);
    const point = (x, share, r, look) => share !== null && drawing.add(
      "circle", { cx: across(x), cy: up(100 * share), r, class: look });
    if (moved) accuracies[schedule].forEach((share, i) => point(rates[i], share, 3, "live-unread"));
    point(rate, accuracy, 6, "live-for");
  }

  const say = ({ rate, loss, accuracy }) => (loss === null
    ? `At a rate of ${rateOf(rate)} training was stopped: the loss had grown without bound.`
    : `At a rate of ${rateOf(rate)}, the loss after ${EPOCHS} epochs is ${nats(loss)} nats and the accuracy ${percent(accuracy)}.`);

  return {
    title: "Loss curves by learning rate",
    predict: {
      question: "With a constant rate, which one ends with the lowest loss?",
      choices: ["Below 0.0003", "0.0003 to 0.001", "0.001 to 0.01", "0.01 or above"],
      right: ({ best }) => BANDS.filter((edge) => best >= edge).length,
      because: ({ best }) => `The lowest is at ${rateOf(best)}: smaller rates have not arrived yet, larger ones jump about.`,
    },
    controls: [
      {
        name: "rate", label: "Learning rate of the first epoch", value: start, min: 0, max: rates.length - 1, step: 1,
        say: (rate) => rateOf(rates[rate]),
      },
      { name: "schedule", label: "Schedule", value: 0, options: SCHEDULES.map((text, i) => [i, text]) },
    ],
    compute,
    pictures: [
      {
        title: "Validation loss, in nats", ...SIZE, draw: drawLosses,
        words: ({ curve }) => `A curve by epoch: ${curve.map(nats).join(", ")}.`,
      },
      {
        title: "Accuracy at the end", ...SIZE, draw: drawEnds,
        words: ({ rate, accuracy }) => `Points by rate; that of ${rateOf(rate)} is at ${percent(accuracy)}.`,
      },
    ],
    table: ({ rate, curve, accuracy }) => [
      ["Rate", "Loss after epoch 1", `After epoch ${EPOCHS}`, "Accuracy"],
      [rateOf(rate), nats(curve[0]), nats(curve.at(-1)), percent(accuracy)],
    ],
    say,
  };
})());
