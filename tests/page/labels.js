/* What is wrong with the labels of the pictures, which `faults` returns as strings. */
const EDGE = 1; // px by which boxes may overlap

/** The boxes of parts of pictures, which a step does not move. */
const boxes = new WeakMap();

/** Return the box of a part; the box of words has only their letters, not the room above and below them. */
function boxOf(part) {
  if (!boxes.has(part)) {
    const { left, right, top, bottom } = part.getBoundingClientRect();
    const height = part.tagName === "text" ? bottom - top : 0;
    boxes.set(part, { left, right, top: top + 0.17 * height, bottom: bottom - 0.12 * height });
  }
  return boxes.get(part);
}

const areApart = (a, b) =>
  a.right - EDGE <= b.left || b.right - EDGE <= a.left || a.bottom - EDGE <= b.top || b.bottom - EDGE <= a.top;

/** Return whether a line from p to q meets a box: it is cut off at each side, until nothing is left. */
function meets({ left, right, top, bottom }, [x0, y0], [x1, y1]) {
  let [from, to] = [0, 1];
  const sides = [
    [x0 - x1, x0 - left],
    [x1 - x0, right - x0],
    [y0 - y1, y0 - top],
    [y1 - y0, bottom - y0],
  ];
  for (const [speed, distance] of sides) {
    if (speed === 0 && distance < 0) return false;
    if (speed < 0) from = Math.max(from, distance / speed);
    if (speed > 0) to = Math.min(to, distance / speed);
  }
  return from < to;
}

/** Return whether a symbol is larger than its tile. */
function isTooLarge(piece) {
  const [tile, text] = ["rect", "text"].map((one) => boxOf(piece.querySelector(one)));
  const isUpright = piece.querySelector("text").hasAttribute("transform");
  const sizes = ({ left, right, top, bottom }) =>
    isUpright ? [bottom - top, right - left] : [right - left, bottom - top];
  const [[length, size], [room, rest]] = [text, tile].map(sizes);
  return 0.7 * length > room || 0.7 * size > rest;
}

function faultsOf(picture) {
  const frame = picture.getBoundingClientRect();
  const parts = (selector) => [...picture.querySelectorAll(selector)];
  const isShown = (one) =>
    one.textContent && !one.closest(".piece") && (!one.closest(".crowded") || one.closest(".current"));
  const labels = parts("text").filter(isShown);
  const solid = parts(".piece rect, .cell, .state-frame, .frame, circle.context");
  const arrows = parts(".arrow > *").map(({ points }) =>
    [...points].map(({ x, y }) => [frame.left + x, frame.top + y]),
  );
  const name = (one) => one.textContent || one.getAttribute("class") || "tile";
  const faults = parts(".piece")
    .filter(isTooLarge)
    .map((one) => `${name(one)} is too large`);
  for (const [i, label] of labels.entries()) {
    const box = boxOf(label);
    const isCut = box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
    const isCrossed = arrows.some((points) => points.some((point, k) => k && meets(box, points[k - 1], point)));
    const covered = [...labels.slice(i + 1), ...solid].filter((one) => !areApart(box, boxOf(one)));
    if (isCut) faults.push(`${name(label)} is cut`);
    if (isCrossed) faults.push(`${name(label)} is crossed`);
    faults.push(...covered.map((one) => `${name(label)} is over ${name(one)}`));
  }
  return faults;
}

/** Return the faults of all pictures in the given steps, by step; by default, in all steps. */
globalThis.faults = (places = [...Array(app.S + app.T + 1).keys()]) =>
  places.flatMap((place) => {
    app.change({ place });
    return [...document.querySelectorAll("#step .diagram")].flatMap((picture, i) =>
      faultsOf(picture).map((fault) => `network ${i}, step ${place} of ${app.S}, ${innerWidth}: ${fault}`),
    );
  });
