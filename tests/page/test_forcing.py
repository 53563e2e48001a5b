"""A click on a written symbol opens the symbols that can be forced; a line says how often a network then recovers."""

import numpy as np
import pytest
from helpers_page import draw_trials, needs_chromium, on_page, train, wait_for_layout

from seq2seq_demo import load
from seq2seq_demo.page.builder import Example, ShownNetwork

pytestmark = [pytest.mark.slow, needs_chromium]
SOURCE = [3, 1, 4, 1, 5, 9]
FRAGMENT = "#source=3%201%204%201%205%209"
NAMES = "recorded-attention", "recorded-rnn"
FOCUS = "document.activeElement.id || document.activeElement.dataset.key"


def two_networks():
    """Two networks that reverse sources, with and without attention."""
    return [ShownNetwork(name, load(name), [Example(SOURCE, SOURCE[::-1], "")]) for name in NAMES]


def tile(page, t, network=0):
    """The symbol that a network wrote as output t."""
    return page.locator("#step .diagram").nth(network).locator(".written").nth(t)


def lines(page):
    """The lines below the pictures, once both are known; None for an empty line."""
    known = "() => knownTrials && !app.runs.some((run) => trialsOf(run)?.isDone === false)"
    page.wait_for_function(known)
    wait_for_layout(page)
    texts = page.locator(".line").all()
    return [None if "empty" in line.get_attribute("class") else line.text_content() for line in texts]


def test_a_click_on_a_written_symbol_forces_another(opened):
    page = opened(*two_networks(), fragment=FRAGMENT, viewport={"width": 320, "height": 568})
    wait_for_layout(page)
    layers = [page.locator(f"#symbols-{i}") for i in range(2)]
    for t, network in ((4, 1), (0, 0)):  # the layer lies inside the window at each end of the picture
        tile(page, t, network).click()
        assert [layer.is_visible() for layer in layers] == [network == 0, network == 1]
        assert page.evaluate(f"[app.t, {FOCUS}]") == [t, f"symbol-{SOURCE[::-1][t]}"]  # the written symbol
        box = layers[network].bounding_box()
        assert min(box["x"], box["y"]) >= 0 and box["x"] + box["width"] <= 320 and box["y"] + box["height"] <= 568
        page.keyboard.press("Escape")
        assert not layers[network].is_visible()
    tile(page, 0).click()
    layers[0].locator("[data-key=symbol-5]").click()
    assert not layers[0].is_visible()
    assert page.evaluate(f"[app.state.forced, {FOCUS}]") == [{"0": 5}, "written-0"]
    assert page.locator("#prediction").text_content().startswith("5 ")
    tile(page, 0).click()
    layers[0].locator("[data-key=symbol-5]").click()  # once more frees it
    assert page.evaluate("app.state.forced") == {}


def test_a_second_click_closes_the_layer_and_a_step_does_too(opened):
    page = opened(*two_networks(), fragment=f"{FRAGMENT}&view=lecture")
    wait_for_layout(page)
    layer = page.locator("#symbols-0")
    for is_open in (True, False, True):
        tile(page, 6).click()
        assert layer.is_visible() == is_open
    page.keyboard.press("Escape")
    assert not layer.is_visible() and page.evaluate("app.state.lecture")
    tile(page, 6).click()
    page.keyboard.press("ArrowLeft")
    assert not layer.is_visible() and page.evaluate("app.t") == 5
    tile(page, 5).click()
    layer.locator("[data-key=symbol-8]").click()
    page.keyboard.press("Space")  # of a clicker
    assert page.evaluate("[app.state.forced, app.t]") == [{"5": 8}, 6]


def test_the_keyboard_alone_forces_a_symbol_where_networks_train(opened):
    page = opened(fragment="#length=3&units=8&source=3%201%204&place=4")
    button = page.get_by_role("button", name="Force another symbol as the 1st output", exact=True)
    assert button.count() == 2
    button.nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUS) == "written-1"
    assert page.get_by_role("button", name="Force another symbol as the 2nd output", exact=True).count() == 2
    written = page.evaluate("app.runs[1].steps[1].written")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUS) == f"symbol-{written}"
    page.keyboard.press("Shift+Tab" if written else "Tab")
    chosen = page.evaluate("Number(document.activeElement.dataset.key.slice(7))")
    page.keyboard.press("Space")
    assert page.evaluate(f"[app.state.forced, {FOCUS}]") == [{"1": chosen}, "written-1"] and chosen != written
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").endswith(", forced")
    page.evaluate("app.change({ place: 1 })")
    assert button.count() == 0 and not page.locator(".layer").filter(visible=True).count()


def test_the_line_counts_the_sources_on_which_the_network_recovers(opened):
    outputs = [1, 3]
    page = opened(*two_networks(), fragment="#source=3%201%204%201&place=5&forced=1:7,3:6")
    sources, fed = draw_trials(4, outputs)
    counts = []
    for name in NAMES:
        network = on_page(load(name))
        go = np.full((1000, 1), network.model_config.go)
        symbols = network.to_numpy().decode(sources, 5, np.hstack([go, fed])).symbols
        right = symbols == np.hstack([sources[:, ::-1], go])
        counts.append(int(np.delete(right, outputs, axis=1).all(axis=1).sum()))
    start = "recovers: after a wrong 2nd and 4th output, all other symbols are right on "
    assert lines(page) == [f"{start}{n:,} of 1,000 sources of 4 digits" for n in counts]
    widths = page.locator(".line .filled").evaluate_all("(all) => all.map((one) => parseFloat(one.style.width))")
    assert widths == pytest.approx([n / 10 for n in counts])
    height = page.locator(".line").first.bounding_box()["height"]
    page.evaluate("app.change({ hidden: true })")
    assert lines(page) == [None, None]
    assert page.locator(".line").first.bounding_box()["height"] == height
    page.evaluate("app.change({ hidden: false, text: '7', forced: {} })")
    assert lines(page) == ["right: 10 of 10 sources of 1 digit"] * 2


# On how many of all sources of two digits each shown network is right.
COUNT_RIGHT = """() => app.runs.map(({ model }) => {
  const sources = Array.from({ length: 100 }, (_, k) => [k % 10, Math.floor(k / 10)]);
  const targets = sources.map((one) => [...one].reverse().concat(app.networks[0].ends ? [10] : []));
  return rightSymbols(model, sources, targets).filter((row) => row.every(Boolean)).length;
})"""


def test_the_line_has_the_exact_match_of_pairs_and_follows_training(opened):
    g2p = load("g2p")
    page = opened(ShownNetwork("g2p", g2p), fragment="#source=choir")
    exact = f"{100 * g2p.validation.exact_match:.1f}%"
    assert lines(page) == [f"right on {exact} of the pairs held out from training"]
    page.evaluate("app.change({ place: 6, forced: { 0: 1 } })")
    assert lines(page) == [None]
    page = opened(fragment="#length=1-3&units=16&rate=0.03&source=3%201&samples=2560")
    assert train(page)[0] == 2560
    counts = []
    for moment in ("null", "0"):
        page.evaluate(f"app.change({{ moment: {moment} }})")
        counts.append(page.evaluate(COUNT_RIGHT))
        assert lines(page) == [f"right: {n} of 100 sources of 2 digits" for n in counts[-1]]
    assert counts[0][0] > 20 > counts[1][0]
    page.evaluate("app.isTraining = true, app.change({ moment: null })")
    assert lines(page) == [None, None]
