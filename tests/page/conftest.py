"""Fixtures for the tests of the page, which share one Chromium with one tab."""

import itertools

import pytest
from helpers_page import CHROMIUM

from seq2seq_demo.commands import cli
from seq2seq_demo.page.builder import build
from seq2seq_demo.page.training import build_training

LOG_POLICY_VIOLATIONS = "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective))"
DESKTOP = {"width": 1280, "height": 900}
# Pages train only when a test calls `trainFrame()`, so that no result depends on the speed of the machine.
HOLD_TRAINING = """{
    const request = requestAnimationFrame;
    window.trainFrame = () => {};
    window.requestAnimationFrame = (act) => (act.name === "trainOn" ? ((trainFrame = act), 0) : request(act));
}"""
PATIENCE = 300_000  # ms; ends only a hung test


class Tab:
    """A tab of the browser, and the errors in it."""

    def __init__(self, browser):
        self.errors, self.address = [], ""
        self.page = browser.new_context().new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(LOG_POLICY_VIOLATIONS)
        self.page.add_init_script(HOLD_TRAINING)
        self.page.on(
            "console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.check_request(request.url))

    def check_request(self, url):
        if url != "about:blank" and not url.startswith(self.address):
            self.errors.append(url)

    def open(
        self, path, fragment="", viewport=DESKTOP, color_scheme="light", reduced_motion="no-preference", root=None
    ):
        """Open a file, as if in a new tab. It may request itself or, with `root`, all files in that folder."""
        self.page.goto("about:blank")
        self.address = (root or path).as_uri()
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        self.page.goto(path.as_uri() + fragment)
        return self.page

    def require_no_errors(self):
        """Leave the page, and require that it had no errors since the last call."""
        self.page.goto("about:blank")
        errors, self.errors = self.errors, []
        assert errors == []


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shared_tab(browser):
    return Tab(browser)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """The directory of a gallery, which tests do not change."""
    folder = tmp_path_factory.mktemp("gallery")
    assert cli.main(["page", "--gallery", str(folder)]) == 0
    return folder


@pytest.fixture
def opened(shared_tab, tmp_path):
    """A function that opens pages in one tab: of some networks, of the given HTML, or of networks that train.

    The test fails if a page had an error.
    """
    numbers = itertools.count()

    def opened(*networks, text="", **options):
        path = tmp_path / f"page{next(numbers)}.html"
        path.write_text(text or (build(networks) if networks else build_training()), encoding="utf-8")
        return shared_tab.open(path, **options)

    yield opened
    shared_tab.require_no_errors()
