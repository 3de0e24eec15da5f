// How Sphinx orders what a search found. It is built into language_data.js and takes the place of the default.
var Scorer = {
  /**
   * Put what teaches before what lists.
   *
   * @param {Array} result - Page, title, anchor, description, score and file name.
   * @returns {number} The new score; the highest comes first.
   */
  score: ([page, , , , score]) => {
    if (page.startsWith("notebooks/")) return score + 10;
    return /(api|bibliography)$/.test(page) ? score - 40 : score;
  },
  // The rest is as Sphinx has it.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
