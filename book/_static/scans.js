/* From a picture file to ink: pure functions, no page needed. The same steps stand in
 * tutorial_utils/lessons/read_digit.py, and a test holds one against the other: change both.
 * A picture is a Uint8Array of red, green, blue and alpha, row by row, on white paper. */
"use strict";

const Scans = (() => {
  const PAGE = 280; // side of the live model's own drawings
  const LONGEST = 560; // of a photo's sides, after its pixels were averaged
  const MOST_PIXELS = 50_000_000;
  const LEAST_CONTRAST = 40; // grey levels of 255 between ink and paper, on average
  const [FAINT, FULL] = [0.25, 0.75]; // of the contrast: below the one paper, above the other ink
  const SPECK = 0.05; // of the largest piece of ink: what is smaller is dust

  /** Brightness of each pixel, 0 to 255, with the weights of ITU-R BT.601, as Pillow has them. */
  function makeGrey(rgba) {
    return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => (
      (rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471 + 0x8000) >> 16));
  }

  /** Whether a picture is a drawing that the live model saved: its size, and no colour anywhere. */
  function isOwn(rgba, width, height) {
    if (width !== PAGE || height !== PAGE) return false;
    for (let i = 0; i < rgba.length; i += 4) {
      if (rgba[i] !== rgba[i + 1] || rgba[i] !== rgba[i + 2]) return false;
    }
    return true;
  }

  /** Says by which whole number the sides of a picture are divided. */
  function divisor(width, height) {
    return Math.ceil(Math.max(width, height) / LONGEST);
  }

  /** Averages squares of pixels; what is left at the right and at the bottom is left out. */
  function shrink(grey, width, height, factor) {
    const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
    const small = new Float64Array(columns * rows);
    for (let y = 0; y < rows * factor; y++) {
      const row = Math.floor(y / factor) * columns;
      for (let x = 0; x < columns * factor; x++) {
        small[row + Math.floor(x / factor)] += grey[y * width + x];
      }
    }
    return { grey: small.map((sum) => sum / factor ** 2), columns, rows };
  }

  const median = (values) => values.sort()[values.length >> 1];

  /**
   * Takes the paper away. Its brightness is a plane through the medians of the four edges, so that
   * light from one side does no harm. What differs from it more strongly, towards dark or towards
   * bright, is ink.
   * @returns {Float64Array} By how much each pixel differs from the paper, above 0 for ink.
   */
  function level(grey, columns, rows) {
    const column = (x) => median(Float64Array.from({ length: rows }, (_, y) => grey[y * columns + x]));
    const row = (y) => median(grey.slice(y * columns, (y + 1) * columns));
    const [left, right, top, bottom] = [column(0), column(columns - 1), row(0), row(rows - 1)];
    const middle = (left + right + top + bottom) / 4;
    const apart = grey.map((value, i) => {
      const [x, y] = [i % columns, Math.floor(i / columns)];
      const paper = middle + (right - left) * ((x + 0.5) / columns - 0.5) +
        (bottom - top) * ((y + 0.5) / rows - 0.5);
      return paper - value;
    });
    const [least, most] = [apart.reduce((a, b) => Math.min(a, b)), apart.reduce((a, b) => Math.max(a, b))];
    return -least > most ? apart.map((value) => -value) : apart;
  }

  /**
   * Parts paper from ink where the variance between the two is largest: Otsu (1979).
   * @returns {{paper: number, ink: number}} The mean of each, in grey levels.
   */
  function separate(apart) {
    const counts = new Array(256).fill(0);
    for (const value of apart) counts[Math.max(0, Math.min(255, Math.floor(value)))]++;
    const all = apart.length;
    const sum = counts.reduce((total, count, value) => total + count * value, 0);
    let [best, means, below, belowSum] = [-1, { paper: 0, ink: 0 }, 0, 0];
    counts.forEach((count, value) => {
      below += count;
      belowSum += count * value;
      if (below === 0 || below === all) return;
      const [paper, ink] = [belowSum / below, (sum - belowSum) / (all - below)];
      const between = below * (all - below) * (ink - paper) * (ink - paper);
      if (between > best) [best, means] = [between, { paper, ink }];
    });
    return means;
  }

  /** Finds connected pieces of ink, also across corners: each pixel's piece, and their sizes. */
  function findPieces(ink, columns) {
    const rows = ink.length / columns;
    const pieceOf = new Int32Array(ink.length).fill(-1);
    const pieces = [];
    for (let first = 0; first < ink.length; first++) {
      if (ink[first] <= 0 || pieceOf[first] >= 0) continue;
      const piece = { size: 0, atEdge: false };
      const waiting = [first];
      pieceOf[first] = pieces.length;
      while (waiting.length) {
        const at = waiting.pop();
        const [x, y] = [at % columns, Math.floor(at / columns)];
        piece.size++;
        piece.atEdge ||= x === 0 || y === 0 || x === columns - 1 || y === rows - 1;
        for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++) {
          for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) {
            const near = v * columns + u;
            if (ink[near] <= 0 || pieceOf[near] >= 0) continue;
            pieceOf[near] = pieces.length;
            waiting.push(near);
          }
        }
      }
      pieces.push(piece);
    }
    return { pieceOf, pieces };
  }

  /** Takes away dust, and what touches the edge, such as the end of the paper. */
  function clean(ink, columns) {
    const { pieceOf, pieces } = findPieces(ink, columns);
    const largest = pieces.reduce((a, b) => (b.size > a.size ? b : a));
    if (largest.atEdge) {
      throw new Error("Its largest dark or bright piece touches the edge. Around the digit there must " +
        "be plain paper, and nothing else: crop the picture so.");
    }
    return ink.map((value, i) => {
      const piece = pieces[pieceOf[i]];
      return piece && !piece.atEdge && piece.size >= SPECK * largest.size ? value : 0;
    });
  }

  /**
   * Reads the ink of one digit in a picture.
   * @param {ArrayLike<number>} rgba - Four bytes a pixel, row by row; alpha is not looked at.
   * @param {number} width - Pixels in a row.
   * @param {number} height - Number of rows.
   * @returns {{ink: Float64Array, width: number}} Ink from 0 to 1, for Digits.prepare.
   * @throws {Error} There is no ink, too little contrast, or something at the edge.
   */
  function read(rgba, width, height) {
    const whole = makeGrey(rgba);
    if (isOwn(rgba, width, height)) {
      const ink = Float64Array.from(whole, (value) => (255 - value) / 255);
      if (!ink.some((value) => value > 0)) throw new Error("It is blank. Draw a digit, then save it.");
      return { ink, width };
    }
    return fromGrey(shrink(whole, width, height, divisor(width, height)));
  }

  /** The same for brightness that is already small enough. */
  function fromGrey({ grey, columns, rows }) {
    const apart = level(grey, columns, rows);
    const { paper, ink } = separate(apart);
    const contrast = ink - paper;
    if (contrast < LEAST_CONTRAST) {
      throw new Error(`It shows no ink: bright and dark differ by ${contrast.toFixed(0)} grey levels ` +
        `of 255, and ${LEAST_CONTRAST} are needed. Write with a dark pen on plain light paper, in ` +
        "even light, and crop the picture closer to the digit.");
    }
    const [low, high] = [paper + FAINT * contrast, paper + FULL * contrast];
    const inked = apart.map((value) => Math.max(0, Math.min(1, (value - low) / (high - low))));
    return { ink: clean(inked, columns), width: columns };
  }

  return {
    PAGE, LONGEST, MOST_PIXELS, LEAST_CONTRAST, FAINT, FULL, SPECK,
    makeGrey, isOwn, divisor, shrink, fromGrey, read,
  };
})();
