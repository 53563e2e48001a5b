"""The page in which two networks train, in Chromium. Training is counted in steps, not in seconds."""

import pytest
from helpers_page import needs_chromium, prediction, wait_for_layout

from seq2seq_demo.page.training import QUESTIONS, build_training

pytestmark = [pytest.mark.slow, needs_chromium]
SETTINGS = "task=reversed&length=10&units=16&cell=LSTM&rate=0.01&feed=expected&seed=0"
FEW = "#task=reversed&length=3&units=32&rate=0.01&samples="
FIGURES = "[...Object.values(byId('training').dataset)]"


def train_to(page, n_samples):
    """Train until the page pauses; return the exact match of each network."""
    assert page.text_content("#train") == f"Train to {n_samples:,}"
    page.click("#train")
    page.wait_for_function("() => !isTraining", timeout=100_000)
    samples, exact = page.evaluate(FIGURES)
    assert samples == str(n_samples)
    return [float(share) for share in exact.split(",")]


def test_the_page_opens_with_two_untrained_networks_and_one_button(opened):
    page = opened(viewport={"width": 1280, "height": 720})
    assert len(build_training().encode()) <= 215_000
    assert [page.text_content("#train"), page.evaluate(FIGURES)] == ["Train", ["0", "0,0"]]
    assert page.locator("#step h2.name").all_text_contents() == ["with attention", "without attention"]
    assert page.text_content("#step .judgement").startswith("✗ ")
    assert page.evaluate("location.hash").endswith(f"&{SETTINGS}")
    assert "-p reversed --in-len 10 -m embedding_attention" in page.text_content("#training code")
    for part in ("#train", "#curves svg", "#curves .heat-map", "#step .diagram"):
        assert page.locator(part).first.bounding_box()["y"] < 650
    page.click("#one-step")
    assert page.evaluate(FIGURES)[0] == "32"
    assert "Step 1." in page.text_content("#announcement") and "NaN" not in page.inner_html("#curves")


def test_the_networks_learn_and_everything_works_on_them(opened):
    page = opened(fragment=f"{FEW}4480")
    untrained = prediction(page)
    assert train_to(page, 4480)[0] >= 0.9
    assert page.text_content("#train") == "Train on"
    assert "4,480 samples; with attention: exact match" in page.text_content("#announcement")
    page.fill("#source", "7 2 9")
    assert prediction(page) == "9 2 7" and page.text_content("#step .judgement") == "✓ right"
    page.evaluate("app.change({ place: 4 })")
    page.locator(".line").first.get_by_role("button").nth(1).click()
    assert page.evaluate("Object.keys(app.state.forced)") == ["0"]
    page.get_by_role("button", name="Undo").first.click()
    parts = {"forced": "table", "beam": ".beam-tree", "influence": ".heat-map", "inside": "dl.equations"}
    for tab, part in parts.items():
        page.click(f"#tab-{tab}")
        page.wait_for_selector(f"#{tab} {part}")
    page.fill("#source", "3 1 4")
    page.focus("#moment")
    page.keyboard.press("Home")
    assert prediction(page) == untrained
    assert "This is the answer after 0 training steps" in page.text_content("#sentence")
    page.keyboard.press("ArrowRight")
    assert "after 5 training steps" in page.text_content("#sentence")
    page.keyboard.press("End")
    assert prediction(page) == "4 1 3"
    page.click("#hidden")
    assert page.locator("#curves").is_visible() and not page.locator("#attention").is_visible()


def test_an_address_has_the_settings_the_source_and_the_number_of_samples(opened):
    page = opened(fragment=f"{FEW}640&seed=7&cell=GRU&source=9%208&forced=0:5")
    train_to(page, 640)
    page.reload()
    assert page.text_content("#train") == "Train to 640"  # the address has the number of samples
    page.evaluate("location.hash = '#samples=320'")
    page.wait_for_function("() => byId('train').textContent === 'Train to 320'")
    page.evaluate("toggleTraining(), (location.hash = '#samples=640')")  # a link, while they train
    page.wait_for_function("() => !isTraining && course.samples === 640")
    page.locator("[data-key='Units']").select_option("8")
    assert page.text_content("#train") == "Train to 640"


