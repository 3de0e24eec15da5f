/* Filters the ledger's rows. Without this script all rows are shown, and there are no filters. */
"use strict";

(() => {
  const form = document.getElementById("ledger-filters");
  const found = document.getElementById("ledger-found");
  const rows = [...document.querySelectorAll(".ledger-row")];
  const groups = [...document.querySelectorAll(".ledger-group")];
  const facets = [...new Set([...form.elements].map((element) => element.name).filter(Boolean))];

  /** What is chosen: for each facet its values, of which a row must have one; none chosen means all. */
  function chosen() {
    const data = new FormData(form);
    return facets.map((name) => [name, data.getAll(name)]).filter(([, values]) => values.length);
  }

  function show() {
    const wanted = chosen();
    for (const row of rows) {
      row.hidden = !wanted.every(([name, values]) => values.includes(row.dataset[name]));
    }
    for (const group of groups) {
      const all = group.querySelectorAll(".ledger-row").length;
      const shown = group.querySelectorAll(".ledger-row:not([hidden])").length;
      group.hidden = shown === 0;
      group.querySelector(".ledger-count").textContent = shown === all ? all : `${shown} of ${all}`;
    }
    const shown = rows.filter((row) => !row.hidden).length;
    found.textContent = shown === rows.length ? `All ${shown} claims are shown.`
      : `${shown || "None"} of ${rows.length} claims ${shown === 1 ? "is" : "are"} shown.`;
    form.querySelector("[type=reset]").disabled = wanted.length === 0;
    return wanted;
  }

  /** Keeps the choice in the address, so that a link to it can be shared: files have no other memory. */
  function remember() {
    const wanted = show().map(([name, values]) => `${name}=${values.join(",")}`).join("&");
    history.replaceState(null, "", wanted ? `#${wanted}` : location.pathname + location.search);
  }

  /** Follows the address: to a choice, or to a row, which opens. */
  function follow() {
    const place = decodeURIComponent(location.hash.slice(1));
    const row = document.getElementById(place)?.closest(".ledger-row");
    if (row) {
      form.reset();
      show();
      row.querySelector("details").open = true;
      row.scrollIntoView();
    } else if (place.includes("=")) {
      const wanted = new Map(place.split("&").map((one) => one.split("=")));
      for (const box of form.querySelectorAll("input")) {
        box.checked = (wanted.get(box.name) ?? "").split(",").includes(box.value);
      }
      show();
    }
  }

  form.addEventListener("change", remember);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    setTimeout(remember); // the boxes are empty only after this
    form.querySelector("input").focus(); // the button is about to be disabled
  });
  window.addEventListener("hashchange", follow);
  form.hidden = false;
  show(); // a browser may have kept what was chosen before
  follow();
})();
