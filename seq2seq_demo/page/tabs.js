// @ts-nocheck
/* Tabs below the stage; `app.state.tab` is the id of the selected one. */

import { app } from "./app.js";
import { button, h } from "./elements.js";

/** Return a tablist and its panels, which are sections whose headings become the labels. */
export function tabs(sections) {
  app.tabs = sections.map(({ id }) => id);
  const labels = sections.map((section) => {
    const attributes = { role: "tab", id: `tab-${section.id}`, "aria-controls": section.id };
    section.setAttribute("role", "tabpanel");
    section.tabIndex = -1;
    return button(section.querySelector("h2").textContent, () => showTab(section.id), attributes);
  });
  const list = h("div", { id: "tabs", attributes: { role: "tablist", "aria-label": "Panels" } }, ...labels);
  list.addEventListener("keydown", (event) => {
    const { key } = event;
    const i = labels.indexOf(document.activeElement);
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: -1 }[key];
    if (to === undefined) return;
    event.preventDefault();
    const label = labels.at(to % labels.length);
    label.focus({ preventScroll: true });
    label.click();
  });
  const update = () => {
    const selected = app.state.tab ?? app.tabs[0];
    sections.forEach((section, i) => {
      section.hidden = section.id !== selected;
      labels[i].setAttribute("aria-selected", !section.hidden);
      labels[i].tabIndex = section.hidden ? -1 : 0;
    });
  };
  app.panels.unshift({ update }); // the panels after it update only while they are shown
  return [list, ...sections];
}

/** Select the tab that contains an element, if any, and scroll to the element. */
export function reveal(element) {
  const section = element.closest("[role=tabpanel]");
  if (section) showTab(section.id);
  else element.scrollIntoView({ block: "nearest" });
}

/** Change the state, select a tab and scroll its panel to the part of the window below the stage. */
export function showTab(tab, patch = {}) {
  app.change({ ...patch, tab });
  const top = document.getElementById("tabs").getBoundingClientRect().top;
  const [stage, player] = ["stage", "player"].map((name) => document.getElementById(name));
  const sticky = [stage, player].find((element) => getComputedStyle(element).position === "sticky");
  scrollBy({ top: top - sticky.offsetHeight, behavior: "instant" });
}
