/* Draws what score.js has kept: a reader's reliability diagram beside the model's, and Brier scores. */
"use strict";

(() => {
  const Z95 = 1.959963984540054; // the normal quantile at 0.975
  const FEW = 5; // answers; below, a level is not judged, whatever its interval says
  const model = JSON.parse(document.getElementById("calibration-model").textContent);
  const find = (id) => document.getElementById(`calibration-${id}`);
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Wilson's interval of so many right among n, at 95 %. */
  function wilson(right, n) {
    const share = right / n;
    const middle = (share + Z95 ** 2 / (2 * n)) / (1 + Z95 ** 2 / n);
    const half = (Z95 / (1 + Z95 ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + Z95 ** 2 / (4 * n ** 2));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  /** Answers by the probability that they claimed, the smallest first. */
  function byLevel(answers) {
    const said = [...new Set(answers.map(({ perCent }) => perCent))].sort((a, b) => a - b);
    return said.map((perCent) => {
      const inside = answers.filter((each) => each.perCent === perCent);
      const right = inside.filter((each) => each.right).length;
      const [low, high] = wilson(right, inside.length);
      return { claimed: perCent / 100, answers: inside.length, hits: right, right: right / inside.length, low, high };
    });
  }

  /** What a level's interval says, in words. */
  function judge({ claimed, answers, low, high }) {
    if (answers < FEW) return "too few to say";
    if (high < claimed) return "too sure";
    return low > claimed ? "too modest" : "agrees";
  }

  /** The score of a reader, and the one to expect of the same claims if each kept its word. */
  function brier(answers) {
    const claims = answers.map(({ perCent }) => perCent / 100);
    return {
      yours: mean(claims.map((claim, i) => (claim - answers[i].right) ** 2)),
      expected: mean(claims.map((claim) => claim * (1 - claim))),
    };
  }

  function draw(levels) {
    const drawing = new Figures.Drawing(360, 350);
    const axis = { ticks: [0, 25, 50, 75, 100], say: (tick) => `${tick} %` };
    const [across, up] = drawing.axes({ ...axis, label: "how sure" }, axis, [52, 22, 12, 40]);
    drawing.add("line", {
      x1: across(0), y1: up(0), x2: across(100), y2: up(100), class: "live-axis", "stroke-dasharray": "2 4",
    });
    const interval = ({ claimed, low, high }, look) => drawing.line(
      [low, high].map((end) => [across(100 * claimed), up(100 * end)]), look);
    for (const bin of model.bins) {
      interval(bin, "live-other");
      const [x, y] = [across(100 * bin.claimed), up(100 * bin.right)];
      drawing.add("rect", { x: x - 4, y: y - 4, width: 8, height: 8, class: "live-other" });
    }
    for (const level of levels) {
      interval(level, "live-curve");
      drawing.add("circle", { cx: across(100 * level.claimed), cy: up(100 * level.right), r: 6, class: "live-for" });
    }
    drawing.element.setAttribute("aria-label", "Reliability diagram: the share that was right by how sure you " +
      `were. ${levels.length ? "The table below has your points." : "No point of yours yet."} The model's lie along the diagonal.`);
    find("diagram").replaceChildren(drawing.element);
  }

  /** Puts rows of texts into a table's body; the first text of each is its head. */
  function fill(id, rows) {
    find(id).replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      for (const [place, text] of cells.entries()) {
        const cell = document.createElement(place ? "td" : "th");
        if (!place) cell.scope = "row";
        cell.textContent = text;
        row.append(cell);
      }
      return row;
    }));
  }

  function show() {
    const answers = Score.answers();
    const levels = byLevel(answers);
    const any = answers.length > 0;
    find("none").hidden = any;
    for (const id of ["levels-table", "scores-table"]) find(id).hidden = !any;
    for (const id of ["save", "print", "clear"]) find(id).disabled = !any;
    find("root").classList.toggle("not-printed", !any);
    find("paper").hidden = any;
    draw(levels);
    fill("levels", levels.map((level) => [
      percent(level.claimed), `${level.hits} of ${level.answers}`, `${percent(level.low)} to ${percent(level.high)}`, judge(level),
    ]));
    if (!any) return;
    const { yours, expected } = brier(answers);
    fill("scores", [
      [`You, ${answers.length} ${answers.length === 1 ? "answer" : "answers"}`, yours.toFixed(3)],
      ["To expect if each level kept its word", expected.toFixed(3)],
      ["Saying 50 % every time", "0.250"],
      ["The model, on its test images", model.brier.toFixed(3)],
    ]);
  }

  /** Offers the answers as a file that pandas reads. */
  function save() {
    const rows = Score.answers().map(({ asked, perCent, right }) => `${asked},${perCent / 100},${Number(right)}`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`question,probability,right\n${rows.join("\n")}\n`], { type: "text/csv" }));
    link.download = "my_calibration.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    find("said").textContent = "Saved as my_calibration.csv.";
  }

  let cleared; // answers that can be had back

  function clear() {
    cleared = Score.clear();
    find("undo").hidden = false;
    find("undo").focus(); // the button that had it is no longer there to press
    find("said").textContent = "Cleared.";
  }

  function undo() {
    Score.restore(cleared);
    find("undo").hidden = true;
    find("clear").focus();
    find("said").textContent = "The answers are back.";
  }

  for (const [id, action] of Object.entries({ save, clear, undo, print: () => window.print() }))
    find(id).addEventListener("click", action);
  find("root").hidden = false;
  Score.listen(show);
  show();
})();
