/* "Your networks": the networks that trained since the tab was opened. They stay until ten others have trained, even if
   the page is reloaded. */

import { byId } from "./app.js";
import { course } from "./course.js";
import { button, h, percent, thousands } from "./elements.js";
import { last } from "./network.js";
import { own, savedCourse } from "./own.js";

/** @import { Course, Settings } from "./course.js"
    @import { Saved } from "./own.js" */

/** A course that has trained, as JSON values and, if it trained since the page was loaded, also as an object.
    @typedef {{ saved: Saved, course: Course | null }} Kept */

const MOST = 10; // courses
const KEY = `networks ${location.pathname}`; // pages opened as files may share one storage

/** The courses that have trained, most recent last; read from the storage once.
    @type {Kept[]} */
export let keptCourses = read();

/** @returns {Kept[]} */
function read() {
  try {
    const all = /** @type {Saved[]} */ (JSON.parse(sessionStorage.getItem(KEY) ?? "[]")).slice(-MOST);
    const areCourses = all.every(({ course }) => last(course.points).exact.every(Number.isFinite));
    return areCourses ? all.map((saved) => ({ saved, course: null })) : [];
  } catch {
    return []; // there is no storage, or its content is not ours
  }
}

/** Keep a course as the most recent one. The storage gets as many of the most recent courses as fit. */
export function keep(/** @type {Course} */ course) {
  if (!course.samples || (course.settings.task === "pairs" && !course.task.reading)) return; // or from a link
  const others = keptCourses.filter((kept) => kept.course !== course);
  keptCourses = [...others, { saved: savedCourse(course), course }].slice(-MOST);
  for (let n = keptCourses.length; n > 0; n--) {
    try {
      return sessionStorage.setItem(KEY, JSON.stringify(keptCourses.slice(-n).map(({ saved }) => saved)));
    } catch {
      // the storage is full, or there is none
    }
  }
}

/** Return the last kept course with these settings and, for pairs, with the user's current pairs.
    @type {(settings: Settings) => Kept | undefined} */
export function findKept(settings) {
  const key = (/** @type {Omit<Saved, "course">} */ { text, kinds, both, ...saved }) =>
    JSON.stringify([{ ...settings, ...saved.settings }, ...(settings.task === "pairs" ? [text, kinds, both] : [])]);
  const wanted = key({ ...own.reading, both: own.both, settings });
  return keptCourses.findLast(({ saved }) => key(saved) === wanted);
}

/** Fill the layer "Your networks" whenever it opens, with a row for each kept course, most recent first. The button in
    a row calls `show`.
    @type {(show: (kept: Kept) => void) => void} */
export function prepareKept(show) {
  const box = byId("networks");
  const row = (/** @type {Kept} */ kept) => {
    const { settings, course: state } = kept.saved;
    const choose = button(kept.course === course ? "Shown" : "Show", () => {
      box.hidePopover();
      show(kept);
    });
    const numbers = [thousands(state.samples), ...last(state.points).exact.map(percent)];
    return h("tr", {}, ...[choose, ...Object.values(settings), ...numbers].map((cell) => h("td", {}, cell)));
  };
  box.onbeforetoggle = () => {
    keep(course);
    box.querySelector("tbody")?.replaceChildren(...keptCourses.map(row).reverse());
    box.querySelector(".scroll")?.toggleAttribute("hidden", !keptCourses.length);
  };
}
