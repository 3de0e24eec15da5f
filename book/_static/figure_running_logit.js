/* The ink of a digit, row by row, times the weights of 3 minus those of 5: a lead that fills up. */
"use strict";

Figures.define("running_logit", (() => {
  const [WIDTH, HEIGHT] = [320, 340]; // of a picture
  const [LEFT, RIGHT, TOP, BOTTOM] = [36, 308, 10, 282]; // of the part with image or axes
  const BAND = 4; // rows in one line of the table

  // A chapter's numbers, see lessons/live.py: ink and votes row by row, and the lead on a blank sheet.
  const text = document.getElementById("live-values-running_logit")?.textContent;
  const { ink, votes, start } = text ? JSON.parse(text) : { ink: [], votes: [], start: 0 };
  const ROWS = ink.length;
  const sums = votes.map((row) => row.reduce((a, b) => a + b, 0));
  const leads = sums.reduce((all, sum) => [...all, all.at(-1) + sum], [start]);
  const strongest = Math.max(...votes.flat().map(Math.abs));

  const number = (x, digits = 2) => x.toFixed(digits).replace("-", "−");
  const signed = (x) => `${x < 0 ? "" : "+"}${number(x)}`;
  const down = (row) => TOP + (row / ROWS) * (BOTTOM - TOP);

  function compute({ rows }) {
    const lead = leads[rows];
    return { lead, share: 1 / (1 + Math.exp(-lead)), path: leads.slice(0, rows + 1) };
  }

  function drawDigit(drawing, _, { rows }) {
    const side = (BOTTOM - TOP) / ROWS;
    drawing.add("rect", {
      x: LEFT, y: TOP, width: side * ROWS, height: side * ROWS, fill: "none", class: "live-axis",
    });
    ink.forEach((line, i) => line.forEach((amount, j) => {
      if (amount < 0.1) return;
      const place = { x: LEFT + j * side, y: TOP + i * side, width: side, height: side };
      if (i >= rows) drawing.add("rect", { ...place, class: "live-unread", opacity: 0.4 * amount });
      else {
        const opacity = 0.15 + 0.85 * Math.min(1, (2 * Math.abs(votes[i][j])) / strongest);
        drawing.add("rect", { ...place, class: votes[i][j] > 0 ? "live-for" : "live-against", opacity });
      }
    }));
    drawing.add("line", { x1: LEFT, x2: LEFT + side * ROWS, y1: down(rows), y2: down(rows), class: "live-axis" });
    drawing.add("text", { x: LEFT, y: BOTTOM + 22 }, "blue for 3, red for 5; grey: not yet read");
  }

  function drawLead(drawing, { lead, path }, { rows }) {
    const [low, high] = [Math.floor(Math.min(...leads)), Math.ceil(Math.max(...leads))];
    const across = (x) => LEFT + ((x - low) / (high - low)) * (RIGHT - LEFT);
    for (let x = low; x <= high; x++) {
      drawing.add("line", {
        x1: across(x), x2: across(x), y1: TOP, y2: BOTTOM, class: x ? "live-grid" : "live-axis",
      });
      drawing.add("text", { x: across(x), y: BOTTOM + 18, "text-anchor": "middle" }, number(x, 0));
    }
    drawing.add("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 40, "text-anchor": "middle" },
      "logit of 3 minus logit of 5");
    for (const row of [0, 7, 14, 21, 28]) {
      drawing.add("text", { x: LEFT - 8, y: down(row) + 5, "text-anchor": "end" }, String(row));
    }
    const points = (values) => values.map((x, row) => `${across(x)},${down(row)}`).join(" ");
    drawing.add("polyline", { points: points(path), class: "live-curve" });
    drawing.add("circle", {
      cx: across(lead), cy: down(rows), r: 6, class: lead > 0 ? "live-for" : "live-against",
    });
  }

  function say({ lead, share }, { rows }) {
    const where = rows ? `After ${rows} row${rows > 1 ? "s" : ""}` : "On a blank sheet";
    const winner = lead > 0 ? 3 : 5;
    return `${where} ${winner} leads by ${number(Math.abs(lead))}. Between the two, that gives 3 a ` +
      `probability of ${share.toFixed(3)}.`;
  }

  function table(_, { rows }) {
    const parts = [["Blank sheet", signed(start), number(start)]];
    for (let first = 0; first < ROWS; first += BAND) {
      const read = Math.min(first + BAND, rows);
      const name = `Rows ${first + 1} to ${first + BAND}`;
      parts.push(read > first ? [name, signed(leads[read] - leads[first]), number(leads[read])] : [name, "", ""]);
    }
    return [["Part", "Adds", "Lead of 3"], ...parts];
  }

  return {
    title: "A digit's ink times its weights, row by row",
    controls: [{ name: "rows", label: "Rows of the image that have been read", value: ROWS, min: 0, max: ROWS, step: 1 }],
    actions: [{ label: "Blank sheet", apply: () => ({ rows: 0 }), allowed: ({ rows }) => rows > 0 }],
    compute,
    pictures: [
      {
        title: "What each pixel adds", width: WIDTH, height: HEIGHT, draw: drawDigit,
        words: (_, { rows }) => `A handwritten 5; the first ${rows} of ${ROWS} rows are coloured by what they say.`,
      },
      {
        title: "The lead of 3 over 5", width: WIDTH, height: HEIGHT, draw: drawLead,
        words: ({ lead }, { rows }) => `A curve from ${number(start)} on a blank sheet, at the top, to ` +
          `${number(lead)} after ${rows} rows.`,
      },
    ],
    table,
    say,
  };
})());
