/* The live model: takes ink from mouse, finger or keyboard, and shows what the model makes of it.
 * The arithmetic is in softmax.js and digits.js; here is only what one sees and touches. `Demo`
 * offers what the page computes to whoever wants to check it. */
"use strict";

const Demo = (() => {
  const PAPER = 280; // side of the drawing in its own pixels, whatever its size on the screen
  const STEP = 10; // of the pen under the arrow keys; with Shift, FINE_STEP
  const FINE_STEP = 2;
  const QUIET = 700; // milliseconds without a change before a screen reader is told
  const TOLERANCE = 1e-5; // of the probabilities, against PyTorch's
  const [BLUE, VERMILION] = ["#0072B2", "#D55E00"];
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const byId = (name) => document.getElementById(`demo-${name}`);
  /** A probability in per cent; none is ever quite 0 or 1. */
  const percent = (p) => {
    const text = p < 0.0005 ? "< 0.1" : p > 0.9995 ? "> 99.9" : (100 * p).toFixed(1);
    return `${text}\u00a0%`;
  };
  const signed = (x) => {
    const size = Math.abs(x).toFixed(2);
    return size === "0.00" ? size : `${x < 0 ? "−" : "+"}${size}`;
  };

  let model; // {weight, bias, mean, deviation}
  let tests; // {images, labels, probabilities}, a hundred of each, one after the other
  let ink; // a canvas that nobody sees: the drawing alone, without pen or test image

  const state = {
    strokes: [], // each {width, points: [[x, y], ...]}
    drawing: false, // whether the last stroke still grows
    test: null, // number of the test image on the paper; null: the drawing is
    chosen: null, // digit to explain; null: the most probable
    pen: { x: PAPER / 2, y: PAPER / 2, shown: false },
  };
  let result = null; // of the last picture; see `judge`

  // What the model says

  /**
   * Runs the model on pictures.
   * @param {ArrayLike<number>} pixels - 0 to 255, one picture of 784 after another.
   * @returns {{input: Float64Array, logits: Float64Array, probabilities: Float64Array}} Row by row.
   */
  function judge(pixels) {
    const input = Digits.standardise(pixels, model.mean, model.deviation);
    const logits = Softmax.logits(input, model.weight, model.bias);
    return { input, logits, probabilities: Softmax.softmax(logits, model.bias.length) };
  }

  /** Classes, the most probable first. */
  function ranking(probabilities) {
    return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  }

  /** Pixels of one test image. */
  function testPixels(number) {
    const size = Digits.SIDE * Digits.SIDE;
    return tests.images.subarray(number * size, (number + 1) * size);
  }

  /** Largest difference between the page's probabilities for the test images and PyTorch's. */
  function compare() {
    const here = judge(tests.images).probabilities;
    if (here.length !== tests.probabilities.length) return NaN;
    return here.reduce((worst, p, i) => Math.max(worst, Math.abs(p - tests.probabilities[i])), 0);
  }

  // Ink

  /** Draws a piece of a stroke: a disc at its end, and a line to that from the point before. */
  function inkPiece(stroke, end) {
    const context = ink.getContext("2d");
    const [x, y] = stroke.points[end];
    context.beginPath();
    context.arc(x, y, stroke.width / 2, 0, 2 * Math.PI);
    context.fill();
    if (end === 0) return;
    context.lineWidth = stroke.width;
    context.beginPath();
    context.moveTo(...stroke.points[end - 1]);
    context.lineTo(x, y);
    context.stroke();
  }

  /** Draws all strokes anew, after one was taken away. */
  function inkAll() {
    ink.getContext("2d").clearRect(0, 0, PAPER, PAPER);
    for (const stroke of state.strokes) stroke.points.forEach((_, end) => inkPiece(stroke, end));
  }

  /** The drawing as numbers from 0 to 1: how opaque each of its pixels is. */
  function readInk() {
    const { data } = ink.getContext("2d").getImageData(0, 0, PAPER, PAPER);
    return Float64Array.from({ length: PAPER * PAPER }, (_, i) => data[4 * i + 3] / 255);
  }

  /** Begins a stroke; a test image makes room for it. */
  function beginStroke(x, y) {
    if (state.test !== null) {
      state.strokes = [];
      state.test = null;
      inkAll();
    }
    state.strokes.push({ width: Number(byId("pen").value), points: [] });
    state.drawing = true;
    extendStroke(x, y);
  }

  function extendStroke(x, y) {
    const stroke = state.strokes.at(-1);
    stroke.points.push([x, y]);
    inkPiece(stroke, stroke.points.length - 1);
  }

  function clear() {
    Object.assign(state, { strokes: [], drawing: false, test: null, chosen: null });
    inkAll();
    update();
    announce("Cleared.");
  }

  /** Takes back the test image, or else the last stroke. */
  function undo() {
    if (state.test !== null) state.test = null;
    else state.strokes.pop();
    state.drawing = false;
    inkAll();
    update();
    announce(`Undone. ${verdict()}`);
  }

  function showTest(number) {
    Object.assign(state, { test: number, drawing: false, chosen: null });
    update();
    announce(`Test image ${number + 1}, labelled ${tests.labels[number]}. ${verdict()}`);
  }

  // What one sees

  /** Judges what lies on the paper and shows everything that follows from it. */
  function update() {
    const prepared = state.test === null ? Digits.prepare(readInk(), PAPER) : null;
    const pixels = state.test === null ? prepared?.pixels : testPixels(state.test);
    result = pixels ? { pixels, prepared, ...judge(pixels) } : null;
    byId("verdict").textContent = verdict();
    byId("brief").textContent = brief();
    byId("undo").disabled = state.test === null && state.strokes.length === 0;
    showSeen();
    showPaper();
    showBars();
    showReasons();
    markTest();
  }

  /** The most probable digit in words. */
  function verdict() {
    if (result === null) {
      const blank = judge(new Uint8Array(Digits.SIDE * Digits.SIDE)).probabilities;
      const [first] = ranking(blank);
      return `Draw a digit from 0 to 9. Blank paper is not judged: the model, which must choose, ` +
        `would call it a ${first} (${percent(blank[first])}).`;
    }
    const [first, second] = ranking(result.probabilities);
    const [p, q] = [result.probabilities[first], result.probabilities[second]].map(percent);
    const truth = state.test === null ? "" : first === tests.labels[state.test]
      ? ", and that is its label" : `, but its label is ${tests.labels[state.test]}`;
    return `Most probable: ${first} (${p})${truth}. Next: ${second} (${q}).`;
  }

  /** The verdict on a test image in few words, beside the images: the other may be off screen. */
  function brief() {
    if (state.test === null) return "";
    const [first] = ranking(result.probabilities);
    const label = tests.labels[state.test];
    return `Read as ${first} (${percent(result.probabilities[first])}), ` +
      `${first === label ? "rightly" : `but labelled ${label}`}.`;
  }

  function showPaper() {
    const context = byId("paper").getContext("2d");
    context.clearRect(0, 0, PAPER, PAPER);
    context.imageSmoothingEnabled = false;
    context.drawImage(state.test === null ? ink : byId("seen"), 0, 0, PAPER, PAPER);
    if (!state.pen.shown) return;
    context.lineWidth = 3;
    context.strokeStyle = VERMILION;
    context.beginPath();
    context.arc(state.pen.x, state.pen.y, Math.max(5, byId("pen").value / 2), 0, 2 * Math.PI);
    // Four lines tell a lifted pen from one that draws.
    for (const [dx, dy] of Object.values(ARROWS)) {
      const [from, to] = state.drawing ? [0, 0] : [4, 14];
      context.moveTo(state.pen.x + from * dx, state.pen.y + from * dy);
      context.lineTo(state.pen.x + to * dx, state.pen.y + to * dy);
    }
    context.stroke();
  }

  /** Draws 28 x 28 pixels, ink dark on light paper as everywhere in the book. */
  function drawPixels(canvas, pixels) {
    // Kept in memory, it is painted with the page; the graphics card would show it a moment later.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const image = context.createImageData(Digits.SIDE, Digits.SIDE);
    for (let i = 0; i < Digits.SIDE * Digits.SIDE; i++) {
      image.data.fill(255 - (pixels ? pixels[i] : 0), 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  function showSeen() {
    const { pixels, prepared } = result || {};
    const [paper, full] = Digits.standardise([0, 255], model.mean, model.deviation);
    const { box, columns, rows } = prepared || {};
    const [label, steps] = !pixels ? ["all blank.", ""]
      : !prepared ? [`test image ${state.test + 1} as it is.`, "The test image as it is. "]
        : ["your drawing, scaled and centred.", `Your ink, ${box.width} × ${box.height} points ` +
          `of the paper, became ${columns} × ${rows} pixels. `];
    drawPixels(byId("seen"), pixels);
    byId("seen").setAttribute("aria-label", `28 by 28 pixels: ${label}`);
    byId("steps").textContent = steps +
      `Standardised, a blank pixel counts ${signed(paper)} and a full one ${signed(full)}.`;
  }

  function showBars() {
    const explained = explainedClass();
    const top = result && ranking(result.probabilities)[0];
    for (const [k, bar] of [...byId("bars").children].entries()) {
      const [button, p] = [bar.firstElementChild, result ? result.probabilities[k] : 0];
      button.disabled = result === null;
      button.classList.toggle("demo-top", k === top);
      button.setAttribute("aria-pressed", String(k === explained));
      button.style.setProperty("--share", String(p));
      button.querySelector(".demo-value").textContent = result ? percent(p) : "–";
    }
  }

  function explainedClass() {
    return result && (state.chosen ?? ranking(result.probabilities)[0]);
  }

  /** Shows what spoke for and against the class to explain: marks, sums, and nothing left over. */
  function showReasons() {
    const k = explainedClass();
    byId("sums").hidden = result === null;
    if (result === null) {
      byId("largest").textContent = "Nothing yet: draw, or take a test image.";
      drawMap(null, []);
      byId("map").setAttribute("aria-label", "Nothing yet: the paper is blank.");
      return;
    }
    const parts = Digits.explain(result.input, model.weight, model.bias, k);
    const sums = Digits.addUp(result.pixels, parts);
    drawMap(result.pixels, parts.pixels);
    const largest = parts.pixels.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
    byId("largest").textContent = `The largest stands for ${largest.toFixed(2)} logits.`;
    byId("map").setAttribute("aria-label", `Marks on 28 by 28 pixels: what spoke for and against ` +
      `${k}. The sums are in the table below.`);
    byId("explained").textContent = `Explained: ${k}, ` + (state.chosen === null
      ? "the most probable digit. Choose another among the bars." : "chosen by you.");
    byId("follow").disabled = state.chosen === null;
    byId("rows").replaceChildren(
      makeRow("Ink", sums.ink), makeRow("Blank paper", sums.paper),
      makeRow("Bias", [Math.max(0, parts.bias), Math.min(0, parts.bias)]),
    );
    const rest = result.logits.filter((_, l) => l !== k);
    const mean = rest.reduce((sum, z) => sum + z) / rest.length;
    byId("total").textContent = `All together ${signed(sums.total)}. That is the logit of ${k}, ` +
      `${signed(result.logits[k])}, minus the mean of the others, ${signed(mean)}.`;
  }

  function makeRow(name, [plus, minus]) {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head, ...[plus, minus, plus + minus].map((sum) => {
      const cell = document.createElement("td");
      cell.textContent = signed(sum);
      return cell;
    }));
    return row;
  }

  /** Draws a mark for each pixel, its area in proportion to its part; below it the digit, pale. */
  function drawMap(pixels, parts) {
    const canvas = byId("map");
    const context = canvas.getContext("2d");
    const cell = canvas.width / Digits.SIDE;
    const largest = parts.reduce((most, part) => Math.max(most, Math.abs(part)), 1e-12);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    parts.forEach((part, i) => {
      const [x, y] = [(i % Digits.SIDE) * cell, Math.floor(i / Digits.SIDE) * cell];
      context.fillStyle = `rgb(0 0 0 / ${(0.25 * pixels[i]) / 255})`;
      context.fillRect(x, y, cell, cell);
      const size = Math.sqrt(Math.abs(part) / largest) * cell;
      context.fillStyle = part >= 0 ? VERMILION : BLUE;
      context.beginPath();
      if (part >= 0) context.rect(x + (cell - size) / 2, y + (cell - size) / 2, size, size);
      else context.arc(x + cell / 2, y + cell / 2, size / 2, 0, 2 * Math.PI);
      context.fill();
    });
  }

  function markTest() {
    for (const [number, button] of [...byId("tests").children].entries()) {
      button.setAttribute("aria-pressed", String(number === state.test));
    }
  }

  let timer;
  /** Tells screen readers, once nothing has happened for a while: the last text alone counts. */
  function announce(text) {
    clearTimeout(timer);
    timer = setTimeout(() => { byId("status").textContent = text; }, QUIET);
  }

  // What one touches

  function listenToPointer(paper) {
    /** Where a pointer is on the paper, in the paper's own pixels. */
    const place = (event) => {
      const { left, top } = paper.getBoundingClientRect();
      return [
        ((event.clientX - left - paper.clientLeft) * PAPER) / paper.clientWidth,
        ((event.clientY - top - paper.clientTop) * PAPER) / paper.clientHeight,
      ];
    };
    let pointer = null; // the one that draws; a second finger does nothing
    paper.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      paper.setPointerCapture(pointer);
      state.pen.shown = false;
      beginStroke(...place(event));
      update();
    });
    paper.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer || !state.drawing) return;
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const move of moves.length ? moves : [event]) extendStroke(...place(move));
      update();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      paper.addEventListener(end, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        state.drawing = false;
        announce(verdict());
      });
    }
  }

  function listenToKeys(paper) {
    paper.addEventListener("keydown", (event) => {
      if (event.altKey || ((event.ctrlKey || event.metaKey) && event.key !== "z")) return;
      if (event.key in ARROWS) movePen(ARROWS[event.key], event.shiftKey ? FINE_STEP : STEP);
      else if (event.key === " ") togglePen(event.repeat);
      else if (event.key === "Escape" && state.drawing) togglePen(false);
      else if (event.key === "Delete" || event.key === "Backspace") clear();
      else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
      else return;
      event.preventDefault();
    });
    paper.addEventListener("focus", () => {
      state.pen.shown = paper.matches(":focus-visible");
      showPaper();
    });
    paper.addEventListener("blur", () => {
      state.pen.shown = false;
      state.drawing = false;
      showPaper();
    });
  }

  /** Where the pen is, in words. */
  function penPlace() {
    const [x, y] = [state.pen.x, state.pen.y].map((at) => Math.round((100 * at) / PAPER));
    return `${x} % from the left, ${y} % from the top`;
  }

  function movePen([dx, dy], step) {
    const { pen } = state;
    pen.shown = true;
    pen.x = Math.max(0, Math.min(PAPER, pen.x + step * dx));
    pen.y = Math.max(0, Math.min(PAPER, pen.y + step * dy));
    if (state.drawing) {
      extendStroke(pen.x, pen.y);
      update();
    } else showPaper();
    announce(`Pen ${state.drawing ? "drawing" : "lifted"}, ${penPlace()}. ` +
      (state.drawing ? verdict() : ""));
  }

  /** Puts the pen down or lifts it; a key held down does not count twice. */
  function togglePen(repeated) {
    if (repeated) return;
    state.pen.shown = true;
    if (state.drawing) state.drawing = false;
    else beginStroke(state.pen.x, state.pen.y);
    update();
    announce(`Pen ${state.drawing ? "down" : "lifted"}, ${penPlace()}. ${verdict()}`);
  }

  function makeBars() {
    for (let k = 0; k < model.bias.length; k++) {
      const [bar, button] = [document.createElement("li"), document.createElement("button")];
      button.type = "button";
      button.innerHTML = `<span>${k}</span> <span class="demo-bar" aria-hidden="true"></span> ` +
        `<span class="demo-value"></span>`;
      button.addEventListener("click", () => {
        state.chosen = k;
        showBars();
        showReasons();
        announce(byId("explained").textContent);
      });
      bar.append(button);
      byId("bars").append(bar);
    }
    byId("follow").addEventListener("click", () => {
      state.chosen = null;
      showBars();
      showReasons();
      byId("bars").querySelector("[aria-pressed=true]").focus(); // this button is now switched off
    });
  }

  /** Makes a button for each test image. Tab reaches one of them, arrow keys the others. */
  function makeTests() {
    const { probabilities } = judge(tests.images);
    const said = Array.from(tests.labels, (_, i) => (
      ranking(probabilities.subarray(10 * i, 10 * (i + 1)))[0]
    ));
    const buttons = Array.from(tests.labels, (label, number) => {
      const [button, picture] = ["button", "canvas"].map((tag) => document.createElement(tag));
      const wrong = said[number] !== label;
      button.type = "button";
      button.tabIndex = number === 0 ? 0 : -1;
      button.classList.toggle("demo-wrong", wrong);
      button.setAttribute("aria-label", `Test image ${number + 1}: a ${label}` +
        (wrong ? `, read as a ${said[number]}` : ""));
      picture.width = picture.height = Digits.SIDE;
      drawPixels(picture, testPixels(number));
      button.append(picture);
      button.addEventListener("click", () => {
        reach(number);
        showTest(number);
      });
      return button;
    });
    /** Makes a button the one that Tab reaches. */
    const reach = (number) => {
      for (const [i, button] of buttons.entries()) button.tabIndex = i === number ? 0 : -1;
    };
    const wrongs = said.filter((digit, i) => digit !== tests.labels[i]).length;
    byId("tests-note").textContent = `The first ${buttons.length} images of the test set, which ` +
      `the model has not seen in training. It misreads ${wrongs} of them, marked ×; they are no ` +
      `random sample of the whole set. Arrow keys move between them.`;
    byId("tests").append(...buttons);
    byId("tests").addEventListener("keydown", (event) => {
      const at = buttons.indexOf(event.target);
      const perRow = buttons.findIndex((button) => button.offsetTop > buttons[0].offsetTop);
      const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
      const goals = { Home: 0, End: buttons.length - 1 };
      const to = event.key in moves ? at + moves[event.key] : goals[event.key];
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (!(to in buttons)) return;
      reach(to);
      buttons[to].focus();
    });
    byId("random").addEventListener("click", () => {
      const number = Math.floor(Math.random() * buttons.length);
      reach(number);
      showTest(number);
    });
  }

  /** Writes a small number with one digit, rounded up, so that "to within" stays true. */
  function roundUp(x) {
    if (x === 0) return "0";
    let power = Math.floor(Math.log10(x));
    let digit = Math.ceil(x / 10 ** power - 1e-9);
    if (digit === 10) [digit, power] = [1, power + 1];
    const raised = [...String(power)].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]));
    return `${digit}\u00a0×\u00a010${raised.join("")}`;
  }

  /** Says whether this page computes what PyTorch computed, and how closely. */
  function check() {
    const difference = compare();
    const good = difference <= TOLERANCE; // false for NaN, too
    const number = tests.labels.length;
    byId("check").classList.toggle("demo-failed", !good);
    byId("check").textContent = good
      ? `Checked just now: on ${number} test images this page and PyTorch agree to within ` +
        `${roundUp(difference)} in every probability.`
      : `This page fails its own check: on ${number} test images its probabilities differ from ` +
        `PyTorch's by up to ${difference.toPrecision(2)}, and ${roundUp(TOLERANCE)} is allowed. ` +
        `Do not trust what it shows. Load the page again; if this message stays, open an issue.`;
    byId("check").hidden = false;
    return good;
  }

  /** Decodes what chapters wrote, {name: array or number}. */
  function unpack(values) {
    return Object.fromEntries(Object.entries(values).map(
      ([name, value]) => [name, value.base64 ? Softmax.decode(value) : value],
    ));
  }

  function start() {
    const { mnist_model: stored, mnist_test_images: images } = globalThis.MEASURED ?? {};
    if (!stored || !images || typeof Softmax === "undefined" || typeof Digits === "undefined") {
      byId("check").textContent = "The model did not arrive: a script in the folder _static is " +
        "missing. Load the page again; a copy of the book needs that folder.";
      byId("check").classList.add("demo-failed");
      byId("check").hidden = false;
      return;
    }
    [model, tests] = [unpack(stored), unpack(images)];
    ink = document.createElement("canvas");
    ink.width = ink.height = PAPER;
    ink.getContext("2d", { willReadFrequently: true });
    makeBars();
    makeTests();
    listenToPointer(byId("paper"));
    listenToKeys(byId("paper"));
    byId("clear").addEventListener("click", clear);
    byId("undo").addEventListener("click", undo);
    check();
    update();
    document.getElementById("demo").hidden = false;
  }

  start();
  return { judge, compare, check, latest: () => result };
})();
