/* Softmax regression in plain JavaScript: what the chapters do in PyTorch, in a few lines each.
 * A classic script, because browsers refuse modules for file://. Tables are typed arrays, by rows:
 * inputs (n x features), weight (classes x features), bias (classes), labels (n). */
"use strict";

const Softmax = (() => {
  const ARRAYS = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array };

  /** Turns what tutorial_utils/page_data.py wrote, {dtype, shape, base64}, into a typed array. */
  function decode({ dtype, base64 }) {
    const letters = atob(base64);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
    return new ARRAYS[dtype](bytes.buffer);
  }

  /** One score for each input and class: weight times input, plus bias. */
  function logits(inputs, weight, bias) {
    const classes = bias.length;
    const features = weight.length / classes;
    const n = inputs.length / features;
    const scores = new Float64Array(n * classes);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < classes; k++) {
        let sum = bias[k];
        for (let j = 0; j < features; j++) {
          sum += weight[k * features + j] * inputs[i * features + j];
        }
        scores[i * classes + k] = sum;
      }
    }
    return scores;
  }

  /** Probabilities from scores, row by row. Without the largest score exp cannot overflow. */
  function softmax(scores, classes) {
    const probabilities = new Float64Array(scores.length);
    for (let row = 0; row < scores.length; row += classes) {
      let largest = -Infinity;
      for (let k = 0; k < classes; k++) largest = Math.max(largest, scores[row + k]);
      let sum = 0;
      for (let k = 0; k < classes; k++) {
        probabilities[row + k] = Math.exp(scores[row + k] - largest);
        sum += probabilities[row + k];
      }
      for (let k = 0; k < classes; k++) probabilities[row + k] /= sum;
    }
    return probabilities;
  }

  /** Mean cross-entropy in nats, from scores: log of the sum of exponentials, less the true one. */
  function crossEntropy(scores, labels, classes) {
    let total = 0;
    for (let i = 0; i < labels.length; i++) {
      const row = scores.subarray(i * classes, (i + 1) * classes);
      const largest = Math.max(...row);
      let sum = 0;
      for (const score of row) sum += Math.exp(score - largest);
      total += largest + Math.log(sum) - row[labels[i]];
    }
    return total / labels.length;
  }

  /** Share of inputs whose largest score belongs to their label. */
  function accuracy(scores, labels, classes) {
    let right = 0;
    for (let i = 0; i < labels.length; i++) {
      const row = scores.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === labels[i]) right++;
    }
    return right / labels.length;
  }

  /** Loss and its gradient: (probabilities - one-hot labels) times inputs, averaged. */
  function gradient(inputs, labels, weight, bias) {
    const classes = bias.length;
    const features = weight.length / classes;
    const scores = logits(inputs, weight, bias);
    const errors = softmax(scores, classes);
    const slopes = { weight: new Float64Array(weight.length), bias: new Float64Array(classes) };
    for (let i = 0; i < labels.length; i++) {
      errors[i * classes + labels[i]] -= 1;
      for (let k = 0; k < classes; k++) {
        const error = errors[i * classes + k] / labels.length;
        slopes.bias[k] += error;
        for (let j = 0; j < features; j++) {
          slopes.weight[k * features + j] += error * inputs[i * features + j];
        }
      }
    }
    return { ...slopes, loss: crossEntropy(scores, labels, classes) };
  }

  /** Numbers in [0, 1) that a whole-number seed repeats: Tommy Ettinger's mulberry32. */
  function makeRandom(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  return { decode, logits, softmax, crossEntropy, accuracy, gradient, makeRandom };
})();
