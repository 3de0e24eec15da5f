/* Keeps score of answers whose reader said how sure they were, for the page "Your own calibration". All of it
 * stays in this browser.
 *
 * For each question that asks, the first answer counts, once. The answers lie in localStorage. Of pages opened
 * as files, each may have a storage of its own, or none; so there a link within the book carries them along, as
 * `?score=`. The page that it leads to takes them in and cleans its address: a copied address holds no score, and
 * fragments are not touched. Pages from a server share one storage, and put nothing into addresses, which the
 * server would see.
 *
 * In the browser's console, Score.answers() lists what is known. */
"use strict";

const Score = (() => {
  const NAME = "score"; // in storage, in the address, and in the browser's history
  const MOST = 200; // answers, so that an address stays short
  const DAY = 86_400; // seconds
  // The second of the last clearing in base 36, a dot; then of each answer the question, per cent, right or wrong.
  const WHOLE = /^([0-9a-z]{1,8})\.((?:[0-9a-f]{6}\d\d[rw])*)$/;
  const EACH = /([0-9a-f]{6})(\d\d)([rw])/g;

  const travels = location.protocol === "file:";
  const root = new URL(document.documentElement.dataset.content_root, location.href).href;
  const listeners = [];

  const now = () => Math.floor(Date.now() / 1000);

  /** What a text says, or null: texts come from addresses, which anyone can write. */
  function read(text) {
    const [, cleared, answers] = WHOLE.exec(text ?? "") ?? [];
    const since = parseInt(cleared, 36);
    if (!(since <= now() + DAY)) return null;
    const known = new Map();
    for (const [, asked, perCent, verdict] of answers.matchAll(EACH)) {
      if (Number(perCent) && !known.has(asked) && known.size < MOST)
        known.set(asked, { perCent: Number(perCent), right: verdict === "r" });
    }
    return { since, known };
  }

  function write({ since, known }) {
    const each = ([asked, { perCent, right }]) => asked + String(perCent).padStart(2, "0") + (right ? "r" : "w");
    return `${since.toString(36)}.${[...known].map(each).join("")}`;
  }

  /** Both together. What was cleared stays so; of two answers to a question the first one's counts. */
  function merge(one, other) {
    if (!other || other.since < one.since) return one;
    if (other.since > one.since) return other;
    return { since: one.since, known: new Map([...other.known, ...one.known].slice(0, MOST)) };
  }

  /** What lies in the storage, which may be forbidden, full, or changed by another tab. */
  function stored() {
    try {
      return read(localStorage.getItem(NAME));
    } catch {
      return null;
    }
  }

  const address = new URL(location.href);
  let kept = { since: 0, known: new Map() };
  for (const found of [stored(), read(history.state?.[NAME]), travels && read(address.searchParams.get(NAME))])
    kept = merge(kept, found);

  const empty = () => !kept.since && !kept.known.size;

  /** Stores the score, and for a reload in the entry of the browser's history, too. */
  function keep() {
    kept = merge(stored() ?? kept, kept); // the stored answer first, or two tabs would correct each other for ever
    const clean = new URL(location.href);
    if (travels) clean.searchParams.delete(NAME);
    if (empty() && clean.href === location.href) return;
    try {
      localStorage.setItem(NAME, write(kept));
    } catch { /* then the address and the history are all there is */ }
    try {
      history.replaceState({ ...history.state, [NAME]: write(kept) }, "", clean);
    } catch { /* a browser may limit how often; links carry the score all the same */ }
    for (const listener of listeners) listener();
  }

  /** A link's address as a URL; null if it is none. */
  function resolve(text) {
    try {
      return new URL(text, document.baseURI);
    } catch {
      return null;
    }
  }

  /** Whether an address is that of another page of this book. */
  function leadsOn(url) {
    return url?.href.startsWith(root) && url.pathname.endsWith(".html") && url.pathname !== location.pathname;
  }

  /** Lets a link that is being followed carry the score, and be as before when the browser has read it. */
  function carry(event) {
    const link = event.target.closest?.("a[href]");
    if (!link || link.hasAttribute("download") || empty()) return;
    const before = link.getAttribute("href");
    const url = resolve(before);
    if (!leadsOn(url)) return;
    url.searchParams.set(NAME, write(kept));
    link.setAttribute("href", url.href);
    setTimeout(() => link.setAttribute("href", before));
  }

  /** The same for the search field. */
  function carryInForm({ target: form }) {
    if (empty() || form.method !== "get" || !leadsOn(resolve(form.getAttribute("action")))) return;
    const field = document.createElement("input");
    [field.type, field.name, field.value] = ["hidden", NAME, write(kept)];
    form.append(field);
    setTimeout(() => field.remove());
  }

  function add({ detail: { asked, perCent, right } }) {
    keep(); // another tab may have the answer already
    if (kept.known.has(asked) || kept.known.size >= MOST) return;
    kept.known.set(asked, { perCent, right });
    keep();
  }

  /** Forgets all answers, wherever they lie, and returns them for `restore`. */
  function clear() {
    const before = kept.known;
    kept = { since: Math.max(now(), kept.since + 1), known: new Map() };
    keep();
    return before;
  }

  function restore(known) {
    kept = { since: kept.since + 1, known: new Map([...kept.known, ...known]) };
    keep();
  }

  /** Says below questions that count where the score is. */
  function addLink(questions) {
    const line = document.createElement("p");
    const link = document.createElement("a");
    const count = document.createElement("span");
    line.className = "score-line not-printed";
    link.href = new URL("book/your_calibration.html", root).href;
    link.textContent = "Your own calibration";
    line.append("How sure you were, and how often you were right: ", link, count);
    questions.querySelector(".tally").after(line);
    const show = () => {
      const { size } = kept.known;
      count.textContent = size ? `, ${size} ${size === 1 ? "answer" : "answers"} so far` : "";
    };
    listeners.push(show);
    show();
  }

  for (const questions of document.querySelectorAll(".lesson-questions"))
    if (questions.querySelector("[data-per-cent]")) addLink(questions);
  keep();
  document.addEventListener("lesson-answer", add);
  for (const event of ["hashchange", "storage", "pageshow"]) window.addEventListener(event, keep);
  if (travels) {
    for (const event of ["click", "auxclick"]) window.addEventListener(event, carry, true);
    window.addEventListener("submit", carryInForm, true);
  }

  return {
    answers: () => [...kept.known].map(([asked, answer]) => ({ asked, ...answer })),
    clear,
    restore,
    listen: (listener) => { listeners.push(listener); },
  };
})();
