/* The theory as slides: the keys of a clicker, the arrow keys and the space bar go from one slide to the next. The URL
   fragment names the slide, as in #2. It may also name a plan, which continues on other pages. */

import { asLeft } from "./lesson/notes.js";
import { partAfter, partName } from "./lesson/plans.js";

/** @type {Record<string, number>} */
const STEPS = { PageUp: -1, ArrowLeft: -1, ArrowUp: -1, PageDown: 1, ArrowRight: 1, ArrowDown: 1, " ": 1 };

const slides = document.querySelectorAll("section");

/** Return the number of the slide in the URL, and the plan.
    @returns {[number, string]} */
function slideAndPlan() {
  const fields = location.hash.slice(1);
  const slide = Math.max(1, Math.min(Number.parseInt(fields, 10) || 1, slides.length));
  return [slide, new URLSearchParams(fields).get("plan") ?? ""];
}

/** Show the slide in the URL and, in a plan, the name of the next part. */
function showSlide() {
  const [slide, plan] = slideAndPlan();
  const part = partAfter(plan, `#${slide}`, 1);
  const link = slides[slide - 1].querySelector("[rel=next]");
  if (link && part) link.textContent = `Next: ${partName(part)}`;
  if (slide > 1) slides[slide - 1].scrollIntoView();
  else scrollTo(0, 0);
}

/** Go n slides forward or, in a plan, n parts forward. */
function go(/** @type {number} */ n) {
  const [slide, plan] = slideAndPlan();
  const to = Math.max(1, Math.min(slide + n, slides.length));
  const address = partAfter(plan, `#${slide}`, n) || `#${to}`;
  location.replace(n < 0 ? asLeft(address) : address);
}

addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  go(step);
  event.preventDefault();
});
addEventListener("click", (event) => {
  const { rel } = /** @type {HTMLAnchorElement} */ (event.target);
  if (!rel) return;
  go(rel === "next" ? 1 : -1);
  event.preventDefault();
});
addEventListener("message", ({ data }) => go(/next/.test(data) ? 1 : -1)); // from a frame, at either end of its steps
addEventListener("hashchange", showSlide);
showSlide();
