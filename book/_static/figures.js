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
    add(tag, attributes, text = "") {
      const shape = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
      shape.textContent = text;
      this.element.append(shape);
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

  /** Puts a figure in the place of its still. */
  function mount(figure, name, kind) {
    const start = Object.fromEntries(kind.controls.map(({ name: key, value }) => [key, value]));
    let settings = { ...start };
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
        draw(drawing, values, settings);
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
      settings = { ...settings, ...some };
      update();
      clearTimeout(timer);
      timer = setTimeout(() => { status.textContent = kind.say(shown[name].values, settings); }, QUIET);
    }

    function update() {
      const values = kind.compute(settings);
      shown[name] = { settings: { ...settings }, values, set: change };
      for (const show of [...shows, ...actions]) show();
      for (const draw of drawings) draw(values);
      fillTable(table, kind.table(values, settings));
      result.textContent = kind.say(values, settings);
    }

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
   *   returns values; `pictures`, each {title, width, height, draw(drawing, values, settings),
   *   words(values, settings)}; `table(values, settings)` returns rows of text, the head first;
   *   `say(values, settings)` what came out, in one or two sentences.
   */
  function define(name, kind) {
    for (const figure of document.querySelectorAll(`figure.live-${name}`)) mount(figure, name, kind);
  }

  return { define, shown };
})();
