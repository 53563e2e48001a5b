/* SVG elements. */

/** @type {<K extends keyof SVGElementTagNameMap>(tag: K, attributes?: Record<string, unknown>,
      ...children: (Node | string)[]) => SVGElementTagNameMap[K]} */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** Return the user's font size relative to 16 px; drawings scale with it.
    @type {() => number} */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
