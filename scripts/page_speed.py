"""Measure the main-thread time of a step and of typing a symbol on each page of a gallery, in Chromium.

    .venv/bin/seq2seq-demo page --gallery GALLERY
    .venv/bin/python scripts/page_speed.py GALLERY [--keys 20]

The processor is slowed 4 times. A figure is the CPU time of the page's main thread, in milliseconds, from the task that
receives the key (→, or the last symbol of the source) to the task that draws the next frame: script, style, layout and
paint. Work that the page puts off until it has shown this frame does not count. The table has the medians of the keys.
"""

import argparse
import json
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from published.report import machine, print_table

SLOWDOWN, PAUSE = 4, 300  # ms; the page has then also done the work that it put off


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
        page.wait_for_timeout(PAUSE)
        page.keyboard.press(key)
        page.wait_for_timeout(PAUSE)
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


def main() -> None:
    """Measure each page that has networks, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gallery", type=Path)
    parser.add_argument("--keys", type=int, default=20)
    options = parser.parse_args()
    paths = [path for path in sorted(options.gallery.glob("*.html")) if path.stem not in ("index", "links")]
    if not paths:
        parser.error(f"expected the pages of a gallery in {options.gallery}, found none")
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        print(f"Measured on {machine()}, Chromium {browser.version}.\n")
        print_table(["page", "a step, ms", "typing a symbol, ms"], [row(browser, path, options.keys) for path in paths])


if __name__ == "__main__":
    main()
