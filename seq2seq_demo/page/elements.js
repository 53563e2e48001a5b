/* HTML elements, such as buttons and choices, and SVG elements. */

/** @typedef {Node | string | null} Child
    @typedef {Record<string, unknown>} Attributes */

/** Create an HTML element. `attributes` become attributes, other properties are set on the element, and null children
    are skipped.
    @type {<K extends keyof HTMLElementTagNameMap>(tag: K, properties?: Omit<Partial<HTMLElementTagNameMap[K]>,
      "attributes"> & { attributes?: Attributes }, ...children: Child[]) => HTMLElementTagNameMap[K]} */
export function h(tag, options, ...children) {
  const { attributes = {}, ...properties } = options ?? {};
  const element = document.createElement(tag);
  Object.assign(element, properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set attributes and the text of an element if they differ, because the browser would lay out even an equal text.
    @type {(element: Element, attributes: Attributes, text?: string) => void} */
export function revise(element, attributes, text) {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
  if (text !== undefined && element.textContent !== text) element.textContent = text;
}

/** @type {(scope: "row" | "col", text: Child, className?: string) => HTMLTableCellElement} */
export const headerCell = (scope, text, className = "") => h("th", { className, scope }, text);

/** @type {(text: Child, onclick: () => void, attributes?: Attributes) => HTMLButtonElement} */
export function button(text, onclick, { className = "", ...attributes } = {}) {
  return h("button", { className: String(className), onclick, attributes: { type: "button", ...attributes } }, text);
}

/** @type {(name: string, className?: string) => HTMLSpanElement} */
export const symbolSpan = (name, className = "symbol") => h("span", { className, title: name, dir: "auto" }, name);

/** Return a labelled `<select>`; `choose(i)` handles the choice of text i.
    @type {(label: string, texts: string[], choose: (i: number) => void, chosen?: number) => HTMLLabelElement} */
export function labelledSelect(label, texts, choose, chosen = 0) {
  const options = texts.map((text, i) => h("option", { selected: i === chosen }, text));
  const select = h("select", { attributes: { "data-key": label } }, ...options);
  select.addEventListener("change", () => choose(select.selectedIndex));
  return h("label", { className: "labelled" }, `${label} `, select);
}

/** @type {<K extends keyof SVGElementTagNameMap>(tag: K, attributes?: Record<string, unknown>,
      ...children: (Node | string)[]) => SVGElementTagNameMap[K]} */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Return the user's font size relative to 16 px; drawings scale with it. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
