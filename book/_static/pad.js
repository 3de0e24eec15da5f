/* The drawing pad: paper, and what a trained model says about the digit on it. Any page can hold
 * one, <div data-pad="full"> or, with the least around it, <div data-pad="compact">, and the scripts
 * mnist_model, softmax, digits, scans, paper and this one. The pad makes all else by itself. Given two
 * models, it shows what one of them says, and whether the other agrees. */
"use strict";

const Pad = (() => {
  const QUIET = 700; // milliseconds without a change before a screen reader is told
  const PEN = 22; // width of the compact pad's only pen
  const FILE = "my_digit.png";
  const CLASSES = 10;

  /** A probability in per cent; none is ever quite 0 or 1. */
  function percent(p) {
    const text = p < 0.0005 ? "< 0.1" : p > 0.9995 ? "> 99.9" : (100 * p).toFixed(1);
    return `${text}\u00a0%`;
  }

  /** Classes, the most probable first. */
  function ranking(probabilities) {
    return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  }

  /** Decodes what chapters wrote, {name: array or number}. */
  function unpack(values) {
    return Object.fromEntries(Object.entries(values).map(
      ([name, value]) => [name, value.base64 ? Softmax.decode(value) : value],
    ));
  }

  /** What to tell readers when a script is missing, or nothing. */
  function missing(...names) {
    const here = names.every((name) => globalThis.MEASURED?.[name]) && typeof Softmax !== "undefined" &&
      typeof Digits !== "undefined" && typeof Scans !== "undefined" && typeof Paper !== "undefined";
    return here ? "" : "The model did not arrive: a script in the folder _static is missing. Load the " +
      "page again; a copy of the book needs that folder.";
  }

  /**
   * The model on pixels, as a pad asks it.
   * @returns {Object} `name`; `model`; and `judge(pixels)`, which takes one picture of 784 pixels from 0 to 255
   *   after another and gives {input, logits, probabilities}, row by row.
   */
  function onPixels() {
    const model = unpack(MEASURED.mnist_model); // weight, bias, mean, deviation
    function judge(pixels) {
      const input = Digits.standardise(pixels, model.mean, model.deviation);
      const logits = Softmax.logits(input, model.weight, model.bias);
      return { input, logits, probabilities: Softmax.softmax(logits, model.bias.length) };
    }
    return { name: "pixels", model, judge };
  }

  const FALSIFIED = "This browser alters what a page reads from a drawing, to hinder tracking. What the model " +
    "is given here is therefore not what you draw. Allow this page to read canvases, then load it again.";

  const TOOLS = `
    <label>Pen <select id="demo-pen">
      <option value="10">thin</option>
      <option value="22" selected>medium</option>
      <option value="38">thick</option>
    </select></label>`;
  const OPINIONS = `
    <fieldset id="demo-opinions" class="demo-opinions"><legend>Opinion of</legend></fieldset>`;
  const FILES = `
    <p class="demo-file"><label for="demo-file">Or a photo or scan of one digit, chosen here or dropped on
      the paper:</label> <input type="file" id="demo-file" accept="image/*"></p>
    <p id="demo-refused" class="demo-message demo-failed" role="alert" hidden></p>`;

  const KEYS = `
    <p id="demo-keys" class="demo-note">Mouse, finger or keyboard. On the paper, arrow keys move the pen (with
      Shift in small steps), <kbd>Space</kbd> puts it down or lifts it, <kbd>Delete</kbd> clears,
      <kbd>Ctrl</kbd> <kbd>Z</kbd> undoes.</p>`;

  /** What the pad consists of. Compact, paper and answer fit a phone's screen. Full, it has headings, which its page's contents do not list. */
  function markUp(full) {
    const section = (name, title, body) => (full
      ? `<section aria-labelledby="demo-${name}-title"><h3 id="demo-${name}-title">${title}</h3>${body}</section>`
      : `<section aria-label="${title}">${body}</section>`);
    return `<div class="demo-pair">${section("draw", "On the paper", `
      <canvas id="demo-paper" class="demo-paper" width="${Paper.SIDE}" height="${Paper.SIDE}" tabindex="0"
        role="application" aria-label="Paper to draw on" aria-describedby="demo-keys">This browser cannot
        draw.</canvas>
      <div class="demo-buttons">
        <button type="button" id="demo-clear">Clear</button>
        <button type="button" id="demo-undo">Undo</button>${full ? TOOLS : ""}
        <button type="button" id="demo-save">Save picture</button>
      </div>${full ? KEYS : ""}`)}${section("bars", "What the model says", `
      ${full ? OPINIONS : ""}
      <p id="demo-verdict" class="demo-verdict"></p>${full ? `
      <p id="demo-other" class="demo-other"></p>` : ""}
      <ul id="demo-bars" class="demo-bars" aria-label="Probability of each digit"></ul>${full ? `
      <p class="demo-note">Choose a digit to see, further down, what spoke for it and what
        against.</p>` : ""}`)}</div>${full ? FILES : KEYS}
    <p id="demo-falsified" class="demo-message demo-failed" role="alert" hidden></p>
    <p id="demo-status" class="demo-hidden" role="status"></p>`;
  }

  /**
   * Makes a pad.
   * @param {HTMLElement} root - Empty, with data-pad="full" or "compact".
   * @param {function(Object)} [follow] - Called with the pad after each change of what it shows.
   * @param {Object[]} [opinions] - The models to choose from, one or two, as from onPixels.
   * @returns {Object} The pad: `put`, the `opinion` chosen, and what it shows at the moment.
   */
  function mount(root, follow = () => {}, opinions = [onPixels()]) {
    const full = root.dataset.pad === "full";
    root.innerHTML = markUp(full);
    root.classList.add("demo");
    const find = (name) => root.querySelector(`#demo-${name}`);

    let opinion = opinions[0];
    let result = null; // of what lies on the paper, by the opinion chosen
    let other = ""; // what the other model says of it
    let chosen = null; // digit to explain; null: the most probable

    /** The most probable digit in words. */
    function verdict() {
      if (result === null) {
        const blank = opinion.judge(new Uint8Array(Digits.SIDE * Digits.SIDE)).probabilities;
        const [first] = ranking(blank);
        return `Draw a digit from 0 to 9. Blank paper is not judged: the model, which must choose, ` +
          `would call it a ${first} (${percent(blank[first])}).`;
      }
      const [first, second] = ranking(result.probabilities);
      const [p, q] = [result.probabilities[first], result.probabilities[second]].map(percent);
      const label = paper.guest?.label;
      const truth = label === undefined ? "" : first === label
        ? ", and that is its label" : `, but its label is ${label}`;
      return `Most probable: ${first} (${p})${truth}. Next: ${second} (${q}).`;
    }

    /** Whether the other model says the same. */
    function secondOpinion() {
      const second = opinions.find((each) => each !== opinion);
      if (!second || result === null) return "";
      const { probabilities } = second.judge(result.pixels);
      const [[first], [ours]] = [probabilities, result.probabilities].map(ranking);
      const name = second.name[0].toUpperCase() + second.name.slice(1);
      return `${name} ${first === ours ? "agree" : "disagree"}: ${first} (${percent(probabilities[first])}).`;
    }

    /** Judges what lies on the paper and shows everything that follows from it. */
    function update(anew = false) {
      if (anew) chosen = null;
      const guest = paper.guest;
      const prepared = guest ? guest.prepared ?? null : Digits.prepare(paper.readInk(), Paper.SIDE);
      const pixels = guest?.pixels ?? prepared?.pixels;
      result = pixels ? { pixels, prepared, ...opinion.judge(pixels) } : null;
      other = secondOpinion();
      if (full) find("other").textContent = other;
      find("verdict").textContent = verdict();
      find("undo").disabled = paper.blank;
      find("save").disabled = guest !== null || result === null;
      if (full) find("refused").hidden = true;
      paper.show();
      showBars();
      follow(pad);
    }

    function explained() {
      return result && (chosen ?? ranking(result.probabilities)[0]);
    }

    function showBars() {
      const top = result && ranking(result.probabilities)[0];
      for (const [k, item] of [...find("bars").children].entries()) {
        const [bar, p] = [item.firstElementChild, result ? result.probabilities[k] : 0];
        bar.classList.toggle("demo-top", k === top);
        bar.style.setProperty("--share", String(p));
        bar.querySelector(".demo-value").textContent = result ? percent(p) : "–";
        if (!full) continue;
        bar.disabled = result === null;
        bar.setAttribute("aria-pressed", String(k === explained()));
      }
    }

    /** Chooses the digit to explain, or with null the most probable. */
    function choose(k) {
      chosen = k;
      showBars();
      follow(pad);
    }

    /** Makes ten bars; where reasons are shown, each is a button that asks for them. */
    function makeBars() {
      for (let k = 0; k < CLASSES; k++) {
        const item = document.createElement("li");
        const bar = document.createElement(full ? "button" : "div");
        bar.className = "demo-row";
        bar.innerHTML = `<span>${k}</span> <span class="demo-bar" aria-hidden="true"></span> ` +
          `<span class="demo-value"></span>`;
        if (full) {
          bar.type = "button";
          bar.addEventListener("click", () => {
            choose(k);
            announce(`Explained: ${k}, chosen by you.`);
          });
        }
        item.append(bar);
        find("bars").append(item);
      }
    }

    /** Lets readers choose between two models. */
    function makeOpinions() {
      find("opinions").hidden = opinions.length < 2;
      for (const each of opinions) {
        const [label, button, name] = ["label", "input", "span"].map((tag) => document.createElement(tag));
        Object.assign(button, { type: "radio", name: "demo-opinion", checked: each === opinion });
        name.textContent = each.name;
        label.append(button, name);
        button.addEventListener("change", () => {
          opinion = each;
          update();
          announce(`Opinion of ${each.name}.`, true);
        });
        find("opinions").append(label);
      }
    }

    let timer;
    /** Tells screen readers, once nothing has happened for a while: the last text alone counts. */
    function announce(text, judged = false) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        find("status").textContent = `${text} ${judged ? `${verdict()} ${other}` : ""}`.trim();
      }, QUIET);
    }

    /** Puts a picture file on the paper, or says why it cannot be read. */
    async function take(file) {
      try {
        const { ink, width } = await Paper.readFile(file);
        const prepared = Digits.prepare(ink, width);
        paper.put({ image: Paper.picture(ink, width), pixels: prepared.pixels, prepared, name: file.name });
        announce(`The picture ${file.name}.`, true);
      } catch (error) {
        find("refused").textContent = `The picture ${file.name} was not taken. ${error.message}`;
        find("refused").hidden = false;
      }
    }

    function listenToFiles() {
      find("file").addEventListener("change", async () => {
        const [file] = find("file").files;
        if (file) await take(file);
        find("file").value = ""; // so that the same one can be taken again
      });
      find("paper").addEventListener("dragover", (event) => {
        event.preventDefault(); // or nothing could be dropped
        event.dataTransfer.dropEffect = "copy";
      });
      find("paper").addEventListener("drop", (event) => {
        event.preventDefault(); // or the browser would leave the page and show the picture
        const [file] = event.dataTransfer.files;
        if (file) take(file);
      });
    }

    const paper = Paper.lay(find("paper"), {
      penWidth: () => Number(find("pen")?.value ?? PEN),
      changed: update,
      say: announce,
    });
    const pad = {
      announce, choose, verdict, put: paper.put,
      get opinion() { return opinion; },
      get other() { return other; },
      get guest() { return paper.guest; },
      get result() { return result; },
      get chosen() { return chosen; },
      get explained() { return explained(); },
    };
    makeBars();
    if (full) makeOpinions();
    find("clear").addEventListener("click", paper.clear);
    find("undo").addEventListener("click", paper.undo);
    find("save").addEventListener("click", () => {
      Paper.save(paper.readInk(), Paper.SIDE, FILE);
      announce(`Saved as ${FILE}.`);
    });
    if (full) listenToFiles();
    find("falsified").hidden = Paper.readsTrue();
    if (!find("falsified").hidden) find("falsified").textContent = FALSIFIED;
    update();
    return pad;
  }

  for (const root of document.querySelectorAll('[data-pad="compact"]')) {
    const fault = missing("mnist_model");
    if (fault) root.textContent = fault;
    else mount(root);
  }
  return { mount, missing, unpack, onPixels, ranking, percent };
})();
