"""One Chromium for all tests of the page."""

import os

import pytest
from helpers_page import CHROMIUM

from seq2seq_demo.page.builder import build

TOLD_OF_POLICY = "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective))"


@pytest.fixture(scope="session")
def browser():
    playwright = (
        pytest.importorskip("playwright.sync_api")
        if "CI" not in os.environ
        else __import__("playwright.sync_api", fromlist=["sync_playwright"])
    )
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens a page of some networks; at the end, nothing may have gone wrong on any."""
    wrong, contexts = [], []

    def opened(*networks, fragment="", **settings):
        path = tmp_path / "page.html"
        path.write_text(build(networks), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(TOLD_OF_POLICY)
        page.on("console", lambda message: message.type in ("error", "warning") and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(path.as_uri()) or wrong.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
