/* Paper to draw on with mouse, finger or keyboard. A picture may lie on it in place of the drawing: a
 * test image, or a picture file. It knows no model; whoever lays it out is told of changes. */
"use strict";

const Paper = (() => {
  const SIDE = 280; // of the drawing in its own pixels, whatever its size on the screen
  const STEP = 10; // of the pen under the arrow keys; with Shift, FINE_STEP
  const FINE_STEP = 2;
  const SAMPLE = 16; // side of the picture that tells whether a canvas can be trusted
  const VERMILION = "#D55E00";
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** A canvas that nobody sees. Kept in memory, it is read fast. */
  function makeCanvas(width, height) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
  }

  /** Draws ink, dark on light paper as everywhere in the book, and gives the canvas. */
  function picture(ink, width) {
    const [canvas, context] = makeCanvas(width, ink.length / width);
    const image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < ink.length; i++) {
      image.data.fill(Math.round(255 * (1 - ink[i])), 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /** Whether a canvas gives back what was drawn: some browsers falsify what a page reads, against tracking. */
  function readsTrue() {
    const [canvas, context] = makeCanvas(SAMPLE, SAMPLE);
    const image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < SAMPLE ** 2; i++) image.data.set([i, 255 - i, (7 * i) % 256, 255], 4 * i);
    context.putImageData(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return data.every((level, i) => level === image.data[i]);
  }

  /**
   * Lays out paper on a canvas.
   * @param {HTMLCanvasElement} canvas - Of 280 x 280 pixels; it can have the focus.
   * @param {Object} asks - `penWidth()`, in pixels; `changed()` is called after each change; and
   *   `say(text, judged)` when a screen reader is to be told, with the model's answer if `judged`.
   * @returns {Object} What one can do with it.
   */
  function lay(canvas, { penWidth, changed, say }) {
    const [drawing, inkPen] = makeCanvas(SIDE, SIDE); // alone, without pen or picture
    const pen = { x: SIDE / 2, y: SIDE / 2, shown: false };
    let strokes = []; // each {width, points: [[x, y], ...]}
    let drawn = false; // whether the last stroke still grows
    let guest = null; // what lies on the paper in place of the drawing; `image` is a canvas

    // Ink

    /** Draws a piece of a stroke: a disc at its end, and a line to that from the point before. */
    function inkPiece(stroke, end) {
      const [x, y] = stroke.points[end];
      inkPen.beginPath();
      inkPen.arc(x, y, stroke.width / 2, 0, 2 * Math.PI);
      inkPen.fill();
      if (end === 0) return;
      inkPen.lineWidth = stroke.width;
      inkPen.beginPath();
      inkPen.moveTo(...stroke.points[end - 1]);
      inkPen.lineTo(x, y);
      inkPen.stroke();
    }

    /** Draws all strokes anew, after one was taken away. */
    function inkAll() {
      inkPen.clearRect(0, 0, SIDE, SIDE);
      for (const stroke of strokes) stroke.points.forEach((_, end) => inkPiece(stroke, end));
    }

    /** The drawing as numbers from 0 to 1: how opaque each of its pixels is. */
    function readInk() {
      const { data } = inkPen.getImageData(0, 0, SIDE, SIDE);
      return Float64Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i + 3] / 255);
    }

    /** Begins a stroke; what lies on the paper makes room for it. */
    function beginStroke(x, y) {
      if (guest) {
        [guest, strokes] = [null, []];
        inkAll();
      }
      strokes.push({ width: penWidth(), points: [] });
      drawn = true;
      extendStroke(x, y);
    }

    function extendStroke(x, y) {
      const stroke = strokes.at(-1);
      stroke.points.push([x, y]);
      inkPiece(stroke, stroke.points.length - 1);
    }

    function clear() {
      [guest, strokes, drawn] = [null, [], false];
      inkAll();
      changed(true);
      say("Cleared.");
    }

    /** Takes back what was put on the paper, or else the last stroke. */
    function undo() {
      if (guest) guest = null;
      else strokes.pop();
      drawn = false;
      inkAll();
      changed();
      say("Undone.", true);
    }

    /** Puts a picture on the paper: {image: a canvas, ...}. The drawing stays below it. */
    function put(picture) {
      [guest, drawn] = [picture, false];
      changed(true);
    }

    function show() {
      const context = canvas.getContext("2d");
      const image = guest?.image ?? drawing;
      const factor = SIDE / Math.max(image.width, image.height);
      const [width, height] = [factor * image.width, factor * image.height];
      context.clearRect(0, 0, SIDE, SIDE);
      context.imageSmoothingEnabled = factor < 1;
      context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
      if (pen.shown) showPen(context);
    }

    function showPen(context) {
      context.lineWidth = 3;
      context.strokeStyle = VERMILION;
      context.beginPath();
      context.arc(pen.x, pen.y, Math.max(5, penWidth() / 2), 0, 2 * Math.PI);
      // Four lines tell a lifted pen from one that draws.
      for (const [dx, dy] of Object.values(ARROWS)) {
        const [from, to] = drawn ? [0, 0] : [4, 14];
        context.moveTo(pen.x + from * dx, pen.y + from * dy);
        context.lineTo(pen.x + to * dx, pen.y + to * dy);
      }
      context.stroke();
    }

    // Mouse and finger

    /** Where a pointer is on the paper, in the paper's own pixels. */
    function place(event) {
      const { left, top } = canvas.getBoundingClientRect();
      return [
        ((event.clientX - left - canvas.clientLeft) * SIDE) / canvas.clientWidth,
        ((event.clientY - top - canvas.clientTop) * SIDE) / canvas.clientHeight,
      ];
    }

    let pointer = null; // the one that draws; a second finger does nothing
    canvas.addEventListener("pointerdown", (event) => {
      // A first finger while another draws: the end of that other one never came.
      if (event.button !== 0 || (pointer !== null && !event.isPrimary)) return;
      pointer = event.pointerId;
      try {
        canvas.setPointerCapture(pointer); // so that a stroke may leave the paper and come back
      } catch {
        // The pointer is gone already. The stroke stays within the paper.
      }
      pen.shown = false;
      beginStroke(...place(event));
      changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer || !drawn) return;
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const move of moves.length ? moves : [event]) extendStroke(...place(move));
      changed();
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        drawn = false;
        say("", true);
      });
    }

    // A finger held still would select text or open a magnifier on some phones.
    canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    canvas.addEventListener("contextmenu", (event) => {
      if (pointer !== null) event.preventDefault();
    });

    // Keyboard

    /** Whether a key undoes: Z with Ctrl or Cmd, with Caps Lock on, and where the letters are others, in its place. */
    function undoes(event) {
      const latin = /^[a-z]$/i.test(event.key);
      const z = latin ? event.key.toLowerCase() === "z" : event.code === "KeyZ";
      return z && !event.shiftKey && (event.ctrlKey || event.metaKey);
    }

    /** Where the pen is, in words. */
    function penPlace() {
      const [x, y] = [pen.x, pen.y].map((at) => Math.round((100 * at) / SIDE));
      return `${x} % from the left, ${y} % from the top`;
    }

    function movePen([dx, dy], step) {
      pen.shown = true;
      pen.x = Math.max(0, Math.min(SIDE, pen.x + step * dx));
      pen.y = Math.max(0, Math.min(SIDE, pen.y + step * dy));
      if (drawn) {
        extendStroke(pen.x, pen.y);
        changed();
      } else show();
      say(`Pen ${drawn ? "drawing" : "lifted"}, ${penPlace()}.`, drawn);
    }

    /** Puts the pen down or lifts it; a key held down does not count twice. */
    function togglePen(repeated) {
      if (repeated) return;
      pen.shown = true;
      if (drawn) drawn = false;
      else beginStroke(pen.x, pen.y);
      changed();
      say(`Pen ${drawn ? "down" : "lifted"}, ${penPlace()}.`, true);
    }

    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || ((event.ctrlKey || event.metaKey) && !undoes(event))) return;
      if (event.key in ARROWS) movePen(ARROWS[event.key], event.shiftKey ? FINE_STEP : STEP);
      else if (event.key === " ") togglePen(event.repeat);
      else if (event.key === "Escape" && drawn) togglePen(false);
      else if (event.key === "Delete" || event.key === "Backspace") clear();
      else if (undoes(event)) undo();
      else return;
      event.preventDefault();
    });
    canvas.addEventListener("focus", () => {
      pen.shown = canvas.matches(":focus-visible");
      show();
    });
    canvas.addEventListener("blur", () => {
      pen.shown = false;
      drawn = false;
      show();
    });

    return {
      readInk, clear, undo, put, show,
      get guest() { return guest; },
      get blank() { return !guest && strokes.length === 0; },
    };
  }

  // Files

  /**
   * Saves ink as a picture file, so that reading it gives the same ink: brightness is what ink
   * leaves of white, pixel by pixel, and nothing is mixed.
   * @param {ArrayLike<number>} ink - From 0 to 1 in steps of 1/255.
   * @param {number} width - Pixels in a row.
   * @param {string} name - Of the file.
   */
  function save(ink, width, name) {
    picture(ink, width).toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // when it has surely been written
    }, "image/png");
  }

  /** Opens a picture file as it was stored, upright, without regard to its colour profile. */
  async function openFile(file) {
    try {
      return await createImageBitmap(file, {
        colorSpaceConversion: "none", imageOrientation: "from-image",
      });
    } catch {
      throw new Error("It cannot be opened as a picture. Save it as PNG or JPEG.");
    }
  }

  /**
   * Reads the ink of a picture file. See scans.js for what is read, and for what is refused.
   * @param {Blob} file - What the reader chose or dropped.
   * @returns {Promise<{ink: Float64Array, width: number}>} For Digits.prepare.
   */
  async function readFile(file) {
    const bitmap = await openFile(file);
    const { width, height } = bitmap;
    try {
      if (width * height > Scans.MOST_PIXELS) {
        throw new Error(`It has ${(width * height / 1e6).toFixed(0)} megapixels, at most ` +
          `${Scans.MOST_PIXELS / 1e6} are read. Crop it to the digit, or save it smaller.`);
      }
      const factor = Scans.divisor(width, height);
      if (Math.min(width, height) < factor) {
        throw new Error("It is a mere line. Crop the picture to the digit.");
      }
      const [canvas, context] = makeCanvas(width, factor > 1 ? factor : height);
      /** Some rows of the picture, on white paper. Phones allow no canvas as large as a photo. */
      const readRows = (top) => {
        context.fillStyle = "#fff";
        context.fillRect(0, 0, width, canvas.height);
        context.drawImage(bitmap, 0, -top);
        return context.getImageData(0, 0, width, canvas.height).data;
      };
      if (factor === 1) return Scans.read(readRows(0), width, height);
      const columns = Math.floor(width / factor);
      const rows = Math.floor(height / factor);
      const grey = new Float64Array(columns * rows);
      for (let row = 0; row < rows; row++) {
        const strip = Scans.makeGrey(readRows(row * factor));
        grey.set(Scans.shrink(strip, width, factor, factor).grey, row * columns);
      }
      return Scans.fromGrey({ grey, columns, rows });
    } finally {
      bitmap.close();
    }
  }

  return { SIDE, readsTrue, lay, picture, save, readFile };
})();
