"""Measure the main-thread time of a step and of typing a symbol on each page of a gallery, in Chromium.

    .venv/bin/seq2seq-demo page --gallery GALLERY
    .venv/bin/python scripts/page_speed.py GALLERY [--keys 20] [--only training] [--courses FILE] [--tfjs FOLDER]

The CPU is throttled 4x. The script measures the CPU time of the page's main thread, in milliseconds, from the task that
receives the key (→, or the last symbol of the source) to the task that draws the next frame. Script, style, layout and
paint count; work that the page defers until it has shown this frame does not. The table gives the median over all keys.

The first table measures the training page without throttling: the samples per second of each network alone; the median
time between two frames while both are training; the time from a click on Pause until training has paused; and the time
from opening the page until exact match with attention is 0.99.

`--tfjs FOLDER` only compares training without attention with TensorFlow.js on its WASM backend, in turns. `npm install
@tensorflow/tfjs @tensorflow/tfjs-backend-wasm` makes the folder.

`--courses tests/page/courses.json` trains the networks of exercises 1 and 14 instead (30 minutes) and writes what they
learned to the file that test_content.py compares with the exercises.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, sync_playwright
from published.report import chromium, machine, print_table

from seq2seq_demo.page.gallery import GALLERY

SLOWDOWN, WAIT = 4, 300  # WAIT, in ms, gives the page time for its deferred work


def key_times(events: Sequence[dict[str, Any]]) -> list[float]:
    """Return the main-thread time of each key, in ms, from the events of a trace."""
    keys = [e for e in events if e["name"] == "EventDispatch" and e["args"]["data"]["type"] == "keydown"]
    main = [e for e in events if "dur" in e and (e["pid"], e["tid"]) == (keys[0]["pid"], keys[0]["tid"])]
    frames = [min(e["ts"] for e in main if e["name"] == "Layerize" and e["ts"] > key["ts"]) for key in keys]
    tasks = [e for e in main if e["name"] == "ThreadControllerImpl::RunTask"]
    return [
        sum(e.get("tdur", 0) for e in tasks if e["ts"] + e["dur"] > key["ts"] and e["ts"] < frame) / 1000
        for key, frame in zip(keys, frames, strict=True)
    ]


def median(page: Page, n: int, prepare: Callable[[], Any], key: str) -> str:
    """Press a key n times, each time after preparing the page for it; return the median time."""
    browser: Any = page.context.browser
    browser.start_tracing(page=page, categories=["devtools.timeline", "toplevel"])
    for _ in range(n):
        prepare()
        page.wait_for_timeout(WAIT)
        page.keyboard.press(key)
        page.wait_for_timeout(WAIT)
    times = key_times(json.loads(browser.stop_tracing())["traceEvents"])
    return f"{statistics.median(times):.0f}"


def row(browser: Browser, path: Path, n: int) -> list[str]:
    """Return the table row of a page: the times of a step and of typing."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(path.resolve().as_uri())
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    text = page.evaluate("app.state.text")
    to_start = "app.state.place === app.S + app.T && app.change({ place: 0 })"
    step = median(page, n, lambda: page.evaluate(to_start), "ArrowRight")
    typing = median(page, n, lambda: page.fill("#source", text[:-1]), text[-1])
    page.close()
    return [path.stem, step, typing]


TRAIN_ALONE = """([i, n]) => {
    const batches = Array.from({ length: n }, () => course.task.draw());
    const start = performance.now();
    for (const { sources, targets } of batches) course.trainers[i].train(sources, targets, 0.01);
    return (1000 * n * BATCH) / (performance.now() - start);
}"""
FRAMES = """() => new Promise((done) => {
    const times = [];
    const watch = (now) => (times.push(now) <= 60 ? requestAnimationFrame(watch) : done(times));
    requestAnimationFrame(watch);
})"""
PAUSE = """() => new Promise((done) => {
    document.addEventListener("click", (event) => done(performance.now() - event.timeStamp), { once: true });
})"""


LEARN = """({ pauses, ...settings }) => {
    const course = newCourse({ ...defaults, ...settings });
    const exact = pauses.map((samples) => {
        while (course.samples < samples) course.step();
        course.measure();
        return course.points.at(-1).exact;
    });
    return { exact, weights: course.saved(16).weights };
}"""


def class_courses(page: Page) -> dict[str, Any]:
    """Return exact match by units, seed, samples and network, and the weights by source lengths.

    The weights belong to networks with 16 units.
    """

    def learn(seed: int = 0, **settings: str) -> dict[str, Any]:
        pauses = [16_000, 64_000][: 2 if seed < 3 else 1]
        learned: dict[str, Any] = page.evaluate(LEARN, {"seed": f"{seed}", "pauses": pauses} | settings)
        return learned

    exact = {units: [learn(seed, units=units)["exact"] for seed in range(10)] for units in ("8", "16", "32")}
    return {"exact": exact, "weights": {length: learn(length=length)["weights"] for length in ("10", "1-10")}}


