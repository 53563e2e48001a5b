"use strict";
/* What the network said at moments of its training. */

const CURVE = { left: 52, right: 28, height: 64, gap: 38 }; // px, if the type is 16 px

/** Return the panel of the moments of training; null where none was recorded. */
function trainingPanel(app) {
  const recorded = app.networks.filter((shown) => shown.recording);
  if (!recorded.length) return null;
  const places = Math.max(...recorded.map(({ recording }) => recording.steps.length)); // one more: as saved
  const charts = recorded.map((shown) => curves(nameOf(app, shown), shown.recording, places));
  const slider = momentSlider(app, recorded, places);
  const answers = h("div", { className: "answers" });
  const section = panel(
    "training",
    "Over training",
    "The network as it was at moments of its training, asked the same source; all panels follow. Exact match is " +
      "free-running, loss forced.",
    h("p", {
      textContent: "Move the slider back to the beginning: what did the network answer before it had learned?",
    }),
    h(
      "div",
      { className: "over-training" },
      h("div", {}, ...charts.map(({ element }) => element), slider.element),
      answers,
    ),
    learnedButton(app, recorded, places),
    asTable("The curves as a table", () => h("div", {}, ...recorded.map((shown) => curveTable(app, shown)))).details,
  );
  return addPanel(app, section, () => {
    const place = app.state.moment ?? places;
    slider.update(place);
    for (const chart of charts) chart.update(place);
    answers.replaceChildren(columns(app.networks, (shown, i) => momentAnswer(app, app.runs[i])));
    answers.querySelectorAll(".scroll").forEach((box) => settle(box));
  });
}

/** Say which moment a place of the slider is. */
function momentText({ steps, epochs }, place) {
  if (place >= steps.length) return "the network as saved";
  return `step ${steps[place]}, epoch ${Number(epochs[place].toFixed(2))}`;
}

/** Say which moment that is of each network that has one. */
function momentTexts(app, recorded, place) {
  const texts = recorded.map((shown) => momentText(shown.recording, place));
  if (new Set(texts).size === 1) return texts[0];
  return recorded.map((shown, i) => `${shown.name}: ${texts[i]}`).join("; ");
}

function momentSlider(app, recorded, places) {
  const input = h("input", { type: "range", id: "moment", min: 0, max: places, step: 1 });
  const text = h("span", { className: "moment-text" });
  const label = h("label", { htmlFor: "moment", textContent: "Moment of training: " });
  input.addEventListener("input", () => {
    const place = Number(input.value);
    keepInPlace(input, () => app.change({ moment: place >= places ? null : place }));
    announce(app.runs.map(answerSaid).join(" "));
  });
  const update = (place) => {
    input.value = place;
    text.textContent = momentTexts(app, recorded, place);
    input.setAttribute("aria-valuetext", text.textContent);
  };
  const scale = "The axis is not to scale: each place is a moment that was recorded.";
  const element = h(
    "div",
    { className: "moment" },
    input,
    h("p", {}, label, text),
    h("p", { className: "hint" }, scale),
  );
  return { element, update };
}

/** Return a network's answer at the moment, whether it is right, and where it looked. */
function momentAnswer(app, run) {
  const { kind, text } = judgement(run);
  const mark = { right: "✓ ", wrong: "✗ " }[kind] ?? "";
  return [
    h("p", { className: "hint" }, "Its answer at this moment:"),
    h("ol", { className: "pieces", attributes: { "aria-label": "Its answer at this moment" } }, ...answerPieces(run)),
    h("p", { className: `judgement ${kind}` }, mark + text),
    ...momentAttention(app, run),
  ];
}

/** Return a small matrix of the attention at the moment, so that the slider and what it does are on one screen. */
function momentAttention(app, run) {
  if (!run.shown.config.has_attention) return [];
  const names = {
    inputs: [...run.source.keys()].map((s) => sourceName(run, s)),
    outputs: run.steps.map(({ written }) => targetName(run, written)),
  };
  const alphas = run.steps.map(({ alpha }) => [...alpha]);
  const room = Math.min(420, 64 + 26 * run.source.length) * zoom();
  const { figure, mark } = matrixFigure(
    "Attention at this moment",
    "Outputs are rows, inputs columns.",
    alphas,
    names,
    room,
  );
  mark({ s: null, t: outputOf(app, run) });
  return [figure];
}

/** Return exact match and loss over the moments of training, above each other; `update(place)` moves the marker. */
function curves(name, recording, places) {
  const rows = curveRows(recording);
  if (!rows.length) return { element: h("div"), update() {} };
  const box = h("div", { className: "curves" });
  let place = places;
  const draw = () => box.replaceChildren(drawCurves(recording, rows, box.clientWidth, places, place));
  onNewWidth(box, draw);
  const heading = name ? h("h3", {}, name) : null;
  const update = (to) => {
    place = to;
    if (box.clientWidth) draw();
  };
  return { element: h("div", {}, heading, box), update };
}

/** Draw the curves above each other, with a marker at the chosen place. */
function drawCurves(recording, rows, width, places, place) {
  const u = zoom();
  const [left, right, tall] = [CURVE.left * u, CURVE.right * u, (CURVE.height + CURVE.gap) * u];
  const x = (i) => left + (i * (width - left - right)) / places;
  const bottom = rows.length * tall;
  const label = curvesInWords(recording);
  const picture = svg("svg", { width, height: bottom + 22 * u, role: "img", "aria-label": label });
  picture.append(...rows.map((row, i) => curve(row, x, i * tall + CURVE.gap * u, u)));
  picture.append(stepAxis(recording, x, places, bottom + 17 * u, u));
  const line = svg("line", { x1: x(place), x2: x(place), y1: 34 * u, y2: bottom + 4 * u });
  const top = svg("path", { d: `M ${x(place) - 5 * u} ${28 * u} h ${10 * u} l ${-5 * u} ${8 * u} z` });
  picture.append(svg("g", { class: "marker" }, line, top), ...rows.map((row, i) => curveTitle(row, i * tall + 24 * u)));
  return picture;
}

