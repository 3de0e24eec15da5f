/* The live models' page: test images, what a model sees, and why it says what it says. Paper and
 * bars are the pad's, in pad.js; the arithmetic is in softmax.js, digits.js and features.js. `Demo` offers
 * what the page computes to whoever wants to check it. */
"use strict";

const Demo = (() => {
  const FEW = 5; // test images that the second model is checked on while the page loads
  const WITHOUT_SECOND = "The second model, on small pieces, did not arrive: a script in the folder _static is " +
    "missing. The model on pixels works without it.";
  const [BLUE, VERMILION] = ["#0072B2", "#D55E00"];

  const byId = (name) => document.getElementById(`demo-${name}`);
  const signed = (x) => {
    const size = Math.abs(x).toFixed(2);
    return size === "0.00" ? size : `${x < 0 ? "−" : "+"}${size}`;
  };

  let pad; // see pad.js
  let shown; // the opinion that marks the test images
  let tests; // {images, labels, probabilities}, a hundred of each, one after the other

  // The models: besides what the pad asks of them, what this page checks and shows
  //   expected, tolerance: PyTorch's probabilities for the test images, and how far this page's may be off
  //   see(result): pixels as the model takes them; seen, steps(result): how they came to be, in words
  //   explain(result, k): parts for all places and the bias, and how much ink each place has
  //   places: their number along a side, and in pixels their distance and the middle of the first

  function onPixels() {
    const opinion = Pad.onPixels();
    const { weight, bias, mean, deviation } = opinion.model;
    const [paper, full] = Digits.standardise([0, 255], mean, deviation);
    return {
      ...opinion,
      expected: tests.probabilities,
      tolerance: 1e-5,
      see: (result) => result.pixels,
      seen: "",
      steps: () => `Standardised, a blank pixel counts ${signed(paper)} and a full one ${signed(full)}.`,
      explain: (result, k) => [Digits.explain(result.input, weight, bias, k), result.pixels],
      places: { name: "pixels", along: Digits.SIDE, step: 1, first: 0.5 },
    };
  }

  function onPieces() {
    const { probabilities, ...model } = Pad.unpack(MEASURED.mnist_features_model);
    const along = Features.along(model);
    return {
      name: "small pieces",
      judge: (pixels) => Features.judge(pixels, model),
      expected: probabilities,
      // Where rounding in Python goes the other way, a pixel of the upright digit differs by one grey level.
      // That is one digit in seventy; it moves the probabilities of an unsure digit by up to 1e-3.
      tolerance: 2e-3,
      see: (result) => result.upright,
      seen: ", sheared upright",
      steps: (result) => (result ? `It leaned ${signed(Features.slant(result.pixels))} pixels to the right for ` +
        "each pixel up, and was sheared upright. " : "") +
        `${along} × ${along} pieces of ${Features.PATCH} × ${Features.PATCH} pixels, which overlap, are each ` +
        `compared with ${model.offsets.length} patterns. A mark stands at the middle of its piece.`,
      explain: (result, k) => [
        Features.explain(result.upright, model, k), Features.inkAt(result.upright, model),
      ],
      places: { name: "places", along, step: model.stride, first: Features.PATCH / 2 },
    };
  }

  // What the model says

  /** Pixels of one test image. */
  function testPixels(number) {
    const size = Digits.SIDE * Digits.SIDE;
    return tests.images.subarray(number * size, (number + 1) * size);
  }

  /** A model's probabilities for all test images, computed once, when they are first needed. */
  function readings(opinion) {
    opinion.readings ??= opinion.judge(tests.images).probabilities;
    return opinion.readings;
  }

  /** Largest difference between the page's probabilities for the first test images and PyTorch's. */
  function compare(opinion = pad.opinion, number = tests.labels.length) {
    const images = tests.images.subarray(0, number * Digits.SIDE ** 2);
    const here = number < tests.labels.length ? opinion.judge(images).probabilities : readings(opinion);
    if (here.length * tests.labels.length !== opinion.expected.length * number) return NaN;
    return here.reduce((worst, p, i) => Math.max(worst, Math.abs(p - opinion.expected[i])), 0);
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
    if (pad.opinion !== shown) showOpinion();
  }

  /** Both verdicts on a test image in few words, beside the images: the pad may be off screen. */
  function brief() {
    const label = pad.guest?.label;
    if (label === undefined) return "";
    const [first] = Pad.ranking(pad.result.probabilities);
    return `Read as ${first} (${Pad.percent(pad.result.probabilities[first])}), ` +
      `${first === label ? "rightly" : `but labelled ${label}`}. ${pad.other}`.trim();
  }

  /** Draws 28 x 28 pixels, ink dark on light paper as everywhere in the book. */
  function drawPixels(canvas, pixels) {
    // Kept in memory, it is painted with the page; the graphics card would show it a moment later.
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const ink = Float64Array.from({ length: Digits.SIDE ** 2 }, (_, i) => (pixels ? pixels[i] / 255 : 0));
    context.drawImage(Paper.picture(ink, Digits.SIDE), 0, 0);
  }

  function showSeen() {
    const { result, opinion, guest } = pad;
    const { box, columns, rows } = result?.prepared ?? {};
    const [whose, where] = guest ? [`the picture ${guest.name}`, "picture"] : ["your drawing", "paper"];
    const [label, steps] = !result ? ["all blank", ""]
      : !result.prepared ? [guest.name, "The test image. "]
        : [`${whose}, scaled and centred`, `Your ink, ${box.width} × ${box.height} points ` +
          `of the ${where}, became ${columns} × ${rows} pixels. `];
    drawPixels(byId("seen"), result && opinion.see(result));
    byId("seen").setAttribute("aria-label", `28 by 28 pixels: ${label}${result ? opinion.seen : ""}.`);
    byId("steps").textContent = steps + opinion.steps(result);
  }

  /** Shows what spoke for and against the class to explain: marks, sums, and nothing left over. */
  function showReasons() {
    const { result, opinion, explained: k } = pad;
    byId("sums").hidden = result === null;
    byId("why-title").textContent = `Which ${opinion.places.name} spoke`;
    if (result === null) {
      byId("largest").textContent = "Nothing yet: draw, or take a test image.";
      drawMap(null, [], opinion.places);
      byId("map").setAttribute("aria-label", "Nothing yet: the paper is blank.");
      return;
    }
    const [parts, ink] = opinion.explain(result, k);
    const sums = Digits.addUp(ink, parts);
    drawMap(opinion.see(result), parts.places, opinion.places);
    const largest = parts.places.reduce((most, part) => Math.max(most, Math.abs(part)), 0);
    byId("largest").textContent = `The largest stands for ${largest.toFixed(2)} logits.`;
    const { along, name } = opinion.places;
    byId("map").setAttribute("aria-label", `Marks on ${along} by ${along} ${name}: what spoke for and ` +
      `against ${k}. The sums are in the table below.`);
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

  /** Draws a mark for each place, its area in proportion to its part; below the marks the digit, pale. */
  function drawMap(pixels, parts, { along, step, first }) {
    const canvas = byId("map");
    const context = canvas.getContext("2d");
    const unit = canvas.width / Digits.SIDE; // a pixel of the digit
    const largest = parts.reduce((most, part) => Math.max(most, Math.abs(part)), 1e-12);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    pixels?.forEach((pixel, i) => {
      context.fillStyle = `rgb(0 0 0 / ${(0.25 * pixel) / 255})`;
      context.fillRect((i % Digits.SIDE) * unit, Math.floor(i / Digits.SIDE) * unit, unit, unit);
    });
    parts.forEach((part, i) => {
      const [x, y] = [i % along, Math.floor(i / along)].map((at) => (first + step * at) * unit);
      const size = Math.sqrt(Math.abs(part) / largest) * step * unit;
      context.fillStyle = part >= 0 ? BLUE : VERMILION;
      context.beginPath();
      if (part >= 0) context.rect(x - size / 2, y - size / 2, size, size);
      else context.arc(x, y, size / 2, 0, 2 * Math.PI);
      context.fill();
    });
  }

  function markTest() {
    for (const [number, button] of [...byId("tests").children].entries()) {
      button.setAttribute("aria-pressed", String(number === pad.guest?.number));
    }
  }

  // What one touches

  /** Shows what the chosen model makes of the test images: its errors, and whether PyTorch says the same. */
  function showOpinion() {
    shown = pad.opinion;
    const probabilities = readings(shown);
    let errors = 0;
    for (const [i, button] of [...byId("tests").children].entries()) {
      const label = tests.labels[i];
      const [said] = Pad.ranking(probabilities.subarray(10 * i, 10 * (i + 1)));
      const wrong = said !== label;
      if (wrong) errors += 1;
      button.classList.toggle("demo-wrong", wrong);
      button.setAttribute("aria-label", `Test image ${i + 1}: a ${label}${wrong ? `, read as a ${said}` : ""}`);
    }
    byId("tests-note").textContent = `The first ${tests.labels.length} images of the test set, which ` +
      `the model has not seen in training. From ${shown.name} it misreads ` +
      `${errors === 0 ? "none of them" : `${errors} of them; × marks these`}. ` +
      `They are no random sample of the whole set. Arrow keys move between them.`;
    check();
  }

  /** Makes a button for each test image. Tab reaches one of them, arrow keys the others. */
  function makeTests() {
    const buttons = Array.from(tests.labels, (_, number) => {
      const [button, picture] = ["button", "canvas"].map((tag) => document.createElement(tag));
      button.type = "button";
      button.tabIndex = number === 0 ? 0 : -1;
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
  function check(opinion = pad.opinion, number = tests.labels.length) {
    const difference = compare(opinion, number);
    const good = difference <= opinion.tolerance; // false for NaN, too
    byId("check").classList.toggle("demo-failed", !good);
    byId("check").textContent = good
      ? `Checked just now: on ${number} test images this page and PyTorch agree to within ` +
        `${roundUp(difference)} in every probability.`
      : `This page fails its own check: on ${number} test images its probabilities, from ${opinion.name}, ` +
        `differ from PyTorch's by up to ${difference.toPrecision(2)}, and ${roundUp(opinion.tolerance)} is ` +
        `allowed. Do not trust what it shows. Load the page again; if this message stays, open an issue.`;
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
    const opinions = [onPixels()];
    const second = MEASURED.mnist_features_model && typeof Features !== "undefined" ? onPieces() : null;
    if (second) opinions.push(second);
    makeTests();
    const root = document.querySelector('#demo [data-pad="full"]');
    pad = Pad.mount(root, (itself) => {
      pad = itself;
      update();
    }, opinions);
    byId("follow").addEventListener("click", () => {
      pad.choose(null);
      byId("bars").querySelector("[aria-pressed=true]").focus(); // this button is now switched off
    });
    if (second && !(compare(second, FEW) <= second.tolerance)) check(second, FEW);
    byId("second").hidden = second !== null;
    byId("second").textContent = second ? "" : WITHOUT_SECOND;
    document.getElementById("demo").hidden = false;
  }

  start();
  return { judge: (pixels) => pad.opinion.judge(pixels), compare, check, latest: () => pad.result };
})();
