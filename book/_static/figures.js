/* Figures that move. A page holds a still picture, <figure class="live-figure live-NAME">, as
 * live.show("NAME") left it; where scripts run, controls and drawings stand in its place. On paper,
 * and without scripts, the still stays.
 *
 * A figure is a script of its own, figure_NAME.js, that calls Figures.define once. In the browser's
 * console, Figures.shown.NAME offers its settings and what it computed. */
"use strict";

const Figures = (() => {
  const QUIET = 700; // milliseconds without a change before a screen reader is told
  const SVG = "http://www.w3.org/2000/svg";
  const shown = {}; // by name, what is on this page

  /** Makes an element of HTML with attributes and what stands in it. */
  function make(tag, attributes = {}, ...content) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...content);
    return element;
  }

  /** A drawing of fixed size, which the page scales; `add` draws into it, in its own pixels. */
  class Drawing {
    /**
     * @param {number} width - In pixels, near to those on the screen, so that text is readable.
     * @param {number} height - The same.
     */
    constructor(width, height) {
      [this.width, this.height] = [width, height];
      this.element = document.createElementNS(SVG, "svg");
      this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.element.setAttribute("role", "img");
    }

    /** Adds a shape: its name in SVG, its attributes and, for text, its words. */
    add(tag, attributes, text = "", parent = this.element) {
      const shape = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
      shape.textContent = text;
      parent.append(shape);
      return shape;
    }

    /**
     * Draws axes with their grid, and returns what turns values into pixels, [across, up].
     * @param {Object} x - {ticks, label}, with {from, to} where they are not the outer ticks, `base` for a
     *   tick with a stronger line that is not the first, `log` for a logarithmic axis, and `say(tick)` for
     *   how a tick is written.
     * @param {Object} y - The same.
     * @param {number[]} room - Pixels at the left, right, top and bottom that are not between the axes.
     */
    axes(x, y, room = [44, 20, 12, 40]) {
      const [left, right, top, bottom] = [room[0], this.width - room[1], room[2], this.height - room[3]];
      const place = ({ ticks, from = ticks[0], to = ticks.at(-1), log }, first, last) => {
        const scale = log ? Math.log : (value) => value;
        return (value) => first + ((scale(value) - scale(from)) / (scale(to) - scale(from))) * (last - first);
      };
      const [across, up] = [place(x, left, right), place(y, bottom, top)];
      const look = ({ ticks, base = ticks[0] }, tick) => (tick === base ? "live-axis" : "live-grid");
      for (const tick of x.ticks) {
        const at = across(tick);
        this.add("line", { x1: at, x2: at, y1: top, y2: bottom, class: look(x, tick) });
        this.add("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, (x.say ?? String)(tick));
      }
      for (const tick of y.ticks) {
        const at = up(tick);
        this.add("line", { x1: left, x2: right, y1: at, y2: at, class: look(y, tick) });
        this.add("text", { x: left - 7, y: at + 5, "text-anchor": "end" }, (y.say ?? String)(tick));
      }
      this.add("text", { x: (left + right) / 2, y: bottom + 35, "text-anchor": "middle" }, x.label);
      return [across, up];
    }

    /** Draws a line through points, pairs of pixels. */
    line(points, look = "live-curve") {
      return this.add("polyline", { points: points.map((point) => point.join()).join(" "), class: look });
    }

    /** Draws picture number `index` of a strip of square ones, `count` side by side, into a square. */
    picture(source, count, index, { x, y, side }) {
      const frame = this.add("svg", { x, y, width: side, height: side, viewBox: `${index} 0 1 1` });
      this.add("image", { href: source, width: count, height: 1, class: "live-pixels" }, "", frame);
      this.add("rect", { x, y, width: side, height: side, fill: "none", class: "live-axis" });
    }

    clear() {
      this.element.replaceChildren();
    }
  }

  /** A control with its label, and for a slider its value; `changed(value)` hears of each change. */
  function makeControl(figure, control, changed) {
    const id = `live-${figure}-${control.name}`;
    const label = make("label", { for: id }, control.label);
    if (control.options) {
      const select = make("select", { id });
      for (const [value, text] of control.options) select.append(make("option", { value }, text));
      select.addEventListener("change", () => changed(Number(select.value)));
      const show = (value) => { select.value = value; };
      return { row: make("div", { class: "live-control" }, label, select), show };
    }
    const { min, max, step } = control;
    const slider = make("input", { id, type: "range", min, max, step });
    const output = make("output", { for: id });
    slider.addEventListener("input", () => changed(Number(slider.value)));
    const show = (value) => {
      slider.value = value;
      output.textContent = control.say ? control.say(value) : String(value);
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    label.append(" ", output);
    return { row: make("div", { class: "live-control" }, label, slider), show };
  }

  /** A table: the first row its head, the first cell of each other row that row's head. */
  function fillTable(table, [heads, ...rows]) {
    table.replaceChildren(
      make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows.map(([head, ...cells]) => make("tr", {},
        make("th", { scope: "row" }, head), ...cells.map((text) => make("td", {}, text))))),
    );
  }

  /** A number with so many decimals, and a minus sign that is one. */
  const number = (x, digits = 2) => x.toFixed(digits).replace("-", "−");

  /** The numbers that a chapter handed over to a figure, see lessons/live.py. */
  const handedOver = (name) => JSON.parse(document.getElementById(`live-values-${name}`)?.textContent ?? "null");

  /** A question to answer before anything moves; `reveal(values)` tells the answer, once. */
  function makePrediction(name, { question, choices, right, because }) {
    const verdict = make("p", { class: "live-verdict" });
    const inputs = choices.map((_, value) => make("input", { type: "radio", name: `live-${name}-guess`, value }));
    const labels = choices.map((text, i) => make("label", {}, inputs[i], ` ${text}`));
    const title = make("legend", {}, `Predict first, then move a control. ${question}`);
    const reveal = (values) => {
      const guess = inputs.findIndex((input) => input.checked);
      const correct = right(values);
      const met = guess === correct ? "As you predicted: " : `You predicted “${choices[guess]}”. It is: `;
      verdict.textContent = `${guess < 0 ? "" : met}${choices[correct]}. ${because(values)}`;
      for (const input of inputs) input.disabled = true;
      return verdict.textContent;
    };
    return { row: make("fieldset", { class: "live-predict" }, title, ...labels, verdict), reveal };
  }

  /** Puts a figure in the place of its still. */
  function mount(figure, name, kind) {
    const start = Object.fromEntries(kind.controls.map(({ name: key, value }) => [key, value]));
    let [settings, moved] = [{ ...start }, false];
    const prediction = kind.predict && makePrediction(name, kind.predict);
    const region = make("div", { class: "live not-printed", role: "group", "aria-label": kind.title });
    const controls = make("div", { class: "live-controls" });
    const buttons = make("div", { class: "live-buttons" });
    const pictures = make("div", { class: "live-pictures" });
    const table = make("table", { class: "table measured" });
    const result = make("p", { class: "live-result" });
    const status = make("p", { class: "live-status", role: "status" });

    const shows = kind.controls.map((control) => {
      const { row, show } = makeControl(name, control, (value) => change({ [control.name]: value }));
      controls.append(row);
      return () => show(settings[control.name]);
    });
    const drawings = kind.pictures.map(({ title, width, height, draw, words }) => {
      const drawing = new Drawing(width, height);
      pictures.append(make("div", {}, make("p", { class: "live-title" }, title), drawing.element));
      return (values) => {
        drawing.clear();
        draw(drawing, values, settings, moved);
        drawing.element.setAttribute("aria-label", words(values, settings));
      };
    });
    const actions = [
      ...kind.actions ?? [], { label: "Start again", apply: () => start, allowed: () => true },
    ].map(({ label, apply, allowed }) => {
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", () => change(apply(settings)));
      buttons.append(button);
      return () => { button.disabled = !allowed(settings); };
    });

    let timer;
    /** Takes new settings, and tells screen readers once nothing has happened for a while. */
    function change(some) {
      const answer = moved ? "" : prediction?.reveal(kind.compute(start)) ?? "";
      [settings, moved] = [{ ...settings, ...some }, true];
      update();
      clearTimeout(timer);
      timer = setTimeout(() => {
        status.textContent = `${answer} ${kind.say(shown[name].values, settings)}`.trim();
      }, QUIET);
    }

    function update() {
      const values = kind.compute(settings);
      shown[name] = { settings: { ...settings }, values, set: change };
      for (const show of [...shows, ...actions]) show();
      for (const draw of drawings) draw(values);
      fillTable(table, kind.table(values, settings));
      result.textContent = kind.say(values, settings);
    }

    if (prediction) region.append(prediction.row);
    region.append(controls, pictures, buttons, table, result, status);
    for (const still of figure.querySelectorAll("img")) {
      still.loading = "eager"; // it is not seen, yet must be there when the page is printed
      (still.closest("a") ?? still).classList.add("only-printed");
    }
    figure.prepend(region);
    update();
  }

  /**
   * Defines a figure and shows it wherever its still stands on the page.
   * @param {string} name - As in live.show(name).
   * @param {Object} kind - `title`, a phrase; `controls`, each {name, label, value} with {min, max,
   *   step} for a slider, whose value `say` may put into words, or `options`, pairs of number and
   *   text; `actions`, if any, each {label, apply(settings), allowed(settings)}; `compute(settings)`
   *   returns values; `pictures`, each {title, width, height, draw(drawing, values, settings, moved),
   *   words(values, settings)}; `table(values, settings)` returns rows of text, the head first;
   *   `say(values, settings)` what came out, in one or two sentences. Before anything is moved, readers
   *   may predict: `predict`, {question, choices, right(values), because(values)}, of which `right` is
   *   the place of the right choice and `because` says why, both for the values at the start.
   */
  function define(name, kind) {
    for (const figure of document.querySelectorAll(`figure.live-${name}`)) mount(figure, name, kind);
  }

  return { define, shown, number, handedOver, Drawing };
})();
