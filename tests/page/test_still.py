"""The pictures and the player stay where they are, and a laptop sees everything, whatever appears in the page."""

import pytest
from helpers_page import needs_chromium, paste, shipped, step, train_until, wait_for_layout

from seq2seq_demo.page.builder import Example, ShownNetwork, build

pytestmark = [pytest.mark.slow, needs_chromium]
SIZES = [(1366, 657), (1280, 900), (390, 844)]
LAPTOPS = [(1366, 657), (1280, 680), (1536, 730), (1280, 800)]
TOPS = """[".pictures", "#step .picture-box", "#player"].map((one) => document.querySelector(one))
    .map((one) => one.getBoundingClientRect().top + (one.id ? 0 : scrollY))"""
BOXES = "(all) => all.map((one) => one.getBoundingClientRect()).map(({ x, y, right, bottom }) => [x, y, right, bottom])"
TWENTY = "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4"
SOURCES = {
    "an error": "3 x 4",
    "nothing": "",
    "shorter than in training": "3 1 4",
    "an invalid symbol": "3 10",
    "twenty symbols": TWENTY,
    "as before": "3 1 4 1 5 9 2 6 5 3",
}
STATES = {
    **{f"step {place}": f"app.change({{ place: {place} }})" for place in (0, 1, 9, 10, 11, 15, 20)},
    "a forced symbol": "app.change({ place: 12, forced: { 0: 5, 1: 7 } })",
    "another target": "app.change({ targetText: '1 2' })",
    "an invalid target": "app.change({ targetText: 'x' })",
    "no target": "app.change({ targetText: null, forced: {} })",
    "a hidden answer": "app.change({ hidden: true, place: 13 })",
    "the shown answer": "app.change({ hidden: false, place: null })",
}
TRAINING = {
    "one step": "course.step(); show()",
    "one batch": "byId('one-batch').click()",
    "training": "toggleTraining(); app.change({})",
    "a measurement": "for (let i = 0; i < 60; i++) work.next()",
    "a pause": "pauseTraining()",
    "the end": "course.measure(); course.right = [new Set([0, 1]), new Set()]; pauseTraining(); showTelling()",
    "another source": "showTelling()",
    "a step of training": "app.change({ moment: 2 })",
    "an early end": "verdict = 'Training ended early: all answers stayed right.'; app.change({ moment: null })",
    "another setting": "app.change({ units: '32', place: null })",
    "a kept course": "app.change({ units: '16', place: null })",
    "a loss that is not finite": "course.isFinite = false; app.change({})",
}


def assert_still(page, states):
    """Require that nothing moves in any of the states, which are entered one after the other."""
    wait_for_layout(page)
    before = page.evaluate(TOPS)
    moved = {}
    for name, enter in states.items():
        enter()
        wait_for_layout(page)
        after = page.evaluate(TOPS)
        if after != pytest.approx(before, abs=1):
            moved[name] = after
    assert moved == {}, before


def evaluating(page, states):
    """Functions that enter states by scripts."""
    return {name: lambda script=script: page.evaluate(f"() => {{ {script} }}") for name, script in states.items()}


def typing(page):
    return {name: lambda source=source: page.fill("#source", source) for name, source in SOURCES.items()}


def toggling(page, names):
    """Functions that open and close the layers of buttons with these names."""
    states = {}
    for name in names:
        states[name] = lambda name=name: page.get_by_role("button", name=name, exact=True).click()
        states[f"{name}, closed"] = lambda: page.keyboard.press("Escape")
    return states


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_in_the_page_that_trains(opened, size):
    page = opened(viewport=dict(zip(("width", "height"), size, strict=True)))
    layers = toggling(page, ("Tour", "More settings", "Your networks"))
    clicks = {"the target": lambda: page.locator(".verdict .link").first.dispatch_event("click")}
    for states in (layers, clicks, typing(page), evaluating(page, STATES), evaluating(page, TRAINING)):
        assert_still(page, states)
        page.evaluate("scrollTo(0, 0)")
    page.evaluate("app.change({ place: 12, forced: { 0: 5 } })")
    links = page.locator(".verdict .link").evaluate_all(BOXES)
    assert len(links) == 4 and all(right <= size[0] for _, _, right, _ in links)
    page.fill("#source", TWENTY)
    if size == SIZES[2]:  # the picture is before the curves
        assert page.locator("#step").bounding_box()["y"] < page.locator("#curves").bounding_box()["y"]
    else:
        assert page.evaluate("byId('source').scrollWidth <= byId('source').clientWidth")


def test_nothing_moves_in_a_page_of_two_networks(opened):
    example = Example([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], None, "")
    networks = [ShownNetwork(name, shipped(f"embedding_{name}"), [example]) for name in ("attention", "rnn")]
    page = opened(*networks, viewport={"width": 390, "height": 844})
    clicks = {"the target": lambda: page.locator(".verdict .link").first.dispatch_event("click")}
    for states in (toggling(page, ("Tour",)), clicks, typing(page), evaluating(page, STATES)):
        assert_still(page, states)
        page.evaluate("scrollTo(0, 0)")


