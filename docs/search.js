/* Sphinx gives all pages that contain a word the same score. Tasks and settings come first, history and reasons last. */
var Scorer = {
  score: ([page, title, anchor, description, score]) => {
    const first = ["how-to/", "reference/configuration", "reference/cli/index", "reference/errors"];
    const last = ["changelog", "contributing", "decisions/", "architecture", "benchmarks", "reference/actions/"];
    if (first.some((name) => page.startsWith(name))) return score + 2;
    return last.some((name) => page.startsWith(name)) ? score - 2 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
