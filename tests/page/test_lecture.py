"""The exercises in the lecture view: a clicker, a plan, predictions, and slides."""

import pytest
from helpers_page import needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]
LAPTOP = {"width": 1280, "height": 720}
ARTICLE = "#exercises article:visible"
TRAINED = "[app.state.samples, app.networks.map(({ final }) => Object.values(final.weights)[0][0])]"


@pytest.fixture
def lecture(shared_tab, gallery):
    """A function that opens an address of the gallery. The frames of its slides stay empty."""

    def opened(address, size=LAPTOP):
        name, _, fragment = address.partition("#")
        return shared_tab.open(gallery / name, f"#{fragment}", size, root=gallery)

    def load(route):
        if route.request.frame.parent_frame:
            route.fulfill(body="")
        else:
            route.continue_()

    shared_tab.page.route("**/reversing.html", load)
    yield opened
    shared_tab.page.unroute_all()
    shared_tab.page.goto(f"{shared_tab.address}/index.html")
    shared_tab.page.evaluate("sessionStorage.clear()")
    shared_tab.require_no_errors()


def is_at(page, number):
    """Wait for the page of an exercise or, with a string, for an address that contains it."""
    if isinstance(number, str):
        page.wait_for_url(lambda url: number in url)
    else:
        page.wait_for_function(f"() => typeof app === 'object' && app.state.exercise === {number}")


def press_on(page):
    """Press a clicker until the next exercise is announced, and return the presses that took."""
    for n in range(60):
        if page.locator(f"{ARTICLE} .announced").count():
            return n
        page.keyboard.press("PageDown")
    raise AssertionError("no exercise was announced")


def announced(page):
    return page.locator(f"{ARTICLE} .announced").inner_text()


def test_a_clicker_plays_the_plan_of_ten_minutes_and_returns_to_the_trained_networks(lecture):
    page = lecture("links.html#plan=10")
    is_at(page, 1)
    page.evaluate("app.change({ units: '8' })")
    page.check(f"{ARTICLE} [value=without]")
    page.keyboard.press("PageDown")
    shown = page.evaluate("[app.state.place, app.isOpening]")
    for key in ("PageDown", "PageUp", "Space", "ArrowRight"):  # would hide what the networks write
        page.keyboard.press(key)
        assert page.evaluate("[app.isTraining, app.state.place, app.isOpening]") == [True, *shown]
    page.evaluate("end = course.samples + 32; trainUntil(Infinity)")  # ends now, not after 16,000 samples
    trained = page.evaluate(TRAINED)
    assert trained[0] > 0
    press_on(page)
    answer = page.locator(f"{ARTICLE} > details")
    assert (announced(page), answer.get_attribute("open")) == ("Next: slide 2", "")
    page.keyboard.press("PageUp")  # what was announced is no longer next
    assert page.locator(".announced").count() == 0
    page.keyboard.press("PageDown")
    press_on(page)
    for key, address in (
        ("Down", "theory.html#2"),
        ("Down", "theory.html#4"),
        ("Up", "theory.html#2"),
        ("Up", "train.html"),
    ):
        page.keyboard.press(f"Page{key}")
        is_at(page, address)
    is_at(page, 1)
    assert page.evaluate(TRAINED) == [trained[0], pytest.approx(trained[1], abs=1e-4)]  # kept as integers of 16 bits
    assert page.is_checked(f"{ARTICLE} [value=without]")
    press_on(page)
    for address in ("theory.html#2", "theory.html#4", "reversing.html#"):
        page.keyboard.press("PageDown")
        is_at(page, address)
    is_at(page, 7)
    page.fill(f"{ARTICLE} .note input", "5 5 1")
    page.keyboard.press("PageDown")  # the field has the focus
    page.wait_for_function("() => app.state.forced[0] === 5 && app.state.hidden")
    assert page.evaluate("app.runs.map((run) => run.written[0])") == [5, 5]
    assert press_on(page) == 2  # the answers, the explanation
    assert (announced(page), page.evaluate("app.state.hidden")) == ("Next: exercise 3", False)
    page.keyboard.press("PageDown")
    is_at(page, 3)
    press_on(page)
    page.keyboard.press("PageDown")
    is_at(page, "links.html")
    page.wait_for_function("() => document.querySelector(\"[name='prediction 1'][value=without]\").checked")
    assert page.input_value("[name='prediction 7']") == "5 5 1"


def test_the_exercises_without_a_plan_follow_each_other_by_their_numbers(lecture):
    page = lecture("reversing.html#exercise=8&view=lecture")
    is_at(page, 8)
    press_on(page)
    assert announced(page) == "Next: exercise 9"
    page.keyboard.press("PageDown")
    is_at(page, 9)
    page.keyboard.press("PageUp")
    is_at(page, 8)
    assert page.evaluate("app.state.lecture") and page.locator(".announced").count() == 0


def test_an_address_names_an_exercise_in_any_order_of_its_fields(lecture):
    for address, expected in {
        "#view=lecture&exercise=2": ["12308297167113044654", None, True],
        "#source=1%202&exercise=5": ["12", None, False],
    }.items():
        page = lecture(f"reversing.html{address}")
        state = page.evaluate("[app.state.text.replaceAll(' ', ''), app.state.tab, app.state.hidden]")
        assert state == expected


