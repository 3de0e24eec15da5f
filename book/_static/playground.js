/* The playground's page: controls, address, pace. Training is in playground_training.js, drawing
 * in playground_pictures.js. The two are apart, so the frame rate cannot change a result.
 *
 * For the browser's console:
 *   Playground.state()         settings, progress, losses and accuracies as plain values
 *   Playground.run             the run itself: data, weight, bias, batchLosses, epochs; no copies
 *   Playground.open("seed=3")  starts from settings written as in the address */
"use strict";

const Playground = (() => {
  const FRAME_BUDGET = 10; // milliseconds of computing between two frames
  const REPLAY_BUDGET = 30; // the same on the way to a stored point, when little is drawn
  const FIRST_PACE = 10; // epochs a second at the start
  const PACE_GAIN = 0.5; // more for each epoch that is done: later ones change less
  const CALM_PERIOD = 1000; // milliseconds between two pictures for readers who want little motion
  const SPEECH_PERIOD = 5000; // and between two readings of the status while training plays
  const ADDRESS_DELAY = 250; // browsers limit how often an address may change
  const ADDRESS_RETRY = 10_000; // and refuse for a while once that was too often

  const RATES = [-4, -3, -2, -1, 0, 1].flatMap((power) =>
    [1, 1.5, 2, 3, 5, 7].map((digit) => Number(`${digit}e${power}`))).concat(100);
  const MOMENTA = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

  const find = (id) => document.getElementById(`playground-${id}`);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  let run; // what is trained, a Training.Run
  let target = 0; // steps at which playing ends
  let mode = "paused"; // or "playing", or "replaying" on the way to a point stored in an address
  let turn = 0; // counts starts, so that callbacks of an earlier one know that they are late
  let autoplay = 0; // epochs that the next opened settings play at once
  let addressTimer = 0;
  let lastSpoken = 0;

  // Controls

  /** Powers of two, and the whole training set. */
  function batchSizes(dataset) {
    const all = Training.countTraining(dataset);
    const powers = Array.from({ length: 20 }, (_, power) => 2 ** power);
    return [...powers.filter((size) => size < all), all];
  }

  /** The values at which each slider stops. */
  function stops(name) {
    if (name === "learning_rate") return RATES;
    return name === "momentum" ? MOMENTA : batchSizes(run.settings.dataset);
  }

  /** A setting's value in words. */
  function say(name, value) {
    const all = Training.countTraining(run.settings.dataset);
    return name === "batch_size" && value === all ? `${value} (all)` : String(value);
  }

  const SLIDERS = ["learning_rate", "batch_size", "momentum"];
  const FIELDS = ["dataset", "initialisation", "seed"];

  const IN_ORDER = ["dataset", ...SLIDERS, "initialisation", "seed"]; // as on the page

  /** A setting as its control shows it: "batch size 16". The name of data speaks for itself. */
  function spell(name) {
    const label = name.replaceAll("_", " "); // not the label's text, which the browser may have translated
    const value = find(name).selectedOptions?.[0].text ?? say(name, run.settings[name]);
    return name === "dataset" ? value : `${label} ${value}`;
  }

  /** Shows the settings in the controls. A slider stands at its nearest stop; its text is exact. */
  function showSettings() {
    for (const name of FIELDS) find(name).value = run.settings[name];
    for (const name of SLIDERS) {
      const [slider, value, values] = [find(name), run.settings[name], stops(name)];
      const distance = (stop) => Math.abs(Math.log((stop + 0.01) / (value + 0.01)));
      const exact = values.indexOf(value);
      const near = values.reduce((best, stop, i) =>
        (distance(stop) < distance(values[best]) ? i : best), 0);
      slider.max = values.length - 1;
      slider.value = exact >= 0 ? exact : near;
      slider.setAttribute("aria-valuetext", say(name, value));
      find(`${name}-value`).textContent = say(name, value);
    }
  }

  /** Starts anew with what a control says; goes on playing if it played. */
  function change(name, text) {
    const { settings: old } = run;
    const before = { ...old, steps: 0, [name]: text };
    if (name === "dataset") {
      const [all, now] = [old.dataset, text].map(Training.countTraining);
      before.batch_size = old.batch_size === all ? now : Math.min(old.batch_size, now);
    }
    const { settings, problems } = Training.parse(Training.format(before));
    refuse(problems);
    if (problems.length) {
      showSettings();
      return;
    }
    const until = mode === "playing" ? target / run.stepsPerEpoch : 0;
    find("set").textContent = "";
    start(settings);
    if (until) play(until);
  }

  // What the page says

  /** Shows what was not allowed, as text and never as markup; nothing clears it. */
  function refuse(problems) {
    find("refused").textContent = problems.join("\n");
  }

  /** A share in per cent. */
  function percent(share) {
    return `${(100 * share).toFixed(1)} %`;
  }

  /** Three digits, always as many, so that nothing jumps; or words for what is no number. */
  function round(number) {
    if (!Number.isFinite(number)) return "not a finite number";
    return Math.abs(number) < 999.5 ? number.toPrecision(3) : number.toFixed(0);
  }

  /** Plain values that say where the run is; while it plays, with the losses of the last epoch. */
  function state() {
    const { loss, accuracy, validationLoss, validationAccuracy } =
      mode === "paused" ? run.now : run.epochs.at(-1);
    return {
      ...run.settings,
      steps: run.steps,
      epoch: Math.floor(run.steps / run.stepsPerEpoch),
      mode,
      loss,
      accuracy,
      validationLoss,
      validationAccuracy,
      weightLength: run.norm,
    };
  }

  /** The status in one line, for eyes and screen readers alike. */
  function describe() {
    const now = state();
    const doing = {
      paused: "Paused",
      playing: "Training",
      replaying: "Training up to the stored point",
    }[mode];
    return `${doing}: epoch ${now.epoch}, step ${now.steps}. ` +
      `Training loss ${round(now.loss)}, accuracy ${percent(now.accuracy)}; ` +
      `validation loss ${round(now.validationLoss)}, accuracy ${percent(now.validationAccuracy)}.`;
  }

  /** Says in words what has gone wrong, and what to try. */
  function warn() {
    let words = "";
    if (!run.finite) {
      words = "The loss is no longer a finite number, so training has stopped. Take a smaller " +
        "learning rate or less momentum, then reset.";
    } else if (run.worse) {
      words = "Training has made the loss higher than it was at the start: the steps are too " +
        "long. Try a smaller learning rate, less momentum or larger batches.";
    } else if (run.steps >= run.maxSteps) {
      words = `This page trains ${Training.MAX_EPOCHS} epochs at most.`;
    }
    const message = find("warning");
    if (message.textContent !== words) message.textContent = words; // or it would be read out again
  }

  /** Brings everything on the page up to date. */
  function show() {
    const now = state();
    const values = {
      epoch: String(now.epoch),
      steps: String(now.steps),
      loss: round(now.loss),
      accuracy: percent(now.accuracy),
      "validation-loss": round(now.validationLoss),
      "validation-accuracy": percent(now.validationAccuracy),
      "weight-length": round(now.weightLength),
    };
    for (const [name, text] of Object.entries(values)) find(name).textContent = text;
    const images = run.settings.dataset === Training.MNIST;
    find("plane-figure").hidden = images;
    find("templates-figure").hidden = !images;
    if (images) Pictures.drawTemplates(find("templates"), run);
    else Pictures.drawPlane(find("plane"), run);
    Pictures.drawCurves(find("curves"), run);
    find("play").textContent = mode === "paused" ? "Play" : "Pause";
    warn();
    if (mode === "paused" || performance.now() - lastSpoken > SPEECH_PERIOD) {
      find("status").textContent = describe();
      lastSpoken = performance.now();
    }
    scheduleAddress();
  }

  // The address

  /** The whole state as text: settings, seed and number of steps. */
  function address() {
    return `#${Training.format({ ...run.settings, steps: run.steps })}`;
  }

  /** Puts the state into the address, without a new entry in the browser's history. */
  function writeAddress() {
    clearTimeout(addressTimer);
    addressTimer = 0;
    if (location.hash === address()) return;
    try {
      history.replaceState(history.state, "", address()); // which holds the score, see score.js
    } catch {
      addressTimer = setTimeout(writeAddress, ADDRESS_RETRY);
    }
  }

  /** The link to this very point, whether or not the browser let the address say it. */
  function link() {
    const url = new URL(address(), location.href);
    url.search = ""; // a reader's own score, should it still be there
    return url.href;
  }

  let touched = false; // an address stays as it was found until the reader does something

  /** Has the address written soon, once for many changes. */
  function scheduleAddress() {
    if (touched && !addressTimer) addressTimer = setTimeout(writeAddress, ADDRESS_DELAY);
  }

  /** Leaves the address as it is until the reader does something else. */
  function leaveAddress() {
    touched = false;
    clearTimeout(addressTimer);
    addressTimer = 0;
  }

  /** Opens settings written as in an address, and goes to the point that they store. */
  function open(text) {
    const { settings, problems } = Training.parse(text);
    refuse(problems);
    start(settings);
    if (settings.steps) advance("replaying", settings.steps);
    return problems;
  }

  /** Opens what the address says, if it holds settings; plays if an experiment was clicked. */
  function openAddress() {
    const epochs = autoplay;
    autoplay = 0;
    const text = location.hash.slice(1);
    if (!text.includes("=")) return; // a section of the page
    leaveAddress();
    open(text);
    if (!epochs) return;
    find("play").focus({ preventScroll: true });
    bringIntoView();
    find("set").textContent = `Set: ${IN_ORDER.map(spell).join(", ")}. ` +
      `${calm.matches ? "Play" : "It"} trains ${epochs} epochs.`;
    target = epochs * run.stepsPerEpoch;
    if (!calm.matches) play(epochs);
  }

  /** Shows the playground; where not all of it fits, from the buttons on, above the pictures. */
  function bringIntoView() {
    const [root, pictures] = [find("root"), find("pictures")].map((e) => e.getBoundingClientRect());
    const fits = pictures.bottom - root.top <= window.innerHeight;
    // "auto" moves smoothly where the page's style says so.
    find(fits ? "root" : "buttons").scrollIntoView({ behavior: calm.matches ? "instant" : "auto" });
  }

  /** Copies the address, or shows it where the browser does not allow that. */
  function copyLink() {
    touched = true;
    writeAddress();
    const field = find("link");
    field.value = link();
    const offer = () => {
      field.hidden = false;
      field.select();
      find("status").textContent = "Copy the link from the field below the buttons.";
    };
    if (!navigator.clipboard) offer();
    else {
      navigator.clipboard.writeText(link()).then(() => {
        find("status").textContent = "The link is copied. It leads to this very point.";
      }, offer);
    }
  }

  // Running

  /** Replaces the run by a new one, paused before its first step. */
  function start(settings) {
    turn++;
    mode = "paused";
    run = new Training.Run(settings);
    target = 0;
    showSettings();
    show();
  }

  /** Stops where it is. */
  function pause() {
    turn++;
    mode = "paused";
    show();
  }

  /** Trains at the reader's pace until so many epochs are done. */
  function play(epochs = Training.MAX_EPOCHS) {
    advance("playing", epochs * run.stepsPerEpoch);
  }

  /** Trains until `end`, with pauses in which the page draws and reacts. */
  function advance(how, end) {
    const mine = ++turn;
    mode = how;
    target = Math.min(end, run.maxSteps);
    let [drawn, previous, allowance] = [-Infinity, performance.now(), 0];
    lastSpoken = -Infinity;

    const finished = () => run.steps >= target || run.over;

    let slowest = 0; // milliseconds of a step in the last turn; one that ends an epoch is slower

    /**
     * Makes steps while another, should it be slow, fits into the budget; but one at least, and not
     * more than the limit. Returns how many.
     */
    function work(budget, limit) {
      const begun = performance.now();
      let [done, previous, longest] = [0, begun, 0];
      const fits = () => done === 0 || previous - begun + Math.max(slowest, longest) < budget;
      while (!finished() && done < limit && fits()) {
        run.step();
        done++;
        const now = performance.now();
        [longest, previous] = [Math.max(longest, now - previous), now];
      }
      if (done) slowest = longest;
      return done;
    }

    /** One turn: train, and draw if it is time to. */
    function goOn() {
      if (mine !== turn) return;
      const now = performance.now();
      if (how === "replaying") {
        work(REPLAY_BUDGET, Infinity);
      } else {
        const pace = FIRST_PACE * run.stepsPerEpoch + PACE_GAIN * run.steps;
        allowance = Math.min(allowance + ((now - previous) / 1000) * pace, pace);
        allowance -= work(FRAME_BUDGET, Math.floor(allowance));
      }
      previous = now;
      if (finished()) {
        pause();
        return;
      }
      if (how === "playing" && now - drawn >= (calm.matches ? CALM_PERIOD : 0)) {
        drawn = now;
        show();
      }
      wait();
    }

    function wait() {
      if (how === "playing") requestAnimationFrame(goOn);
      else setTimeout(goOn);
    }

    show();
    drawn = performance.now();
    wait();
  }

  /** Makes single steps at once, until `enough` says so. */
  function stepUntil(enough) {
    turn++;
    mode = "paused";
    if (!run.over) {
      do run.step(); while (!run.over && !enough());
    }
    show();
  }

  /** Connects the controls, then opens what the address says. */
  function begin() {
    const act = (id, action) => find(id).addEventListener("click", () => {
      touched = true;
      action();
    });
    act("play", () => {
      if (mode !== "paused") pause();
      else play(target > run.steps ? target / run.stepsPerEpoch : undefined);
    });
    act("step", () => stepUntil(() => true));
    act("epoch-step", () => stepUntil(() => run.atEpoch));
    act("reset", () => start({ ...run.settings, steps: 0 }));
    act("copy", copyLink);
    const listen = (event, name, read) => find(name).addEventListener(event, () => {
      touched = true;
      change(name, read(find(name)));
    });
    for (const name of SLIDERS) listen("input", name, (slider) => stops(name)[slider.value]);
    for (const name of FIELDS) listen("change", name, (field) => field.value);
    for (const link of document.querySelectorAll("a[data-settings]")) prepare(link);
    window.addEventListener("hashchange", openAddress);
    window.addEventListener("resize", show);
    const page = document.documentElement;
    new MutationObserver(show).observe(page, { attributeFilter: ["data-theme"] });
    find("root").hidden = false;
    open("");
    openAddress();
  }

  /** Gives a guided experiment its address. Without this script there is nothing to link to. */
  function prepare(link) {
    const { settings, problems } = Training.parse(link.dataset.settings);
    if (problems.length) console.error(problems.join("\n"));
    link.href = `#${Training.format(settings)}`;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      autoplay = Number(link.dataset.epochs);
      leaveAddress(); // writing where the run is would overtake the address that this click brings
      if (link.hash === location.hash) openAddress(); // no change of the address will announce it
    });
  }

  begin();
  return { open, state, get run() { return run; } };
})();