def training_rows(browser: Browser, path: Path) -> list[list[str]]:
    """Return the table rows of the training page."""
    page, rows = browser.new_page(viewport={"width": 1280, "height": 800}), []
    for units in (16, 32):
        page.goto(f"{path.resolve().as_uri()}#units={units}")
        page.reload()
        for i, name in enumerate(("with attention", "without attention")):
            page.evaluate(TRAIN_ALONE, [i, 50])  # makes the browser compile the code
            rate = statistics.median(page.evaluate(TRAIN_ALONE, [i, 50]) for _ in range(5))
            rows.append([f"{units} units, length 10, {name}", f"{rate:,.0f} samples/s"])
    page.goto("about:blank")
    start, session = time.perf_counter(), page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(path.resolve().as_uri())
    page.click("#train")
    while page.evaluate("course.points.at(-1).exact[0]") < 0.99:
        page.wait_for_timeout(500)
    seconds = time.perf_counter() - start
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    samples = f"{page.evaluate('course.samples'):,} samples, {metrics['TaskDuration']:.1f} s of the main thread"
    frames = [after - before for before, after in itertools.pairwise(page.evaluate(FRAMES))]
    page.evaluate(f"() => {{ window.paused = ({PAUSE})(); }}")
    page.click("#train")
    rows.append(["from opening to exact match 0.99", f"{seconds:.1f} s, {samples}"])
    rows.append(["a frame while both train, 16 units", f"{statistics.median(frames):.0f} ms"])
    rows.append(["a click on Pause", f"{page.evaluate('paused'):.0f} ms"])
    page.close()
    return rows


# The page's network in the layers of TensorFlow.js. Its WASM backend has no gradient of an embedding, so a dense layer
# embeds symbols as vectors with a single 1.
TFJS_NETWORK = """async () => {
    tf.wasm.setWasmPaths("https://tfjs.test/");
    await tf.setBackend("wasm");
    const read = (symbols) => {
        const input = tf.input({ shape: [10, symbols] });
        return [input, tf.layers.dense({ units: 20, useBias: false }).apply(input)];
    };
    const lstm = (more) => tf.layers.lstm({ units: 16, recurrentActivation: "sigmoid", ...more });
    const [[sources, embedded], [fed, d]] = [read(10), read(11)];
    const [, h, c] = lstm({ returnState: true }).apply(embedded);
    const states = lstm({ returnSequences: true }).apply(d, { initialState: [h, c] });
    const outputs = tf.layers.dense({ units: 11, activation: "softmax" }).apply(states);
    const network = tf.model({ inputs: [sources, fed], outputs });
    network.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" });
    const random = (symbols) => tf.oneHot(tf.randomUniform([32, 10], 0, 10, "int32"), symbols);
    const [inputs, targets] = [[random(10), random(11)], random(11)];
    window.trainBatches = async (n) => {
        const start = performance.now();
        for (let i = 0; i < n; i++) await network.trainOnBatch(inputs, targets);
        return (1000 * n * 32) / (performance.now() - start);
    };
    return `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()}, ${network.countParams()} weights`;
}"""


def tfjs_rows(browser: Browser, path: Path, folder: Path) -> list[list[str]]:
    """Return the samples per second of the page and of TensorFlow.js without attention, trained in turns."""

    def serve(route: Route) -> None:
        if name := route.request.url.rpartition("/")[2]:
            route.fulfill(path=next(folder.glob(f"node_modules/@tensorflow/*/dist/{name}")))
        else:
            scripts = "".join(f"<script src={name}.min.js></script>" for name in ("tf", "tf-backend-wasm"))
            route.fulfill(body=scripts, content_type="text/html")

    ours, theirs = browser.new_page(), browser.new_page()
    theirs.route("https://tfjs.test/*", serve)
    theirs.goto("https://tfjs.test/")
    name = theirs.evaluate(TFJS_NETWORK)
    ours.goto(f"{path.resolve().as_uri()}#units=16")
    turns = [(ours.evaluate(TRAIN_ALONE, [1, 50]), theirs.evaluate("trainBatches(50)")) for _ in range(6)]
    page, tfjs = map(statistics.median, zip(*turns[1:], strict=True))  # the browser compiles the code in the first turn
    return [["this page", f"{page:,.0f}"], [name, f"{tfjs:,.0f}"], ["ratio", f"{page / tfjs:.1f}"]]


def main() -> None:
    """Measure each page that has networks and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gallery", type=Path)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--only", choices=["training"])
    parser.add_argument("--courses", type=Path)
    parser.add_argument("--tfjs", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    paths = sorted(options.gallery / f"{name}.html" for name, entry in GALLERY.items() if entry.networks)
    if not all(path.exists() for path in paths):
        parser.error(f"{options.gallery}: pages of the gallery are missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        print(f"Measured on {machine()}, Chromium {browser.version}.\n")
        if options.courses:
            page = browser.new_page()
            page.goto((options.gallery / "train.html").resolve().as_uri())
            options.courses.write_text(json.dumps(class_courses(page)) + "\n")
            return
        if options.tfjs:
            rows = tfjs_rows(browser, options.gallery / "train.html", options.tfjs)
            print_table(["training, 16 units, length 10, without attention", "samples/s"], rows)
            return
        print_table(["training", ""], training_rows(browser, options.gallery / "train.html"))
        if options.only:
            return
        print()
        print_table(["page", "a step, ms", "typing a symbol, ms"], [row(browser, path, options.keys) for path in paths])


if __name__ == "__main__":
    main()
