/* The playground's pictures: loss curves, points with decision regions, weight templates. They take
 * values and draw them on a canvas. Colours come from playground.css. */
"use strict";

const Pictures = (() => {
  /** Shapes of the points of classes 0, 1, 2: a second cue beside the colour. */
  const MARKS = [
    (pen, x, y, r) => pen.arc(x, y, r, 0, 2 * Math.PI),
    (pen, x, y, r) => pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
    (pen, x, y, r) => {
      pen.moveTo(x, y - 1.2 * r);
      pen.lineTo(x + 1.1 * r, y + 0.8 * r);
      pen.lineTo(x - 1.1 * r, y + 0.8 * r);
      pen.closePath();
    },
  ];
  const SCALE = ["against", "middle", "for"]; // names of the colours of weights
  const REGION_PIXELS = 64;
  const PALE = 0.35; // opacity of single batches
  const EDGE = { left: 28, right: 18, top: 28, bottom: 40 }; // labels of the upright axis need more
  const LEAST_GAP = 20; // between two labels of an axis, one above the other

  /** Sets a canvas to the size it is shown at and clears it; returns a pen in CSS pixels. */
  function open(canvas) {
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    pen.font = `12px ${style.fontFamily}`;
    const colour = (name) => style.getPropertyValue(`--playground-${name}`).trim();
    return { pen, width, height, colour };
  }

  /** Red, green and blue of "#rrggbb". */
  function channels(colour) {
    return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  }

  /** Round numbers from low to high, about as many as asked for. */
  function roundTicks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) =>
      Number(((first + i) * step).toPrecision(6)));
  }

  /**
   * Ticks of a logarithmic axis: as many as fit, and if possible several within each power of ten.
   * @param {number} low above 0
   * @param {number} high
   * @param {number} length of the axis in pixels
   * @returns {number[]}
   */
  function logTicks(low, high, length) {
    const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const perPower = length / Math.log10(high / low); // pixels
    const choices = [[1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];
    const least = LEAST_GAP / perPower; // of the logarithm
    const digits = choices.find((all) => [...all, 10].every((digit, i) =>
      i === 0 || Math.log10(digit / all[i - 1]) >= least)) ?? [1];
    const stride = Math.max(1, Math.ceil(least));
    const ticks = [];
    for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
      ticks.push(...digits.map((digit) => Number(`${digit}e${power}`)));
    }
    return ticks.filter((tick) => tick >= low && tick <= high);
  }

  /** A number for an axis; very small and large ones with a power of ten. */
  function write(number) {
    const size = Math.abs(number);
    if (size === 0 || (size >= 1e-3 && size < 1e5)) return String(number);
    const [digit, power] = number.toExponential(0).replace("+", "").split("e");
    const raised = [...power].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
    return `${digit === "1" ? "" : `${digit}·`}10${raised}`;
  }

  /** Frame, ticks and labels; returns where a pair of values lies on the canvas. */
  function drawAxes({ pen, width, height, colour }, x, y) {
    const place = (axis, from, to) => {
      const scale = axis.log ? Math.log10 : (value) => value;
      const [low, high] = axis.range.map(scale);
      return (value) => from + ((scale(value) - low) / (high - low)) * (to - from);
    };
    const widest = Math.max(...y.ticks.map((tick) => pen.measureText(write(tick)).width));
    const area = {
      left: EDGE.left + widest,
      right: width - EDGE.right,
      top: EDGE.top,
      bottom: height - EDGE.bottom,
    };
    const [toX, toY] = [place(x, area.left, area.right), place(y, area.bottom, area.top)];
    pen.strokeStyle = colour("grid");
    pen.fillStyle = colour("text");
    pen.lineWidth = 1;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const tick of x.ticks) {
      pen.strokeRect(toX(tick), area.bottom, 0, 5);
      pen.fillText(write(tick), toX(tick), area.bottom + 8);
    }
    pen.fillText(x.label, (area.left + area.right) / 2, height - 15);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const tick of y.ticks) {
      pen.strokeRect(area.left, toY(tick), area.right - area.left, 0);
      pen.fillText(write(tick), area.left - 6, toY(tick));
    }
    pen.save();
    pen.translate(9, (area.top + area.bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(y.label, 0, 0);
    pen.restore();
    pen.strokeStyle = colour("text");
    pen.strokeRect(area.left, area.bottom, area.right - area.left, 0);
    return { toX, toY, area };
  }

  /** Runs a drawing that must not leave the area. */
  function within(pen, area, draw) {
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    pen.clip();
    draw();
    pen.restore();
  }

  /** A line through points. */
  function drawLine(pen, points) {
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }

  /**
   * Gathers batch losses by the pixel on which their step falls: thousands of steps share one.
   * @param {{batchLosses: number[], stepsPerEpoch: number}} run one loss for each step
   * @param {(step: number) => number} toPixel
   * @returns {{x: number, low: number, high: number, mean: number}[]} lowest and highest loss of
   *   the pixel, and at its last step the mean over an epoch, or over the steps there are
   */
  function gather({ batchLosses, stepsPerEpoch }, toPixel) {
    const columns = [];
    let [sum, column] = [0, { x: NaN }];
    batchLosses.forEach((loss, step) => {
      const x = Math.round(toPixel(step));
      if (x !== column.x) columns.push(column = { x, low: Infinity, high: -Infinity, mean: 0 });
      sum += loss - (step >= stepsPerEpoch ? batchLosses[step - stepsPerEpoch] : 0);
      column.low = Math.min(column.low, loss);
      column.high = Math.max(column.high, loss);
      column.mean = sum / Math.min(step + 1, stepsPerEpoch);
    });
    return columns;
  }

  /** Batch losses, pale, and their running mean over an epoch. */
  function drawBatches(pen, run, toPixel, toY) {
    const columns = gather(run, toPixel);
    const floor = (loss) => toY(Math.max(loss, 1e-12));
    pen.globalAlpha = PALE;
    drawLine(pen, columns.flatMap(({ x, low, high }) => [[x, floor(low)], [x, floor(high)]]));
    pen.globalAlpha = 1;
    drawLine(pen, columns.map(({ x, mean }) => [x, floor(mean)]));
  }

  /** Which losses the axis must show, and whether their range calls for a logarithm. */
  function chooseRange(epochs, batchLosses) {
    const losses = epochs.flatMap(({ loss, validationLoss }) => [loss, validationLoss])
      .filter(Number.isFinite);
    const early = batchLosses.slice(0, 200).filter(Number.isFinite);
    const low = Math.min(...losses);
    const high = Math.max(...losses, ...(epochs.length < 2 ? early : []));
    return high / low > 20
      ? { log: true, range: [low / 1.5, high * 1.5] }
      : { log: false, range: [0, 1.15 * high] };
  }

  /** Loss by epoch: pale for batches, thin for their mean, thick and dashed for the two sets. */
  function drawCurves(canvas, run) {
    const { epochs, batchLosses, stepsPerEpoch } = run;
    const sheet = open(canvas);
    const { pen, colour } = sheet;
    const done = Math.max(1, batchLosses.length / stepsPerEpoch);
    const power = 10 ** Math.floor(Math.log10(done));
    const last = power * [1, 2, 5, 10].find((factor) => factor * power >= done);
    const vertical = chooseRange(epochs, batchLosses);
    const { toX, toY, area } = drawAxes(
      sheet,
      { range: [0, last], ticks: roundTicks(0, last, 5), label: "epoch" },
      {
        ...vertical,
        ticks: vertical.log
          ? logTicks(...vertical.range, sheet.height - EDGE.top - EDGE.bottom)
          : roundTicks(...vertical.range, 5),
        label: vertical.log ? "loss in nats (log)" : "loss in nats",
      },
    );
    const stepToX = (steps) => toX(steps / stepsPerEpoch);
    const drawLoss = (name) =>
      drawLine(pen, epochs.map((epoch) => [stepToX(epoch.steps), toY(epoch[name])]));
    const drawThin = () => drawBatches(pen, run, stepToX, toY);
    const looks = [
      { name: "batches", width: 1.2, dash: [], draw: drawThin },
      { name: "training", width: 2.5, dash: [], draw: () => drawLoss("loss") },
      { name: "validation", width: 2.5, dash: [7, 4], draw: () => drawLoss("validationLoss") },
    ];
    let left = 4;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const { name, width, dash, draw } of looks) {
      [pen.strokeStyle, pen.lineWidth] = [colour(name), width];
      pen.setLineDash(dash);
      within(pen, area, draw);
      if (draw === drawThin) {
        pen.save();
        [pen.globalAlpha, pen.fillStyle] = [PALE, pen.strokeStyle];
        pen.fillRect(left, 6, 25, 12);
        pen.restore();
      }
      drawLine(pen, [[left, 12], [left + 25, 12]]);
      pen.fillText(name, left + 30, 12);
      left += 30 + pen.measureText(name).width + 14;
    }
    pen.setLineDash([]);
  }

  /** From lowest to highest of every other number, and a tenth more on both sides. */
  function spread(inputs, first) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = first; i < inputs.length; i += 2) {
      [low, high] = [Math.min(low, inputs[i]), Math.max(high, inputs[i])];
    }
    const margin = (high - low) / 10;
    return [low - margin, high + margin];
  }

  /** Colours every place by its likeliest class, the stronger the surer the model is. */
  function drawRegions(pen, area, ranges, { weight, bias }, colours) {
    const [[left, right], [bottom, top]] = ranges;
    const size = REGION_PIXELS;
    const inputs = new Float64Array(2 * size * size);
    for (let i = 0; i < size * size; i++) {
      inputs[2 * i] = left + (((i % size) + 0.5) / size) * (right - left);
      inputs[2 * i + 1] = top - ((Math.floor(i / size) + 0.5) / size) * (top - bottom);
    }
    const classes = bias.length;
    const probabilities = Softmax.softmax(Softmax.logits(inputs, weight, bias), classes);
    const image = new ImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      const row = probabilities.subarray(i * classes, (i + 1) * classes);
      const largest = Math.max(...row);
      const sureness = (largest - 1 / classes) / (1 - 1 / classes);
      image.data.set(colours[Math.max(0, row.indexOf(largest))], 4 * i);
      image.data[4 * i + 3] = 110 * sureness;
    }
    const { left: x, top: y } = area;
    pen.drawImage(toCanvas(image), x, y, area.right - x, area.bottom - y);
  }

  /** An image as something that can be drawn at any size. */
  function toCanvas(image) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /**
   * The part of the line between two classes on which no third class has a higher score.
   * Scores are equal where difference[0] x + difference[1] y + difference[2] = 0.
   * @returns {number[][] | null} two points, or null if there is no such part
   */
  function findBoundary({ weight, bias }, a, b, reach) {
    const scores = (k) => [weight[2 * k], weight[2 * k + 1], bias[k]];
    const differ = (k, l) => scores(k).map((value, i) => value - scores(l)[i]);
    const [u, v, w] = differ(a, b);
    const length = Math.hypot(u, v);
    if (!(length > 1e-9)) return null;
    const foot = [(-w * u) / length ** 2, (-w * v) / length ** 2];
    let [from, to] = [-reach, reach];
    for (let c = 0; c < bias.length; c++) {
      if (c === a || c === b) continue;
      const [p, q, r] = differ(a, c); // must not be negative: p x + q y + r = start + slope * t
      const start = p * foot[0] + q * foot[1] + r;
      const slope = (q * u - p * v) / length;
      if (slope > 0) from = Math.max(from, -start / slope);
      else if (slope < 0) to = Math.min(to, -start / slope);
      else if (start < 0) return null;
    }
    if (from >= to) return null;
    return [from, to].map((t) => [foot[0] - (t * v) / length, foot[1] + (t * u) / length]);
  }

  /** Points with a mark for each class, the regions of the classes, and the lines between them. */
  function drawPlane(canvas, { data, weight, bias }) {
    const sheet = open(canvas);
    const { pen, colour } = sheet;
    const { inputs, labels } = data.train;
    const ranges = [spread(inputs, 0), spread(inputs, 1)];
    const axes = ranges.map((range, i) => ({
      range,
      ticks: roundTicks(...range, 5),
      label: ["first feature", "second feature"][i],
    }));
    const { toX, toY, area } = drawAxes(sheet, ...axes);
    const colours = [...bias.keys()].map((k) => colour(`class-${k}`));
    within(pen, area, () => {
      drawRegions(pen, area, ranges, { weight, bias }, colours.map(channels));
      pen.lineWidth = 1.2;
      pen.strokeStyle = colour("mark-edge");
      labels.forEach((label, i) => {
        pen.fillStyle = colours[label];
        pen.beginPath();
        MARKS[label](pen, toX(inputs[2 * i]), toY(inputs[2 * i + 1]), 4.5);
        pen.fill();
        pen.stroke();
      });
      pen.strokeStyle = colour("text");
      pen.lineWidth = 2.5;
      const reach = 10 * Math.max(...ranges.flat().map(Math.abs));
      for (let a = 0; a < bias.length; a++) {
        for (let b = a + 1; b < bias.length; b++) {
          const ends = findBoundary({ weight, bias }, a, b, reach);
          if (ends) drawLine(pen, ends.map(([x, y]) => [toX(x), toY(y)]));
        }
      }
    });
    let left = area.left;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    colours.forEach((shade, label) => {
      pen.fillStyle = shade;
      pen.beginPath();
      MARKS[label](pen, left + 6, 12, 5);
      pen.fill();
      pen.fillStyle = colour("text");
      pen.fillText(`class ${label}`, left + 16, 12);
      left += 16 + pen.measureText(`class ${label}`).width + 16;
    });
  }

  /** The weights of each digit as an image, in two colours: ink here speaks for it, or against. */
  function drawTemplates(canvas, { weight, bias }) {
    const { pen, width, height, colour } = open(canvas);
    const classes = bias.length;
    const pixels = weight.length / classes;
    const side = Math.sqrt(pixels);
    const largest = weight.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const [against, middle, towards] = SCALE.map((name) => channels(colour(name)));
    const [columns, rows] = [5, classes / 5];
    const cell = Math.min(width / columns, (height - 30) / rows - 18);
    const shift = (width - columns * cell) / 2;
    pen.imageSmoothingEnabled = false;
    pen.fillStyle = colour("text");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (let k = 0; k < classes; k++) {
      const image = new ImageData(side, side);
      for (let j = 0; j < pixels; j++) {
        const value = largest > 0 ? weight[k * pixels + j] / largest : 0;
        const end = value < 0 ? against : towards;
        for (let i = 0; i < 3; i++) {
          image.data[4 * j + i] = middle[i] + Math.abs(value) * (end[i] - middle[i]);
        }
        image.data[4 * j + 3] = 255;
      }
      const [x, y] = [shift + (k % columns) * cell, Math.floor(k / columns) * (cell + 18)];
      pen.fillText(String(k), x + cell / 2, y + 3);
      pen.drawImage(toCanvas(image), x + 2, y + 18, cell - 4, cell - 4);
    }
    drawScale({ pen, width, height, colour }, largest);
  }

  /** The colours of the weights, from the most negative to the most positive. */
  function drawScale({ pen, width, height, colour }, largest) {
    const [left, length, top] = [width / 2 - 40, 80, height - 22];
    const shades = pen.createLinearGradient(left, 0, left + length, 0);
    SCALE.forEach((name, i) => shades.addColorStop(i / 2, colour(name)));
    pen.fillStyle = shades;
    pen.fillRect(left, top, length, 12);
    pen.fillStyle = colour("text");
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    pen.fillText(`against: −${largest.toPrecision(2)}`, left - 6, top + 6);
    pen.textAlign = "left";
    pen.fillText(`for: ${largest.toPrecision(2)}`, left + length + 6, top + 6);
  }

  return { drawCurves, drawPlane, drawTemplates, findBoundary, gather, logTicks };
})();
