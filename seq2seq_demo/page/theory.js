/* The theory as slides: the keys of a clicker, the arrow keys and the space bar go from one to the next. */

/** @type {Record<string, number>} */
const STEPS = { PageUp: -1, ArrowLeft: -1, ArrowUp: -1, PageDown: 1, ArrowRight: 1, ArrowDown: 1, " ": 1 };

addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const top = (/** @type {Element} */ slide) => step * slide.getBoundingClientRect().top;
  const ahead = [...document.querySelectorAll("body > header, section")].filter((slide) => top(slide) > 9);
  ahead.at(step > 0 ? 0 : -1)?.scrollIntoView();
  event.preventDefault();
});
