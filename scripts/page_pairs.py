"""Train networks on pairs on the training page, in Chromium, as a visitor does; print how fast and well they learn.

    .venv/bin/seq2seq-demo page --train train.html
    .venv/bin/python scripts/page_pairs.py train.html [FILE ...] [--runs 1]

The pairs are the page's four samples, or the pairs of each FILE. Each training run ends by itself and gets a row in the
table. The row contains the seconds until exact match on held-out pairs reached a bound (0.95 for a FILE), and the exact
match, samples and seconds at the end. Then come the median and the longest time between two frames, and from an input
in the source to the end of the next frame. Below the table are the held-out pairs that the network finally gets wrong.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from published.report import chromium, machine, print_table

BOUNDS = {"English plurals": 0.97, "Numbers in words": 0.95, "Roman numerals": 0.99, "Pig latin": 0.93}
BOUND = 0.95  # of a file
PAUSE, END = 600, 600_000  # ms: between two inputs, and for a training run
RECORD = """([bound, pause]) => {
    const [train, source, metrics] = ["train", "source", "training"].map((id) => document.getElementById(id));
    const record = (window.record = { frames: [], inputs: [] });
    let [start, before] = [0, 0];
    const watch = (now) => {
        if (before) record.frames.push(now - before);
        before = now;
        if (metrics.dataset.exact.split(",")[0] >= bound) record.reached ??= (now - start) / 1000;
        if (train.textContent === "Pause") requestAnimationFrame(watch);
        else record.seconds = (now - start) / 1000;
    };
    const type = () => {
        const now = performance.now();
        source.dispatchEvent(new Event("input", { bubbles: true }));
        requestAnimationFrame(() => setTimeout(() => record.inputs.push(performance.now() - now)));
        if (record.inputs.length < 10) setTimeout(type, pause);
    };
    train.addEventListener("click", () => {
        start = performance.now();
        requestAnimationFrame(watch);
        setTimeout(type, pause);
    }, { once: true });
}"""


def train(page: Page, address: str, name: str, text: str) -> tuple[list[str], str]:
    """Train on pairs, or on the sample with this name; return a row of the table, and the wrong pairs."""
    page.goto("about:blank")
    page.goto(f"{address}#task=pairs")
    before, bound = page.inner_text("#pairs-said"), BOUND if text else BOUNDS[name]
    if text:
        page.fill("#pairs", text)
        page.wait_for_function("(before) => document.getElementById('pairs-said').innerText !== before", arg=before)
    else:
        page.get_by_role("button", name=name).click()
    said = page.inner_text("#pairs-said")
    page.evaluate(RECORD, [bound, PAUSE])
    page.click("#train")
    page.wait_for_function("() => record.seconds", timeout=END)
    record: Any = page.evaluate("record")
    reached = f"{bound} in {record['reached']:.0f} s" if "reached" in record else f"not {bound}"
    samples, exact = (page.get_attribute("#training", f"data-{key}") or "" for key in ("samples", "exact"))
    end = [f"{float(exact.split(',')[0]):.3f}", f"{int(samples):,}", f"{record['seconds']:.0f}"]
    times = [f"{statistics.median(each):.0f}, {max(each):.0f}" for each in (record["frames"], record["inputs"] or [0])]
    wrong = "; ".join(page.locator("#errors li").all_text_contents())
    return [name, said.partition(" pairs")[0], reached, *end, *times], f"{name} ({said}) {wrong or 'No errors.'}"


def main() -> None:
    """Train on the samples or the files and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    pairs = {file.stem: file.read_text(encoding="utf-8") for file in options.files} or dict.fromkeys(BOUNDS, "")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        print(f"Measured on {machine()}, Chromium {browser.version}.\n")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        address = options.page.resolve().as_uri()
        results = [train(page, address, *each) for each in pairs.items() for _ in range(options.runs)]
    header = ["pairs", "number", "reached", "exact match", "samples", "seconds", "a frame, ms", "typing, ms"]
    print_table(header, [row for row, _ in results])
    print("\n" + "\n".join(wrong for _, wrong in results))


if __name__ == "__main__":
    main()
