/* From ink to what the model reads, and from its answer back to pixels: pure functions, no page
 * needed. A picture is an array of numbers, row by row. Ink counts from 0 (paper) to 1, a pixel
 * from 0 to 255. The preparation is MNIST's own, as LeCun, Bottou, Bengio and Haffner (1998)
 * describe it: fit the digit into a box of 20 x 20 pixels, keep its proportions, let edges become
 * grey, and move its centre of mass to the middle of 28 x 28 pixels. */
"use strict";

const Digits = (() => {
  const SIDE = 28;
  const BOX = 20;
  const MIDDLE = 14; // where MNIST has the centre of mass: in the pixel with this row and column

  /**
   * Finds the smallest box that holds all ink.
   * @param {ArrayLike<number>} ink - Row by row.
   * @param {number} width - Pixels in a row.
   * @returns {?{left: number, top: number, width: number, height: number}} Null for blank paper.
   */
  function findBox(ink, width) {
    let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
    for (let i = 0; i < ink.length; i++) {
      if (ink[i] <= 0) continue;
      const column = i % width;
      const row = (i - column) / width;
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = row;
    }
    return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
  }

  /**
   * Scales the part of a picture inside a box: each new pixel is the mean of the ink in the area
   * that it covers, parts of old pixels included. So edges become grey: that is the anti-aliasing.
   * @param {ArrayLike<number>} ink - Row by row.
   * @param {number} width - Pixels in a row.
   * @param {{left: number, top: number, width: number, height: number}} box - From findBox.
   * @param {number} columns - Width of the result.
   * @param {number} rows - Height of the result.
   * @returns {Float64Array} The result, row by row.
   */
  function scale(ink, width, box, columns, rows) {
    const scaled = new Float64Array(columns * rows);
    const [across, down] = [box.width / columns, box.height / rows]; // old pixels in a new one
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (const [y, tall] of overlaps(row * down, (row + 1) * down)) {
          for (const [x, wide] of overlaps(column * across, (column + 1) * across)) {
            sum += tall * wide * ink[(box.top + y) * width + box.left + x];
          }
        }
        scaled[row * columns + column] = sum / (across * down);
      }
    }
    return scaled;
  }

  /** Lists the cells of length 1 between two points, each with the part of it between them. */
  function overlaps(start, end) {
    const cells = [];
    for (let cell = Math.floor(start); cell < end - 1e-9; cell++) {
      cells.push([cell, Math.min(end, cell + 1) - Math.max(start, cell)]);
    }
    return cells;
  }

  /**
   * Finds the centre of mass: the mean row and column, weighted by ink.
   * @param {ArrayLike<number>} ink - Row by row, not blank.
   * @param {number} width - Pixels in a row.
   * @returns {{row: number, column: number}} Counted from 0, at the middle of a pixel.
   */
  function centreOfMass(ink, width) {
    let [mass, rows, columns] = [0, 0, 0];
    for (let i = 0; i < ink.length; i++) {
      mass += ink[i];
      rows += ink[i] * Math.floor(i / width);
      columns += ink[i] * (i % width);
    }
    return { row: rows / mass, column: columns / mass };
  }

  /**
   * Says by how many whole pixels to move a picture along one axis, so that its centre of mass
   * comes to the middle. A very lopsided drawing stops at the edge, so that nothing is cut off.
   * @param {number} centre - Of mass.
   * @param {number} length - Of the picture along this axis, at most SIDE.
   * @returns {number} Where the picture begins.
   */
  function offset(centre, length) {
    return Math.max(0, Math.min(SIDE - length, Math.round(MIDDLE - centre)));
  }

  /**
   * Prepares a drawing as MNIST's digits were prepared.
   * @param {ArrayLike<number>} ink - Row by row, of any size.
   * @param {number} width - Pixels in a row.
   * @returns {?Object} Null for blank paper. Else `pixels`, the 28 x 28 as a Uint8Array; `box`,
   *   where the ink was; `columns` and `rows`, its size after scaling; `left` and `top`, its place.
   */
  function prepare(ink, width) {
    const box = findBox(ink, width);
    if (box === null) return null;
    const factor = BOX / Math.max(box.width, box.height);
    const columns = Math.max(1, Math.round(box.width * factor));
    const rows = Math.max(1, Math.round(box.height * factor));
    const scaled = scale(ink, width, box, columns, rows);
    const centre = centreOfMass(scaled, columns);
    const [left, top] = [offset(centre.column, columns), offset(centre.row, rows)];
    const pixels = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < scaled.length; i++) {
      const column = i % columns;
      const row = (i - column) / columns;
      pixels[(top + row) * SIDE + left + column] = Math.round(255 * scaled[i]);
    }
    return { pixels, box, columns, rows, left, top };
  }

  /** Standardises pixels: (pixel / 255 - mean) / deviation, those of the training set. */
  function standardise(pixels, mean, deviation) {
    return Float64Array.from(pixels, (pixel) => (pixel / 255 - mean) / deviation);
  }

  /**
   * Splits a class's lead over the other classes into a part for each pixel and one for the bias.
   * A pixel's part is its input times (its weight for the class - the mean of its other weights).
   * All parts together are the class's logit minus the mean of the other logits.
   * @param {ArrayLike<number>} input - Standardised pixels of one picture.
   * @param {ArrayLike<number>} weight - Classes x pixels, row by row.
   * @param {ArrayLike<number>} bias - One for each class.
   * @param {number} chosen - The class.
   * @returns {{places: Float64Array, bias: number}} Above 0 is for the class, below 0 against it.
   */
  function explain(input, weight, bias, chosen) {
    const classes = bias.length;
    /** Value of the chosen class minus the mean of the others, where `at` gives a class's value. */
    const lead = (at) => {
      let others = 0;
      for (let k = 0; k < classes; k++) if (k !== chosen) others += at(k);
      return at(chosen) - others / (classes - 1);
    };
    const parts = Float64Array.from(input, (x, j) => x * lead((k) => weight[k * input.length + j]));
    return { places: parts, bias: lead((k) => bias[k]) };
  }

  /**
   * Adds up the parts: ink and blank paper apart, and in each what spoke for and what against.
   * @param {ArrayLike<number>} pixels - 0 to 255; above 0 is ink.
   * @param {{places: ArrayLike<number>, bias: number}} parts - From explain.
   * @returns {{ink: number[], paper: number[], total: number}} Pairs [for, against], and everything
   *   together, the bias included.
   */
  function addUp(pixels, parts) {
    const sums = { ink: [0, 0], paper: [0, 0], total: parts.bias };
    for (let j = 0; j < pixels.length; j++) {
      const part = parts.places[j];
      sums[pixels[j] > 0 ? "ink" : "paper"][part >= 0 ? 0 : 1] += part;
      sums.total += part;
    }
    return sums;
  }

  return {
    SIDE, BOX, MIDDLE, findBox, scale, centreOfMass, prepare, standardise, explain, addUp,
  };
})();