def test_training_pauses_at_once_and_goes_on(opened):
    page = opened(fragment="#length=3")
    page.evaluate("app.change({ place: 1 })")
    page.click("#train")
    page.wait_for_function("() => course.steps > 2")
    assert page.evaluate("app.t") is not None
    assert page.text_content("#train") == "Pause"
    page.click("#tour summary")
    place = page.evaluate("document.querySelectorAll('#tour a')[1].getBoundingClientRect().toJSON()")
    page.mouse.move(place["x"] + 5, place["y"] + 5)  # `hover` would wait for a link that is not drawn anew
    page.mouse.down()
    page.wait_for_function(f"() => course.steps > {page.evaluate('course.steps')} + 10")
    page.mouse.up()  # no picture was drawn meanwhile
    page.wait_for_function("() => app.state.place === app.S")
    page.fill("#source", "1 2 3")  # the page answers while it trains
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.click("#train")
    steps = page.evaluate("course.steps")
    page.wait_for_timeout(100)
    assert page.evaluate("[course.steps, app.state.samples / 32, last(course.points).samples / 32]") == [steps] * 3
    page.click("#start-again")
    assert page.evaluate(FIGURES)[0] == "0"


def test_training_pauses_after_each_64_000_samples_with_an_answer_and_one_row_in_the_table(opened):
    page = opened(fragment="#length=3")
    for steps in (2000, 4000):
        page.evaluate(f"Object.assign(course, {{ steps: {steps - 9}, samples: {32 * steps - 288} }})")
        page.click("#train")
        page.wait_for_function("() => !isTraining")
        assert page.evaluate("course.steps") == steps
        cells = page.locator("#training tbody td").all_text_contents()
        assert cells[:8] == ["reversed", "3", "16", "LSTM", "0.01", "expected", "0", f"{32 * steps:,}"]
        assert len(cells) == 10
        assert page.text_content("#answer").startswith("Both learned it")
    page.get_by_role("link", name="Which one").click()
    page.wait_for_function("() => !byId('answer').textContent")


def test_a_change_of_a_setting_starts_again_and_a_question_sets_all(opened):
    page = opened()
    page.click("#one-step")
    page.locator("[data-key='Units']").select_option("8")
    assert page.evaluate("[...Object.values(byId('training').dataset), app.networks[1].config.cell_size]")[0] == "0"
    assert "8 units" in page.text_content("#summary")
    assert page.text_content("#announcement") == "The networks are untrained."
    page.locator("[data-key='Task']").select_option("added")
    assert page.evaluate("app.source.length") == 10
    assert page.locator("[data-key='Length'] option:disabled").all_text_contents() == ["3", "5"]
    page.locator("[data-key='Length']").select_option("1 to 5")
    assert page.evaluate("[app.state.text, app.networks[0].ends]") == ["3 1 4 1", True]  # the longest that it adds
    for question, (changes, _) in QUESTIONS.items():
        page.evaluate("app.change({ place: 1 })")
        page.get_by_role("link", name=question).click()
        wait_for_layout(page)
        assert page.evaluate("app.t") is not None  # shows the answer, whatever was shown before
        defaults = dict(part.split("=") for part in SETTINGS.split("&"))
        assert page.evaluate("course.settings") == defaults | changes
        assert page.get_by_role("link", name=question).get_attribute("aria-current") == "true"


def test_a_loss_that_is_not_finite_stops_the_training(opened):
    page = opened(fragment="#length=3&units=8&rate=1")
    page.evaluate("course.networks[1].weights['decoder/projection/kernel'].fill(NaN)")
    page.click("#train")
    page.get_by_text("The loss is not finite: try a lower rate.").wait_for()
    assert page.get_attribute("#train", "aria-disabled") == "true"
    assert page.locator("[data-key='Learning rate']").is_visible()  # because the address sets the rate
    page.locator("[data-key='Learning rate']").select_option("0.01")
    assert page.get_attribute("#train", "aria-disabled") == "false"


def test_the_page_is_accessible_and_fits_into_small_windows(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for width, colours in ((320, "dark"), (1280, "light")):
        page = opened(fragment="#length=3&units=8", viewport={"width": width, "height": 720}, color_scheme=colours)
        page.evaluate("for (let i = 0; i < 20; i++) course.step(); show();")
        page.locator("details").evaluate_all("(all) => all.map((one) => (one.open = true))")
        wait_for_layout(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert [each["id"] for each in axe.Axe().run(page).response["violations"]] == []
