/* The live model's page: test images, what the model sees, and why it says what it says. Paper and
 * bars are the pad's, in pad.js; the arithmetic is in softmax.js and digits.js. `Demo` offers what the
 * page computes to whoever wants to check it. */
"use strict";

const Demo = (() => {
  const TOLERANCE = 1e-5; // of the probabilities, against PyTorch's
  const [BLUE, VERMILION] = ["#0072B2", "#D55E00"];

  const byId = (name) => document.getElementById(`demo-${name}`);
  const signed = (x) => {
    const size = Math.abs(x).toFixed(2);
    return size === "0.00" ? size : `${x < 0 ? "−" : "+"}${size}`;
  };

  let pad; // see pad.js
  let tests; // {images, labels, probabilities}, a hundred of each, one after the other

  // What the model says

  /** Pixels of one test image. */
  function testPixels(number) {
    const size = Digits.SIDE * Digits.SIDE;
    return tests.images.subarray(number * size, (number + 1) * size);
  }

  /** Largest difference between the page's probabilities for the test images and PyTorch's. */
  function compare() {
    const here = pad.judge(tests.images).probabilities;
    if (here.length !== tests.probabilities.length) return NaN;
    return here.reduce((worst, p, i) => Math.max(worst, Math.abs(p - tests.probabilities[i])), 0);
  }

  /** Puts a test image on the paper. */
  function showTest(number) {
    const [pixels, label] = [testPixels(number), tests.labels[number]];
    const image = Paper.picture(Float64Array.from(pixels, (pixel) => pixel / 255), Digits.SIDE);
    pad.put({ image, pixels, label, number, name: `test image ${number + 1}` });
    pad.announce(`Test image ${number + 1}, labelled ${label}.`, true);
  }

  // What one sees

  /** Shows everything that follows from what lies on the paper. */
  function update() {
    byId("brief").textContent = brief();
    showSeen();
    showReasons();
    markTest();
  }

  /** The verdict on a test image in few words, beside the images: the other may be off screen. */
  function brief() {
    const label = pad.guest?.label;
    if (label === undefined) return "";
    const [first] = Pad.ranking(pad.result.probabilities);
    return `Read as ${first} (${Pad.percent(pad.result.probabilities[first])}), ` +
      `${first === label ? "rightly" : `but labelled ${label}`}.`;
  }

  /** Draws 28 x 28 pixels, ink dark on light paper as everywhere in the book. */
  function drawPixels(canvas, pixels) {
    // Kept in memory, it is painted with the page; the graphics card would show it a moment later.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const ink = Float64Array.from({ length: Digits.SIDE ** 2 }, (_, i) => (pixels ? pixels[i] / 255 : 0));
    context.drawImage(Paper.picture(ink, Digits.SIDE), 0, 0);
  }

  function showSeen() {
    const { pixels, prepared } = pad.result || {};
    const [paper, full] = Digits.standardise([0, 255], pad.model.mean, pad.model.deviation);
    const { box, columns, rows } = prepared || {};
    const [whose, where] = pad.guest ? [`the picture ${pad.guest.name}`, "picture"] : ["your drawing", "paper"];
    const [label, steps] = !pixels ? ["all blank.", ""]
      : !prepared ? [`${pad.guest.name} as it is.`, "The test image as it is. "]
        : [`${whose}, scaled and centred.`, `Your ink, ${box.width} × ${box.height} points ` +
          `of the ${where}, became ${columns} × ${rows} pixels. `];
    drawPixels(byId("seen"), pixels);
    byId("seen").setAttribute("aria-label", `28 by 28 pixels: ${label}`);
    byId("steps").textContent = steps +
      `Standardised, a blank pixel counts ${signed(paper)} and a full one ${signed(full)}.`;
  }

  /** Shows what spoke for and against the class to explain: marks, sums, and nothing left over. */
  function showReasons() {
    const { result, model, explained: k } = pad;
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
    byId("explained").textContent = `Explained: ${k}, ` + (pad.chosen === null
      ? "the most probable digit. Choose another among the bars." : "chosen by you.");
    byId("follow").disabled = pad.chosen === null;
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
      context.fillStyle = part >= 0 ? BLUE : VERMILION;
      context.beginPath();
      if (part >= 0) context.rect(x + (cell - size) / 2, y + (cell - size) / 2, size, size);
      else context.arc(x + cell / 2, y + cell / 2, size / 2, 0, 2 * Math.PI);
      context.fill();
    });
  }

  function markTest() {
    for (const [number, button] of [...byId("tests").children].entries()) {
      button.setAttribute("aria-pressed", String(number === pad.guest?.number));
    }
  }

  // What one touches

  /** Makes a button for each test image. Tab reaches one of them, arrow keys the others. */
  function makeTests() {
    const { probabilities } = pad.judge(tests.images);
    const said = Array.from(tests.labels, (_, i) => (
      Pad.ranking(probabilities.subarray(10 * i, 10 * (i + 1)))[0]
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

  function start() {
    const fault = typeof Pad === "undefined"
      ? "The drawing pad did not arrive: load the page again." : Pad.missing("mnist_model", "mnist_test_images");
    if (fault) {
      byId("check").textContent = fault;
      byId("check").classList.add("demo-failed");
      byId("check").hidden = false;
      return;
    }
    tests = Pad.unpack(MEASURED.mnist_test_images);
    const root = document.querySelector('#demo [data-pad="full"]');
    pad = Pad.mount(root, (itself) => {
      pad = itself;
      update();
    });
    makeTests();
    byId("follow").addEventListener("click", () => {
      pad.choose(null);
      byId("bars").querySelector("[aria-pressed=true]").focus(); // this button is now switched off
    });
    check();
    document.getElementById("demo").hidden = false;
  }

  start();
  return { judge: (pixels) => pad.judge(pixels), compare, check, latest: () => pad.result };
})();