def test_the_buttons_of_the_tour_stay_in_the_window(opened):
    networks = [ShownNetwork(name, shipped(f"embedding_{name}")) for name in ("attention", "rnn")]
    text = build(networks, index="index.html")
    page = opened(text=text, fragment="#source=3%201%204", viewport={"width": 1366, "height": 657})
    page.click("#tour > button")
    buttons = page.locator("#tour dialog button")
    places = buttons.evaluate_all(BOXES)
    while page.get_attribute("#tour .primary", "aria-disabled") == "false":
        page.click("#tour .primary")
        assert buttons.evaluate_all(BOXES) == places
    link = page.locator("#tour a")  # only in the last step
    assert link.is_visible() and max(right for _, _, right, _ in [*places, *link.evaluate_all(BOXES)]) <= 1366


def test_nothing_moves_on_a_phone_while_pairs_are_learned(opened):
    page = opened(fragment="#task=pairs", viewport={"width": 390, "height": 844})
    start = page.locator("#start-again").bounding_box()
    names = ("training", "a measurement", "a pause")
    assert_still(page, evaluating(page, {name: TRAINING[name] for name in names}))
    assert page.locator("#link").is_visible() and page.locator("#start-again").bounding_box() == start


@pytest.mark.parametrize("size", LAPTOPS)
def test_a_laptop_sees_the_answer_and_the_player_in_the_lecture_view_of_pairs(opened, size):
    page = opened(fragment="#task=pairs&view=lecture", viewport=dict(zip(("width", "height"), size, strict=True)))
    wait_for_layout(page)
    assert page.locator("#pairs").bounding_box()["height"] < 60  # one line, which covers nothing
    step(page, 1)
    wait_for_layout(page)
    parts = page.locator("#step .diagram").evaluate_all(BOXES)
    above, below = (page.locator(f"{part} button:visible").evaluate_all(BOXES) for part in ("#actions", "#training"))
    assert parts[0][3] <= page.locator("#player").bounding_box()["y"]
    assert max(bottom for _, _, _, bottom in above) <= min(y for _, y, _, _ in below)


@pytest.mark.parametrize("size", SIZES)
def test_long_examples_leave_space_for_the_source(opened, size):
    page = opened(fragment="#task=pairs&units=8", viewport=dict(zip(("width", "height"), size, strict=True)))
    wait_for_layout(page)
    before = page.evaluate(TOPS)
    paste(page, "\n".join(f"{'abcdefghij' * 5}{n:04}\t{n}" for n in range(60)))
    wait_for_layout(page)
    assert page.evaluate(TOPS) == pytest.approx(before, abs=1)
    source, first = (page.locator(one).first.evaluate_all(BOXES)[0] for one in ("#source", ".examples button"))
    assert source[2] - source[0] > 250 and (first[0] > source[2] or first[1] > source[3])


def test_a_laptop_sees_both_answers_and_the_player_while_two_networks_train(opened):
    page = opened(viewport={"width": 1366, "height": 657})
    page.evaluate("toggleTraining(), work.next(), show()")
    for width, height in LAPTOPS:
        page.set_viewport_size({"width": width, "height": height})
        wait_for_layout(page)
        wait_for_layout(page)  # the pictures fit into the rest of the window
        boxes = "(all) => all.map((one) => one.getBoundingClientRect())"
        rows = page.locator("#training > .controls").evaluate_all(boxes)
        assert len(rows) == 2 and rows[1]["bottom"] - rows[0]["top"] <= 90
        player = page.locator("#player").bounding_box()
        assert player["y"] + player["height"] <= height
        answers = page.locator("#step .diagram").all()
        assert len(answers) == 2
        for answer in answers:
            pieces, bars = (answer.locator(one).evaluate_all(boxes) for one in (".piece", ".positions .frame"))
            assert [len(pieces), len(bars)] == [20, 10]
            assert max(box["bottom"] for box in pieces + bars) <= player["y"]


SHIFTS = """() => new Promise((resolve) => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
        for (const { value } of list.getEntriesByType("layout-shift")) sum += value;
        if (list.getEntriesByType("mark").length) resolve(sum);
    });
    performance.mark("end");
    for (const type of ["layout-shift", "mark"]) observer.observe({ type, buffered: true });
})"""


def test_nothing_moves_while_the_page_trains(opened):
    page = opened(fragment="#length=3&units=4", viewport={"width": 1366, "height": 657})
    wait_for_layout(page)
    page.evaluate("toggleTraining()")
    train_until(page, "course.points.length > 1")
    wait_for_layout(page)
    page.evaluate("toggleTraining()")
    wait_for_layout(page)
    assert page.evaluate(SHIFTS) < 0.005  # the exercises, far below


def test_the_first_screen_has_its_places_before_the_script_has_run(browser, opened):
    size = {"width": 1366, "height": 657}
    page = opened(fragment="#length=3&units=4", viewport=size)
    wait_for_layout(page)
    still = browser.new_context(java_script_enabled=False, viewport=size).new_page()
    still.goto(page.url)
    still.locator("noscript").evaluate("(notice) => notice.remove()")
    for place in ("h1", "#training", "#train", "#status", "#another"):
        before, after = (one.locator(place).first.bounding_box() for one in (still, page))
        assert (before["x"], before["y"]) == (after["x"], after["y"]), place
    still.context.close()


def test_random_symbols_are_as_many_as_a_source_had_in_training(opened):
    page = opened(fragment="#length=1-3&units=8")
    assert page.text_content("#source-hint").endswith(" Sources in training: 1 to 3 symbols.")
    for source, lengths in (("3 1", {2}), ("", {1, 2, 3}), ("3 1 4 1", {1, 2, 3})):
        page.fill("#source", source)
        draw = "(random) => { random.click(); return app.S; }"
        assert page.get_by_role("button", name="Random").evaluate(draw) in lengths
