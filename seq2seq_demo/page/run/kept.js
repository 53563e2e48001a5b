/* "Your networks": the networks that have been trained since the tab was opened. They are kept until ten others have
   been trained, even if the page is reloaded. */

import { byId } from "../draw/app.js";
import { button, h } from "../draw/elements.js";
import { percent, thousands } from "../draw/format.js";
import { last } from "../network/network.js";
import { course } from "./course.js";
import { own, savedCourse } from "./own.js";

/** @import { Settings } from "../draw/app.js"
    @import { Course } from "./course.js"
    @import { Saved } from "./own.js" */

/** A course that has been trained, as JSON values and, if it was trained since the page was loaded, also as an object.
    @typedef {{ saved: Saved, course: Course | null }} Kept */

const MOST = 10; // courses
const KEY = `networks ${location.pathname}`; // pages opened as files may share one storage

/** The courses that have been trained, most recent last. They are read from the session storage only once.
    @type {Kept[]} */
export let keptCourses = read();

/** @returns {Kept[]} */
function read() {
  try {
    const all = /** @type {Saved[]} */ (JSON.parse(sessionStorage.getItem(KEY) ?? "[]")).slice(-MOST);
    const areCourses = all.every(({ course }) => last(course.points).exact.every(Number.isFinite));
    return areCourses ? all.map((saved) => ({ saved, course: null })) : [];
  } catch {
    return []; // there is no storage, or its content is not valid
  }
}

/** Keep a course as the most recent one. The session storage holds as many of the most recent courses as fit. */
export function keep(/** @type {Course} */ course) {
  if (!course.samples || (course.settings.task === "pairs" && !course.task.reading)) return; // untrained or from a link
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

/** Whenever the layer "Your networks" opens, fill it with a row for each kept course, most recent first. The button in
    a row calls `show` with the course.
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
