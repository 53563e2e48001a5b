/* Tabs below the stage; `app.state.tab` is the id of the selected one. */

import { app } from "./app.js";
import { button, h } from "./elements.js";
import { disabledWithoutRun } from "./panels.js";

/** @import { PageState } from "./app.js" */

/** Return a tablist and its panels, which are sections whose headings become the labels. `stage` may cover them while
    the page scrolls. */
export function tabs(/** @type {HTMLElement} */ stage, /** @type {HTMLElement[]} */ sections) {
  app.tabs = sections.map(({ id }) => id);
  const labels = sections.map((section) => {
    const attributes = { role: "tab", id: `tab-${section.id}`, "aria-controls": section.id };
    section.setAttribute("role", "tabpanel");
    section.tabIndex = -1;
    return button(section.querySelector("h2")?.textContent ?? "", () => showTab(section.id), attributes);
  });
  const list = h("div", { id: "tabs", attributes: { role: "tablist", "aria-label": "Panels" } }, ...labels);
  list.addEventListener("keydown", (event) => {
    const i = labels.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: -1 }[event.key];
    const label = labels.at((to ?? 0) % labels.length);
    if (to === undefined || !label) return;
    event.preventDefault();
    label.focus({ preventScroll: true });
    label.click();
  });
  const update = () => {
    const selected = app.state.tab ?? app.tabs[0];
    sections.forEach((section, i) => {
      section.hidden = section.id !== selected;
      labels[i].setAttribute("aria-selected", String(!section.hidden));
      labels[i].tabIndex = section.hidden ? -1 : 0;
    });
  };
  app.updates.unshift(update); // panels update only while they are shown
  const sticky = [stage, ...stage.children].slice(0, 2); // the stage or, in a small window, its first part
  const observer = new ResizeObserver(() => {
    const covering = sticky.find((element) => getComputedStyle(element).position === "sticky");
    document.documentElement.style.setProperty("--covered", `${covering?.getBoundingClientRect().height ?? 0}px`);
  });
  for (const element of sticky) observer.observe(element);
  return [disabledWithoutRun(list), ...sections];
}

/** Select the tab that contains an element, if any, and scroll to the element. */
export function reveal(/** @type {HTMLElement} */ element) {
  const section = element.closest("[role=tabpanel]");
  if (section) showTab(section.id);
  if (section !== element) element.scrollIntoView({ block: "nearest" });
}

/** Change the state, select a tab and scroll it to the part of the window below the stage.
    @type {(tab: string, patch?: Partial<PageState>) => void} */
export function showTab(tab, patch = {}) {
  app.change({ ...patch, tab });
  document.getElementById("tabs")?.scrollIntoView({ behavior: "instant" });
}
