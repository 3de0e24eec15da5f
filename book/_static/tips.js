/* Shows what a link has in `data-tip`, a definition or a reference, while mouse or keyboard rests on it. The
 * mouse may move onto the tip, and Escape closes it. */
"use strict";

(() => {
  const DELAY = 250; // milliseconds that a mouse rests on a link, or has left it
  const GAP = 6; // pixels between link and tip, and to the window's edges

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.className = "tip not-printed";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);

  let owner = null; // the link whose tip is open
  let timer = 0;

  function close() {
    clearTimeout(timer);
    owner?.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
  }

  /** Opens below the link's first line, or above it where the window ends. */
  function open(link) {
    close();
    owner = link;
    tip.textContent = link.dataset.tip;
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    const [line] = link.getClientRects();
    const { width, height } = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth - width - GAP;
    const below = line.bottom + GAP + height <= window.innerHeight;
    tip.style.left = `${Math.max(GAP, Math.min(line.left, room))}px`;
    tip.style.top = `${below ? line.bottom + GAP : line.top - GAP - height}px`;
  }

  function soon(action) {
    clearTimeout(timer);
    timer = setTimeout(action, DELAY);
  }

  for (const link of document.querySelectorAll("a[data-tip]")) {
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") soon(() => open(link));
    });
    link.addEventListener("pointerleave", () => soon(close));
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) open(link);
    });
    link.addEventListener("blur", close);
  }
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", () => soon(close));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && owner) close();
  });
  window.addEventListener("scroll", () => { if (owner) close(); }, { passive: true });
})();
