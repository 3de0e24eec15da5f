/* Softmax regression on features: the arithmetic of the chapter on better features, for one picture at
 * a time. Pure functions, no page needed; loads after softmax.js and digits.js. A picture is 28 x 28
 * pixels from 0 to 255, row by row. A place is where a patch of 6 x 6 pixels lies; there are 12 x 12.
 * A model has `filters` (count x 36), `offsets` (count), `contrast_floor`, `stride`, `grid`, and
 * `weight` (classes x features) and `bias`; features are ordered by filter, then by square. */
"use strict";

const Features = (() => {
  const PATCH = 6; // its side, in pixels

  /**
   * Measures how far ink leans: the slope of the line that fits columns to rows by least squares.
   * @param {ArrayLike<number>} pixels - One picture.
   * @returns {number} Pixels to the right for each pixel up; 0 for no ink, or ink in one row only.
   */
  function slant(pixels) {
    const centre = Digits.centreOfMass(pixels, Digits.SIDE);
    let [covariance, variance] = [0, 0];
    for (let i = 0; i < pixels.length; i++) {
      const down = Math.floor(i / Digits.SIDE) - centre.row;
      covariance += pixels[i] * down * ((i % Digits.SIDE) - centre.column);
      variance += pixels[i] * down * down;
    }
    return variance > 0 ? -covariance / variance : 0;
  }

  /**
   * Shears a picture sideways about its middle until its ink stands upright, as `deskew` does in Python.
   * Between two pixels it takes the part of each; beyond the edge there is no ink.
   * @param {ArrayLike<number>} pixels - One picture.
   * @returns {Uint8Array} The same picture, upright.
   */
  function upright(pixels) {
    const lean = slant(pixels);
    return Uint8Array.from(pixels, (_, i) => {
      const row = Math.floor(i / Digits.SIDE);
      const from = (i % Digits.SIDE) - lean * (row - (Digits.SIDE - 1) / 2);
      const left = Math.floor(from);
      const at = (column) => (
        column >= 0 && column < Digits.SIDE ? pixels[row * Digits.SIDE + column] : 0
      );
      return Math.round((1 - (from - left)) * at(left) + (from - left) * at(left + 1));
    });
  }

  /** Places along one side of a picture. */
  const along = (model) => 1 + Math.floor((Digits.SIDE - PATCH) / model.stride);

  /** Cuts out the patch at a place, its pixels from 0 to 1. */
  function cut(pixels, place, model) {
    const [row, column] = [Math.floor(place / along(model)), place % along(model)];
    const corner = model.stride * (row * Digits.SIDE + column);
    return Float64Array.from({ length: PATCH ** 2 }, (_, j) => (
      pixels[corner + Math.floor(j / PATCH) * Digits.SIDE + (j % PATCH)] / 255
    ));
  }

  /** The square of the coarse grid that a place lies in, counted row by row. */
  function square(place, model) {
    const size = along(model) / model.grid;
    const [row, column] = [Math.floor(place / along(model)), place % along(model)];
    return Math.floor(row / size) * model.grid + Math.floor(column / size);
  }

  /**
   * Asks every filter about every patch: how much of it is there, for the patch's contrast, above a threshold.
   * @param {ArrayLike<number>} pixels - One picture, upright.
   * @param {Object} model
   * @returns {Float64Array} Places x filters, row by row, not negative.
   */
  function answers(pixels, model) {
    const { filters, offsets, contrast_floor: floor } = model;
    const [count, size] = [offsets.length, PATCH ** 2];
    const found = new Float64Array(along(model) ** 2 * count);
    for (let place = 0; place < along(model) ** 2; place++) {
      const patch = cut(pixels, place, model);
      const mean = patch.reduce((sum, x) => sum + x) / size;
      const contrast = Math.sqrt(patch.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size + floor);
      const inked = mean > 0 ? size : 0; // a blank patch has nothing to multiply
      for (let f = 0; f < count; f++) {
        let product = 0;
        for (let j = 0; j < inked; j++) product += filters[f * size + j] * patch[j];
        found[place * count + f] = Math.max(0, product / contrast - offsets[f]);
      }
    }
    return found;
  }

  /** Features of one upright picture: the mean answer of each filter in each square. */
  function features(pixels, model) {
    const [count, squares] = [model.offsets.length, model.grid ** 2];
    const [found, places] = [answers(pixels, model), along(model) ** 2];
    const means = new Float64Array(count * squares);
    for (let place = 0; place < places; place++) {
      const here = square(place, model);
      for (let f = 0; f < count; f++) {
        means[f * squares + here] += found[place * count + f] * (squares / places);
      }
    }
    return means;
  }

  /**
   * Runs the model on pictures as they were written.
   * @param {ArrayLike<number>} pixels - One picture after another.
   * @param {Object} model
   * @returns {{upright: Uint8Array, logits: Float64Array, probabilities: Float64Array}} Row by row.
   */
  function judge(pixels, model) {
    const size = Digits.SIDE ** 2;
    const stood = new Uint8Array(pixels.length);
    const logits = new Float64Array((pixels.length / size) * model.bias.length);
    for (let i = 0; i < pixels.length / size; i++) {
      const one = upright(pixels.slice(i * size, (i + 1) * size));
      stood.set(one, i * size);
      logits.set(Softmax.logits(features(one, model), model.weight, model.bias), i * model.bias.length);
    }
    return { upright: stood, logits, probabilities: Softmax.softmax(logits, model.bias.length) };
  }

  /**
   * Splits a class's lead over the other classes into a part for each place and one for the bias: the answers
   * there, each times (its weight for the class - the mean of its other weights), over the places in the square.
   * @param {ArrayLike<number>} pixels - One picture, upright.
   * @param {Object} model
   * @param {number} chosen - The class.
   * @returns {{places: Float64Array, bias: number}} Together the class's logit minus the mean of the others.
   */
  function explain(pixels, model, chosen) {
    const [count, squares] = [model.offsets.length, model.grid ** 2];
    const [found, places] = [answers(pixels, model), along(model) ** 2];
    // What a feature of size 1 would add.
    const leads = Digits.explain(new Float64Array(count * squares).fill(1), model.weight, model.bias, chosen);
    const parts = Float64Array.from({ length: places }, (_, place) => {
      const here = square(place, model);
      let sum = 0;
      for (let f = 0; f < count; f++) sum += found[place * count + f] * leads.places[f * squares + here];
      return sum * (squares / places);
    });
    return { places: parts, bias: leads.bias };
  }

  /** How much ink each place's patch holds. */
  function inkAt(pixels, model) {
    return Float64Array.from({ length: along(model) ** 2 }, (_, place) => (
      cut(pixels, place, model).reduce((sum, x) => sum + x)
    ));
  }

  return { PATCH, slant, upright, along, answers, features, judge, explain, inkAt };
})();
