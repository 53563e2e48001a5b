/* Texts for numbers, names and lengths. */

/** @import { TrainedNetwork } from "./trained.js" */

/** Format a share in percent; a line does not break before the sign.
    @type {(share: number) => string} */
export const percent = (share) => `${share > 0.9995 ? "100" : share < 0.0005 ? "0" : (100 * share).toFixed(1)}\u00a0%`;

/** Return a symbol's name with white space made visible.
    @type {(name: string) => string} */
export const visible = (name) => name.replaceAll(" ", "␣").replaceAll("\t", "⇥").replaceAll("\n", "⏎");

/** Shorten a name to `maxLength` characters. */
export function truncate(/** @type {string} */ name, /** @type {number} */ maxLength) {
  const characters = [...name];
  return characters.length > maxLength ? `${characters.slice(0, Math.max(1, maxLength - 1)).join("")}…` : name;
}

/** Return the indices of the n largest numbers, largest first.
    @type {(x: Float32Array, n: number) => number[]} */
export const largest = (x, n) => [...x.keys()].sort((a, b) => x[b] - x[a]).slice(0, n);

/** Format a number with a fixed number of digits and a true minus sign.
    @type {(x: number, digits?: number) => string} */
export function formatNumber(x, digits = 3) {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Format a number as a factor or summand: negative numbers in parentheses.
    @type {(x: number) => string} */
export const formatTerm = (x) => (formatNumber(x).startsWith("−") ? `(${formatNumber(x)})` : formatNumber(x));

/** @type {(n: number, noun: string) => string} */
export const pluralize = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** Return a sentence on the source lengths in training; "" if no file records them. */
export function trainedLengths(/** @type {TrainedNetwork[]} */ networks) {
  const ranges = networks.flatMap(({ in_len: longest, min_in_len: shortest }) => {
    const range = shortest && shortest !== longest ? `${shortest} to ` : "";
    return longest ? `${range}${pluralize(longest, "symbol")}` : [];
  });
  return ranges.length ? `Trained on sources of ${[...new Set(ranges)].join(" and of ")}.` : "";
}

/** @type {(n: number) => string} */
export const thousands = (n) => n.toLocaleString("en");