/** Return the curves that the recording has figures of. */
function curveRows({ exact_match: exact, loss, n }) {
  const highest = Math.max(...loss);
  return [
    { kind: "exact", values: exact, top: 1, topText: "100 %", label: `exact match of ${n} held-out sources` },
    {
      kind: "loss",
      values: loss,
      top: highest || 1,
      topText: numeral(highest, 1),
      label: "loss on them, in nats a symbol",
    },
  ].filter(({ values }) => values.length);
}

/** Return one curve; `y` is where its plot begins. */
function curve({ kind, values, top, topText }, x, y, u) {
  const height = CURVE.height * u;
  const points = values.map((value, i) => [x(i), y + height * (1 - value / top)]);
  const [left, right] = [x(0), x(values.length - 1)];
  const lines = [y, y + height].map((at) => svg("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }));
  const dots = points.map(([px, py]) =>
    kind === "exact"
      ? svg("circle", { class: "dot", cx: px, cy: py, r: 3.5 * u })
      : svg("rect", { class: "dot", x: px - 3 * u, y: py - 3 * u, width: 6 * u, height: 6 * u }),
  );
  const number = (text, at) => svg("text", { x: left - 8 * u, y: at + 4 * u, "text-anchor": "end" }, text);
  return svg(
    "g",
    { class: kind },
    ...lines,
    svg("polyline", { class: "curve", points: points.map((point) => point.join(",")).join(" ") }),
    ...dots,
    number(topText, y),
    number("0", y + height),
  );
}

/** Return what a curve is called, beside the sign of its points. */
const curveTitle = ({ kind, label }, y) =>
  svg("text", { x: 0, y, class: "title" }, `${kind === "exact" ? "●" : "■"} ${label}`);

/** Return the steps under the places of the slider, as many as there is room for. */
function stepAxis({ steps }, x, places, y, u) {
  const text = (at, words) => svg("text", { x: at, y, "text-anchor": "middle" }, words);
  const axis = svg("g", {}, svg("text", { x: 0, y }, "step"), text(x(places), "saved"));
  let free = x(places) - 26 * u; // right of it stands "saved"
  for (let i = steps.length - 1; i >= 0; i--) {
    const half = (4 * String(steps[i]).length + 4) * u;
    if (x(i) + half > free) continue;
    axis.append(text(x(i), String(steps[i])));
    free = x(i) - half;
  }
  return axis;
}

function curvesInWords({ steps, exact_match: exact, loss }) {
  const until = `from step ${steps[0]} to step ${last(steps)}`;
  const parts = [];
  if (exact.length) parts.push(`exact match goes from ${percent(exact[0])} to ${percent(last(exact))}`);
  if (loss.length) parts.push(`loss from ${numeral(loss[0])} to ${numeral(last(loss))}`);
  return `Curves over training, ${until}: ${parts.join(", ")}`;
}

function curveTable(app, shown) {
  const { steps, epochs, exact_match: exact, loss } = shown.recording;
  const head = ["step", "epoch", ...(exact.length ? ["exact match"] : []), ...(loss.length ? ["loss"] : [])];
  const rows = steps.map((step, i) => [
    String(step),
    numeral(epochs[i], 2),
    ...(exact.length ? [percent(exact[i])] : []),
    ...(loss.length ? [numeral(loss[i], 4)] : []),
  ]);
  return table(nameOf(app, shown) || "Over training", head, rows);
}

/** Return the button that finds the first moment from which the answer to the source is right and stays so. */
function learnedButton(app, recorded, places) {
  const says = h("p", { className: "says" });
  const press = button("When did it learn this source?", async () => {
    const { source } = app;
    if (!source || !app.runs.some((run) => run.expected)) {
      says.textContent = "Nobody has told this page the right answer to this source: type it as the target.";
      announce(says.textContent);
      return;
    }
    says.textContent = "Asking the network of every moment …";
    const learned = [];
    for (const shown of recorded) learned.push(await learnedAt(app, shown, source));
    if (source !== app.source) return; // something else was typed meanwhile
    const text = recorded
      .map((shown, i) => learnedText(nameOf(app, shown) || "It", shown.recording, learned[i]))
      .join(" ");
    if (learned[0] !== null) app.change({ moment: learned[0] >= places ? null : learned[0], forced: {} });
    says.textContent = text;
    announce(text);
  });
  let asked = "";
  app.add({
    update() {
      const { text, targetText, moment, forced } = app.state;
      const now = JSON.stringify([text, targetText, moment, forced]);
      if (asked !== now) says.textContent = "";
      asked = now;
    },
  });
  return h("div", { className: "learned" }, press, says);
}

/** Return the first moment from which a network is right to the end; null if it is wrong at the end. */
async function learnedAt(app, shown, source) {
  const expected = app.runs[app.networks.indexOf(shown)].expected;
  let first = null;
  for (let moment = shown.recording.steps.length; moment >= 0; moment--) {
    await new Promise((resume) => setTimeout(resume)); // so that the page stays quick
    if (!shown.answer(source, expected, moment, new Map()).exact) return first;
    first = moment;
  }
  return first;
}

function learnedText(name, recording, moment) {
  if (moment === null) return `${name} never learned it: the network as saved still gets it wrong.`;
  if (moment === 0) return `${name} is right from the first moment on.`;
  if (moment >= recording.steps.length) return `${name} is right only as saved, at no moment of the recording.`;
  return `${name} is right from ${momentText(recording, moment)} on, and stays right.`;
}
