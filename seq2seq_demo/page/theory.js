/* The theory as slides: the keys of a clicker, the arrow keys and the space bar go from one to the next. */

/** @type {Record<string, number>} */
const STEPS = { PageUp: -1, ArrowLeft: -1, ArrowUp: -1, PageDown: 1, ArrowRight: 1, ArrowDown: 1, " ": 1 };

/** Go to the next slide or, if n is negative, to the one before. */
function go(/** @type {number} */ n) {
  const top = (/** @type {Element} */ slide) => n * slide.getBoundingClientRect().top;
  const ahead = [...document.querySelectorAll("body > header, section")].filter((slide) => top(slide) > 9);
  ahead.at(n > 0 ? 0 : -1)?.scrollIntoView();
}

addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  go(step);
  event.preventDefault();
});
addEventListener("message", ({ data }) => go(/next/.test(data) ? 1 : -1)); // from a frame, after its last step
