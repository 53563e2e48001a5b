/* Creates HTML and SVG elements. */

import { app } from "./app.js";

/** @typedef {Node | string | null | (() => string)} Child
    @typedef {Record<string, unknown>} Attributes */

/** Create an HTML element. A name in `properties` sets a property if the element has one with this name, otherwise an
    attribute. Null children are skipped. A function as a value or a child is called after each state change, unless it
    is an event handler. Do not use one in an element that is redrawn.
    @type {<K extends keyof HTMLElementTagNameMap>(tag: K, properties?: Attributes, ...children: Child[]) =>
      HTMLElementTagNameMap[K]} */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const child of children) {
    if (typeof child === "function") {
      const text = new Text();
      element.append(text);
      app.add(() => revise(text, {}, child()));
    } else if (child !== null) element.append(child);
  }
  const set = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (name in element) Object.assign(element, { [name]: value });
    else revise(element, { [name]: value });
  };
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function" && !name.startsWith("on")) app.add(() => set(name, value()));
    else set(name, value);
  }
  return element;
}

/** Create an SVG element. Attribute values that are functions are event handlers.
    @type {<K extends keyof SVGElementTagNameMap>(tag: K, attributes?: Attributes, ...children: (Node | string)[]) =>
      SVGElementTagNameMap[K]} */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Set the text of a node and, if it is an element, its attributes. Only differing values are set, because setting an
    equal value would also make the browser lay out the page.
    @type {(node: Element | Text, attributes: Attributes, text?: string) => void} */
export function revise(node, attributes, text) {
  const element = /** @type {Element} */ (node);
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  if (text !== undefined && node.textContent !== text) node.textContent = text;
}

/** @type {(scope: "row" | "col", text: Child) => HTMLTableCellElement} */
export const headerCell = (scope, text) => h("th", { scope }, text);

/** Return a table. A cell that is not yet a `<th>` or `<td>` is put into a `<td>`.
    @type {(properties: Attributes, heads: Child[], rows: Child[][]) => HTMLTableElement} */
export function table(properties, heads, rows) {
  const cell = (/** @type {Child} */ one) => (one instanceof HTMLTableCellElement ? one : h("td", {}, one));
  const row = (/** @type {Child[]} */ cells) => h("tr", {}, ...cells.map(cell));
  const head = h("thead", {}, row(heads.map((one) => headerCell("col", one))));
  return h("table", properties, head, h("tbody", {}, ...rows.map(row)));
}

/** @type {(text: Child, onclick: () => void, properties?: Attributes) => HTMLButtonElement} */
export const button = (text, onclick, properties) => h("button", { type: "button", onclick, ...properties }, text);

/** @type {(name: string, className?: string) => HTMLSpanElement} */
export const symbolSpan = (name, className = "symbol") => h("span", { className, title: name, dir: "auto" }, name);

/** Return a labelled `<select>`; `choose(i)` handles the choice of name i. `chosen` is the index of the selected name,
    or a function that returns this index and is called after each state change.
    @type {(label: string, names: string[], choose: (i: number) => void, chosen?: number | (() => number)) =>
      HTMLLabelElement} */
export function labelledSelect(label, names, choose, chosen = 0) {
  const options = names.map((name) => h("option", {}, name));
  const properties = { "data-key": label, onchange: () => choose(select.selectedIndex), selectedIndex: chosen };
  const select = h("select", properties, ...options);
  return h("label", { class: "labelled" }, `${label} `, select);
}

/** Return the user's font size relative to 16 px; drawings scale with it. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