def test_a_button_beside_the_question_shows_the_panel_that_it_needs(lecture):
    page = lecture("reversing.html#exercise=8")
    button = page.locator(f"{ARTICLE} button")
    assert button.inner_text() == "Show “Teacher forcing and free-running”" and not page.locator("#forced").is_visible()
    for _ in range(2):
        button.click()
        assert page.locator("#forced").is_visible() and not page.evaluate("app.state.hidden")
    page.goto(page.url.partition("#")[0] + "#exercise=2")
    is_at(page, 2)
    assert page.locator(f"{ARTICLE} button").filter(visible=True).count() == 0


def test_a_press_waits_until_the_influence_is_computed(lecture):
    page = lecture("sorting.html#source=9%203%201&tab=influence&answer=hidden&exercise=6&view=lecture")
    page.keyboard.press("PageDown")  # shows the answer and its panel
    page.wait_for_function("() => app.state.tab && !document.querySelector('#influence figure[hidden]')")
    for is_computed in (False, True):
        page.evaluate(f"document.querySelector('#influence figure').hidden = {str(not is_computed).lower()}")
        page.keyboard.press("PageDown")
        assert (page.locator(f"{ARTICLE} > details[open]").count() == 1) == is_computed


def test_the_table_of_exercise_1_fills_in_itself_after_the_samples_that_it_names(lecture):
    page = lecture("train.html#exercise=1&seed=7")
    for samples in (15_000, 16_000):
        page.evaluate(f"course.samples = {samples} - 64; toggleTraining(); end = {samples}; trainUntil(Infinity)")
    exact = page.evaluate("last(course.points).exact.map(percent)")
    filled = "(all) => all.filter((one) => one.value).map((one) => [one.ariaLabel, one.value])"
    rows = ("seed", "16,000, with attention", "16,000, without attention")
    cells = [[f"{row}, 16", value] for row, value in zip(rows, ["7", *exact], strict=True)]
    assert page.locator("#board-1 input").evaluate_all(filled) == cells
    page.evaluate("app.change({ units: '32', length: '5' })")  # not the task of the exercise
    page.evaluate("course.samples = 15_936; toggleTraining(); end = 16_000; trainUntil(Infinity)")
    assert page.input_value("#board-1 [aria-label='seed, 32']") == ""
    assert lecture("links.html").locator("#board-1 input").evaluate_all(filled) == cells


def test_the_table_of_beam_search_fills_in_itself(lecture):
    page = lecture("pronunciation.html#source=massage&place=13&exercise=10&view=lecture&tab=beam&beam=1")
    page.wait_for_function("() => document.querySelector('#board-10 [aria-label=\"massage, K = 1\"]').value")
    page.evaluate("showTab('beam', { beam: 3, text: 'mexicali', place: null })")
    page.wait_for_function("() => document.querySelector('#board-10 [aria-label=\"mexicali, K = 3\"]').value")
    page = lecture("links.html")
    assert page.locator("#board-10 input").evaluate_all("(all) => all.map((one) => one.value)") == [
        "M AE S IH JH",
        *[""] * 7,
        "M EH K S IY K AA L IY",
    ]


def test_slides_have_addresses_that_keys_and_links_change(lecture):
    page = lecture("theory.html#3")
    top = "(n) => Math.round(document.getElementById(`${n}`).getBoundingClientRect().top)"
    assert page.evaluate(top, 3) == 0
    for key, slide in (("PageDown", 4), ("ArrowRight", 5), ("PageDown", 5), ("PageUp", 4)):
        page.keyboard.press(key)
        page.wait_for_function(f"() => location.hash === '#{slide}'")
        page.wait_for_function(f"() => ({top})({slide}) === 0")
    page.get_by_role("link", name="4/5, Next").click()
    page.wait_for_function("() => location.hash === '#5'")
    for address, before in {
        "#1.5": 1,
        "#9&plan=constructor": 4,
        "#x&plan=__proto__": 1,
    }.items():  # neither slide nor plan
        page = lecture(f"theory.html{address}")
        page.keyboard.press("PageUp")
        page.wait_for_function(f"() => location.hash === '#{before}'")
    page = lecture("theory.html")
    assert page.evaluate("scrollY") == 0 and page.locator("iframe").first.bounding_box()["height"] > 300


def test_tables_and_predictions_stay_while_the_tab_lives(lecture):
    page = lecture("links.html")
    fields = {"[name='prediction 4']": "at the 0", "#board-class [name$=' 3 2']": "12%", "[name='seen 2']": "swapped"}
    for selector, text in fields.items():
        page.fill(selector, text)
    page.check("[name='prediction 3'][value=both]")
    page = lecture("sorting.html#exercise=4")
    assert page.input_value("[name='prediction 4']") == "at the 0"
    page = lecture("links.html")
    page.reload()
    assert {selector: page.input_value(selector) for selector in fields} == fields
    assert page.locator("[name='prediction 3']").evaluate_all("(all) => all.map((one) => one.checked)") == [
        False,
        False,
        True,
        False,
    ]
