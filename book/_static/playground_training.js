/* What the playground trains, without a page: data from a seed, settings and their text, and runs
 * of stochastic gradient descent that repeat bit for bit. Loads after softmax.js. */
"use strict";

const Training = (() => {
  const MAX_EPOCHS = 1000;
  const NUM_TRAIN = 240;
  const NUM_VALIDATION = 120;
  const FARTHEST = 3; // deviations from a blob's centre: two_blobs can always be separated
  const STRETCH = 30; // of the second feature of stretched_blobs
  const LARGE = 10; // times Xavier's bound

  /** A point around a centre: normal in both directions, but never farther than FARTHEST. */
  function scatter(random, [x, y], deviation) {
    const radius = deviation * Math.min(FARTHEST, Math.sqrt(-2 * Math.log(1 - random())));
    const angle = 2 * Math.PI * random();
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  }

  const overlapping = (random, label) => scatter(random, [[-1, -0.4], [1, 0.4]][label], 1.1);

  /** The sets of points in the plane: how many classes, and how a point of one class is drawn. */
  const PLANES = {
    two_blobs: {
      classes: 2,
      place: (random, label) => scatter(random, [[-1.5, -1], [1.5, 1]][label], 0.5),
    },
    three_blobs: {
      classes: 3,
      place: (random, label) => scatter(random, [[-1.6, -0.9], [1.6, -0.9], [0, 1.8]][label], 0.8),
    },
    overlapping_blobs: { classes: 2, place: overlapping },
    stretched_blobs: {
      classes: 2,
      place: (random, label) => {
        const [x, y] = overlapping(random, label);
        return [x, STRETCH * y];
      },
    },
    moons: {
      classes: 2,
      place: (random, label) => {
        const turn = Math.PI * random();
        const [x, y] = [Math.cos(turn) - 0.5, Math.sin(turn) - 0.25];
        return scatter(random, label ? [-1.5 * x, -1.5 * y] : [1.5 * x, 1.5 * y], 0.2);
      },
    },
    rings: {
      classes: 2,
      place: (random, label) => {
        const [radius, turn] = [[0.7, 2.2][label], 2 * Math.PI * random()];
        return scatter(random, [radius * Math.cos(turn), radius * Math.sin(turn)], 0.15);
      },
    },
  };
  const MNIST = "mnist";
  const DATA_SETS = [...Object.keys(PLANES), MNIST];
  const INITIALISATIONS = ["zero", "xavier_uniform", "large"];

  /** Three streams of random numbers from one seed, so that one's use cannot shift another. */
  function makeStreams(seed) {
    const next = Softmax.makeRandom(seed);
    const [data, initialisation, order] = [next(), next(), next()].map((number) =>
      Softmax.makeRandom(number * 2 ** 32));
    return { data, initialisation, order };
  }

  /** Points of all classes in turn, n in all. */
  function drawPoints({ classes, place }, n, random) {
    const labels = Uint8Array.from({ length: n }, (_, i) => i % classes);
    const inputs = Float64Array.from([...labels].flatMap((label) => place(random, label)));
    return { inputs, labels };
  }

  /** Pixels as the book's model takes them: from 0 to 1, less the mean, in deviations. */
  function standardise(pixels) {
    const { mean, deviation } = MEASURED.mnist_model;
    const inputs = new Float64Array(pixels.length);
    for (let j = 0; j < inputs.length; j++) inputs[j] = (pixels[j] / 255 - mean) / deviation;
    return inputs;
  }

  let mnist = null; // decoded once

  /** The sample that the chapter on training stored. */
  function loadMnist() {
    const sample = MEASURED.mnist_sample;
    mnist ??= {
      train: {
        inputs: standardise(Softmax.decode(sample.images)),
        labels: Softmax.decode(sample.labels),
      },
      validation: {
        inputs: standardise(Softmax.decode(sample.validation_images)),
        labels: Softmax.decode(sample.validation_labels),
      },
      features: sample.images.shape[2] * sample.images.shape[3],
      classes: 10,
    };
    return mnist;
  }

  /** A data set: {train, validation} with {inputs, labels} each, and its {features, classes}. */
  function makeData(name, seed) {
    if (name === MNIST) return loadMnist();
    const { data } = makeStreams(seed);
    const train = drawPoints(PLANES[name], NUM_TRAIN, data);
    const validation = drawPoints(PLANES[name], NUM_VALIDATION, data);
    return { train, validation, features: 2, classes: PLANES[name].classes };
  }

  /** How many examples a data set has for training. */
  function countTraining(name) {
    return name === MNIST ? MEASURED.mnist_sample.labels.shape[0] : NUM_TRAIN;
  }

  /** How many updates an epoch takes; the last batch may be smaller. */
  function countSteps({ dataset, batch_size }) {
    return Math.ceil(countTraining(dataset) / batch_size);
  }

  // Settings, and the text that stands for them in an address.

  const DECIMAL = /^\d+(\.\d+)?(e-?\d+)?$/i;

  /** A reader of names. */
  function readChoice(options) {
    return (text) => {
      if (!options.includes(text)) throw new RangeError(`choose one of ${options.join(", ")}`);
      return text;
    };
  }

  /** Reads a decimal number within limits. */
  function readNumber(text, low, high, whole) {
    const number = DECIMAL.test(text) ? Number(text) : NaN;
    if (!(number >= low && number <= high) || (whole && !Number.isInteger(number))) {
      throw new RangeError(`give a ${whole ? "whole " : ""}number from ${low} to ${high}`);
    }
    return number;
  }

  /** Default and reader of each setting. A reader gets the text and the settings read before it. */
  const SETTINGS = {
    dataset: { initial: "three_blobs", read: readChoice(DATA_SETS) },
    learning_rate: { initial: 0.1, read: (text) => readNumber(text, 0.0001, 100, false) },
    batch_size: {
      initial: 16,
      read: (text, { dataset }) => readNumber(text, 1, countTraining(dataset), true),
    },
    momentum: { initial: 0, read: (text) => readNumber(text, 0, 0.99, false) },
    initialisation: { initial: "zero", read: readChoice(INITIALISATIONS) },
    seed: { initial: 0, read: (text) => readNumber(text, 0, 2 ** 32 - 1, true) },
    steps: {
      initial: 0,
      read: (text, before) => readNumber(text, 0, MAX_EPOCHS * countSteps(before), true),
    },
  };
  const NAMES = Object.keys(SETTINGS);

  /** The beginning of a text that may be of any length. */
  function shorten(text) {
    return text.length > 30 ? `${text.slice(0, 30)}…` : text;
  }

  /**
   * Reads settings from the part of an address after #.
   * What is not there, or not allowed, takes its default.
   * @param {string} text such as "dataset=rings&learning_rate=0.1"
   * @returns {{settings: object, problems: string[]}} problems in words
   */
  function parse(text) {
    const given = new URLSearchParams(text);
    const problems = [...new Set(given.keys())]
      .filter((name) => !NAMES.includes(name))
      .map((name) => `${shorten(name)} is not a setting; the settings are ${NAMES.join(", ")}.`);
    const settings = {};
    for (const name of NAMES) {
      const { initial, read } = SETTINGS[name];
      const texts = given.getAll(name);
      settings[name] = initial;
      try {
        if (texts.length > 1) throw new RangeError("it is given more than once");
        if (texts.length) settings[name] = read(texts[0], settings);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const pair = `${name}=${shorten(texts[0])}`;
        problems.push(`${pair} is not allowed: ${error.message}. It is ${initial} instead.`);
      }
    }
    return { settings, problems };
  }

  /** Writes settings as parse reads them. */
  function format(settings) {
    return NAMES.map((name) => `${name}=${settings[name]}`).join("&");
  }

  /** Weights at the start, classes x features; the bias starts at zero always. */
  function initialise(kind, features, classes, random) {
    const bound = { zero: 0, xavier_uniform: 1, large: LARGE }[kind] *
      Math.sqrt(6 / (features + classes));
    return Float64Array.from({ length: features * classes }, () => bound * (2 * random() - 1));
  }

  /** Puts numbers into a random order, every order equally likely: Fisher and Yates. */
  function shuffle(numbers, random) {
    for (let last = numbers.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
    }
  }

  /**
   * Moves weights as torch.optim.SGD does:
   * velocity = momentum * velocity + slope, weight = weight - rate * velocity.
   */
  function descend(weights, velocities, slopes, rate, momentum) {
    for (let j = 0; j < weights.length; j++) {
      velocities[j] = momentum * velocities[j] + slopes[j];
      weights[j] -= rate * velocities[j];
    }
  }

  /** One training run. Equal settings give equal numbers after equally many steps, at any pace. */
  class Run {
    /** @param {object} settings as parse returns them; `steps` is not looked at */
    constructor(settings) {
      const { features, classes } = this.data = makeData(settings.dataset, settings.seed);
      const { initialisation, order } = makeStreams(settings.seed);
      this.settings = settings;
      this.weight = initialise(settings.initialisation, features, classes, initialisation);
      this.bias = new Float64Array(classes);
      this.velocity = {
        weight: new Float64Array(this.weight.length),
        bias: new Float64Array(classes),
      };
      this.random = order;
      this.order = Uint32Array.from(this.data.train.labels.keys());
      this.stepsPerEpoch = countSteps(settings);
      this.maxSteps = MAX_EPOCHS * this.stepsPerEpoch;
      this.steps = 0;
      this.batchLosses = []; // the loss of each batch, before its step
      this.epochs = [this.measure()]; // at the start and after each epoch
      this.finite = true;
    }

    /** Inputs and labels of the next batch; a new epoch shuffles first. */
    takeBatch() {
      const { features, train } = this.data;
      const size = this.settings.batch_size;
      const first = (this.steps % this.stepsPerEpoch) * size;
      if (first === 0) shuffle(this.order, this.random);
      const chosen = this.order.subarray(first, first + size);
      const inputs = new Float64Array(chosen.length * features);
      chosen.forEach((index, i) => {
        inputs.set(train.inputs.subarray(index * features, (index + 1) * features), i * features);
      });
      return { inputs, labels: Uint8Array.from(chosen, (index) => train.labels[index]) };
    }

    /** One update with one batch; after the last of an epoch, both losses are measured. */
    step() {
      const { learning_rate, momentum } = this.settings;
      const { inputs, labels } = this.takeBatch();
      const slopes = Softmax.gradient(inputs, labels, this.weight, this.bias);
      descend(this.weight, this.velocity.weight, slopes.weight, learning_rate, momentum);
      descend(this.bias, this.velocity.bias, slopes.bias, learning_rate, momentum);
      this.steps++;
      this.batchLosses.push(slopes.loss);
      this.finite &&= Number.isFinite(slopes.loss);
      if (this.atEpoch) this.epochs.push(this.measure());
    }

    /** Loss and accuracy on all training and all validation examples, with the present weights. */
    measure() {
      const { train, validation, classes } = this.data;
      const scores = Softmax.logits(train.inputs, this.weight, this.bias);
      const heldOut = Softmax.logits(validation.inputs, this.weight, this.bias);
      return {
        steps: this.steps,
        loss: Softmax.crossEntropy(scores, train.labels, classes),
        accuracy: Softmax.accuracy(scores, train.labels, classes),
        validationLoss: Softmax.crossEntropy(heldOut, validation.labels, classes),
        validationAccuracy: Softmax.accuracy(heldOut, validation.labels, classes),
      };
    }

    /** What was measured last, now if that was before the last step. */
    get now() {
      if (this.epochs.at(-1).steps === this.steps) return this.epochs.at(-1);
      if (this.between?.steps !== this.steps) this.between = this.measure();
      return this.between;
    }

    /** Length of the weights as one vector. */
    get norm() {
      return Math.hypot(...this.weight);
    }

    /** Whether an epoch has just ended. */
    get atEpoch() {
      return this.steps % this.stepsPerEpoch === 0;
    }

    /** Whether the loss was, in one of the last ten epochs, higher than at the start. */
    get worse() {
      return this.epochs.slice(-10).some(({ loss }) => loss > 1.05 * this.epochs[0].loss);
    }

    /** Whether there is nothing more to do: too many epochs, or numbers that are none. */
    get over() {
      return this.steps >= this.maxSteps || !this.finite;
    }
  }

  return { DATA_SETS, INITIALISATIONS, MAX_EPOCHS, MNIST, Run, countTraining, format, parse };
})();
