/* The plans of a lesson: exercises and slides, from one to the next of which a clicker leads. */

const TEN_MINUTES = [
  "train.html#exercise=1",
  "theory.html#2",
  "theory.html#4",
  "reversing.html#exercise=7",
  "reversing.html#exercise=3",
];

/** The addresses of a plan's parts, by its name in the address: the minutes that it takes. */
export const PLANS = new Map([["10", TEN_MINUTES]]);

/** Return the address of the part that is n parts after a part of a plan, which is named by the end of its address; before
    the first and after the last one, that of the exercises. Return "" if the plan does not have the part.
    @type {(plan: string, part: string, n: number) => string} */
export function partAfter(plan, part, n) {
  const parts = PLANS.get(plan) ?? [];
  const i = parts.findIndex((address) => address.endsWith(part));
  if (i < 0) return "";
  return i + n in parts ? `${parts[i + n]}&plan=${plan}&view=lecture` : "links.html";
}

/** Return the name of the part that an address opens. */
export function partName(/** @type {string} */ address) {
  const [, kind, n] = /(exercise=|theory\.html#)(\d+)/.exec(address) ?? [];
  return n ? `${kind === "exercise=" ? "exercise" : "slide"} ${n}` : "all exercises";
}
