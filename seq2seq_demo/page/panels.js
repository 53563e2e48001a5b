/* Sections of the page: headings with help texts, one column per network, and tables on demand. */

import { scrollBox, updateScrollBox } from "./boxes.js";
import { h } from "./elements.js";

let helpCount = 0; // makes the ids of help texts unique

/** Return a label with a "?" button that opens and closes a help text below the label; Escape also closes it. */
export function labelWithHelp(label, help, tag = "h2") {
  const id = `help-${++helpCount}`;
  const tip = h("span", { id, className: "tip", hidden: true }, help);
  const attributes = { type: "button", "aria-label": `Help: ${label}`, "aria-describedby": id };
  const helpButton = h("button", { className: "help", attributes }, "?");
  const show = (isOpen) => {
    tip.hidden = !isOpen;
    helpButton.setAttribute("aria-expanded", isOpen);
  };
  show(false);
  helpButton.addEventListener("click", () => show(tip.hidden));
  helpButton.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
  const isBlock = /^(h\d|p|div)$/.test(tag);
  return h(isBlock ? "div" : "span", { className: "explained" }, h(tag, {}, label), helpButton, tip);
}

/** Return a section with a heading, which has a help text and is the section's accessible name. */
export function panel(id, title, help, ...children) {
  const heading = labelWithHelp(title, help);
  heading.firstChild.id = `${id}-title`;
  const attributes = { "aria-labelledby": `${id}-title` };
  return h("section", { id, className: "panel", attributes }, heading, ...children);
}

/** Register a panel and return its section. Without a valid source, the panel is inert and keeps its content. */
export function addPanel(app, section, update) {
  app.add({
    update() {
      section.inert = !app.runs.length;
      if (app.runs.length) update();
    },
  });
  return section;
}

/** Return one column per network, headed by its name if there are several; makeParts(network, i) returns its parts. */
export function columns(networks, makeParts) {
  const parts = networks.map((network, i) => {
    const unrecorded = network.recording ? null : h("small", { className: "unrecorded" }, "not recorded: as saved");
    const name = networks.length > 1 ? h("h3", { className: "name" }, network.name, unrecorded) : null;
    return h("div", { className: "column" }, name, ...makeParts(network, i));
  });
  return h("div", { className: "columns" }, ...parts);
}

/** Return a `<details>` element that makes its table when opened, and `refresh`, which remakes an open table. */
export function tableDetails(label, makeTable) {
  const box = scrollBox(label);
  const details = h("details", { className: "as-table" }, h("summary", {}, "As a table"), box);
  const refresh = () => {
    if (!details.open) return;
    box.replaceChildren(makeTable());
    updateScrollBox(box);
  };
  details.addEventListener("toggle", refresh);
  return { details, refresh };
}

/** Return the name of a network if the page shows several, else "". */
export const networkLabel = (app, network) => (app.networks.length > 1 ? network.name : "");
