"""The page in which two networks train, in Chromium. Training is counted in steps, not in seconds."""

from pathlib import Path

import pytest
from helpers_page import needs_chromium, paste, prediction, step, train, train_until, violations, wait_for_layout

from seq2seq_demo.page.training import build_training

pytestmark = [pytest.mark.slow, needs_chromium]
SETTINGS = "task=reversed&length=10&units=16&cell=LSTM&rate=0.01&feed=expected&seed=0"
FEW = "#task=sorted&length=3&units=16&rate=0.03&samples="
FIGURES = "[...Object.values(byId('training').dataset)]"


def test_the_page_opens_with_two_untrained_networks_and_starts_again_after_a_change(opened):
    page = opened(viewport={"width": 1280, "height": 720})
    assert len(build_training().encode()) <= 350_000
    assert [page.text_content("#train"), page.evaluate(FIGURES)] == ["Train", ["0", "0,0"]]
    assert page.locator("#step h2.name").all_text_contents() == ["with attention", "without attention"]
    assert page.text_content("#step .judgement").startswith("✗ ")
    assert page.evaluate("location.hash").endswith(f"&{SETTINGS}")
    assert "-p reversed --in-len 10 -m embedding_attention" in page.text_content("#training code")
    page.evaluate("course.step(); show()")
    assert page.evaluate(FIGURES)[0] == "32"
    assert "NaN" not in page.inner_html("#curves")
    page.locator("[name=units]").select_option("8")
    assert page.evaluate("[...Object.values(byId('training').dataset), app.networks[1].config.cell_size]")[0] == "0"
    assert "8 units" in page.text_content("#summary")
    assert page.text_content("#announcement") == "0 of 64,000 samples. The networks are untrained."
    page.locator("[name=task]").select_option("running_sum")  # has settings of its own
    assert page.evaluate("[course.settings.units, course.settings.rate]") == ["8", "0.03"]
    page.locator("[name=units]").select_option("16")
    page.locator("[name=task]").select_option("added")
    assert page.evaluate("Object.values(course.settings).slice(1, 5)") == ["1-5", "16", "LSTM", "0.01"]
    assert page.evaluate("[app.state.text, app.networks[0].ends]") == ["3 1 4 1", True]  # the longest that it adds
    assert page.locator("[name=length] option:disabled").all_text_contents() == ["3", "5"]
    page.locator("[name=length]").select_option("10")
    assert page.evaluate("app.source.length") == 10


def test_the_networks_learn_and_everything_works_on_them(opened):
    page = opened(fragment=f"{FEW}1920")
    assert page.text_content("#train") == "Train to 1,920"
    untrained = prediction(page)
    samples, exact = train(page)
    assert samples == 1920 and exact[0] >= 0.8
    assert page.text_content("#train") == "Train on"
    assert "1,920 samples; with attention: exact match" in page.text_content("#announcement")
    page.fill("#source", "7 2 9")
    assert prediction(page) == "2 7 9" and page.text_content("#step .judgement") == "✓ right"
    parts = {"forced": "table", "beam": ".beam-tree", "influence": ".heat-map", "inside": "dl.equations"}
    for tab, part in parts.items():
        page.click(f"#tab-{tab}")
        page.wait_for_selector(f"#{tab} {part}")
    page.fill("#source", "3 1 4")
    page.focus("#moment")
    page.keyboard.press("Home")
    assert prediction(page) == untrained
    assert page.text_content(".verdict").startswith("Step 0: ✗ ")
    page.keyboard.press("ArrowRight")
    assert page.text_content(".verdict").startswith("Step 5: ")
    page.keyboard.press("End")
    assert prediction(page) == "1 3 4"
    page.click("#hidden")
    assert page.locator("#curves").is_visible() and not page.locator("#attention").is_visible()


def test_an_address_has_the_settings_the_source_and_the_number_of_samples(opened):
    page = opened(fragment=f"{FEW}640&seed=7&cell=GRU&source=9%208&forced=0:5")
    assert train(page)[0] == 640
    page.evaluate("location.hash = '#samples=960'")
    page.wait_for_function("() => byId('train').textContent === 'Train to 960'")
    page.click("#train")
    page.evaluate("location.hash = '#samples=1280'")  # a link, while they train
    page.wait_for_function("() => end === 1280")
    train_until(page, "!app.isTraining")
    assert page.evaluate("course.samples") == 1280
    page.locator("[name=units]").select_option("8")
    assert page.text_content("#train") == "Train to 1,280"


def test_one_batch_trains_measures_and_shows_and_the_step_stays(opened):
    page = opened(fragment="#length=3&units=8&place=4")
    button = page.get_by_role("button", name="One batch")
    counted = "[course.samples, course.steps, app.state.samples, last(course.points).samples, app.state.place]"
    weights = "app.networks.map(({ final }) => last(Object.values(final.weights))[0])"
    before = page.evaluate(weights)
    button.click()
    assert page.evaluate(counted) == [32, 1, 32, 32, 4]
    assert page.evaluate(FIGURES)[0] == "32" and page.text_content("#status").startswith("32 samples.")
    assert all(old != new for old, new in zip(before, page.evaluate(weights), strict=True))
    page.focus("#moment")
    page.keyboard.press("Home")  # a kept step
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page.evaluate(counted) == [96, 3, 96, 96, 4] and page.evaluate("app.state.moment") is None
    page.click("#train")
    assert button.get_attribute("aria-disabled") == "true"
    button.dispatch_event("click")
    assert page.evaluate("[app.isTraining, course.samples]") == [True, 96]
    page.click("#train")
    assert button.get_attribute("aria-disabled") == "false"
    stepped = page.evaluate(weights)
    page.click("#start-again")
    step(page, 3)
    assert page.evaluate(weights) == stepped  # the same bits


def test_one_batch_of_pairs_is_of_the_pairs_in_the_field(opened):
    page = opened(fragment="#task=pairs&units=8")
    page.click("#one-batch")
    samples = page.evaluate("course.samples")
    assert 0 < samples <= 32
    paste(page, "\n".join(f"{n}\t{n}" for n in range(100, 200)))
    page.click("#one-batch")
    assert page.evaluate("[course.steps, course.samples, course.task.pairs.length]") == [1, 32, 100]
    paste(page, "a\tb")
    assert page.get_attribute("#one-batch", "aria-disabled") == "true"


KEPT = "[course.samples, ...app.networks.map(({ final }) => Object.values(final.weights)[0][0]), app.state.moment]"


def test_what_was_trained_is_kept_until_ten_others_have_trained(opened):
    page = opened(fragment="#length=3&units=8")
    step(page, 12)
    trained = page.evaluate(KEPT)
    page.locator("[name=units]").select_option("16")  # another setting
    assert page.evaluate(KEPT)[0] == 0
    step(page, 6)
    page.locator("[name=units]").select_option("8")
    assert page.evaluate(KEPT) == trained
    page.click("#start-again")
    assert page.evaluate(KEPT)[0] == 0 and page.evaluate(KEPT) != trained
    step(page, 3)
    page.get_by_role("button", name="Your networks").click()
    rows = page.locator("#networks tbody tr")
    assert [row.locator("td").nth(8).text_content() for row in rows.all()] == ["96", "384", "192"]
    rows.nth(1).get_by_role("button").click()
    assert page.evaluate(KEPT) == trained
    assert page.evaluate("course.kept[0].length") > 2  # to look back
    step(page, 1)  # it trains on
    page.click("#start-again")
    page.reload()
    assert page.evaluate("course.samples") == 416  # the last pair of these settings; not the untrained one
    page.evaluate("""() => {
        for (let i = 0; i < 8; i++) {
            app.change({ seed: `${i + 1}`, place: null });
            course.step();
        }
        keep(course);
    }""")
    assert page.evaluate("[keptCourses.length, JSON.parse(sessionStorage.getItem(KEY)).length]") == [10, 10]
    page.evaluate("sessionStorage.setItem(KEY, JSON.stringify([5, { settings: {}, course: { points: [] } }]))")
    page.evaluate("course.samples = 0")  # nothing to keep
    page.reload()
    assert page.evaluate("[keptCourses.length, course.samples]") == [0, 0]


def test_a_link_trains_untrained_networks_which_pause_at_once_and_go_on(opened):
    page = opened(fragment="#train=now&length=3")
    page.wait_for_function("() => app.isTraining")
    train_until(page, "course.steps > 2")
    page.evaluate("app.change({ place: 1 })")
    page.click("#train")
    page.click("#train")
    assert page.evaluate("app.t") is not None
    assert page.text_content("#train") == "Pause"
    page.click("#tour > button")
    place = page.locator("#tour .primary").bounding_box()
    page.mouse.move(place["x"] + 5, place["y"] + 5)
    page.mouse.down()
    shown = page.evaluate("app.state.samples")
    train_until(page, f"course.steps > {page.evaluate('course.steps')} + 10")
    assert page.evaluate("app.state.samples") == shown  # no picture was drawn meanwhile
    page.mouse.up()
    page.wait_for_function("() => app.state.place === app.S")
    page.keyboard.press("Escape")
    page.fill("#source", "1 2 3")  # the page answers while it trains
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.click("#train")
    steps = page.evaluate("course.steps")
    page.evaluate("location.hash = '#train=now'")  # does nothing to trained networks
    page.wait_for_function("() => !location.hash.includes('train=')")
    page.evaluate("new Promise((done) => setTimeout(done))")  # after the page has read the address
    assert page.evaluate("app.isTraining") is False
    assert page.evaluate("[course.steps, app.state.samples / 32, last(course.points).samples / 32]") == [steps] * 3
    page.click("#start-again")
    assert page.evaluate(FIGURES)[0] == "0"
    assert "after 0 samples" in page.get_attribute("#curves svg[role=img]", "aria-label")


def test_the_tour_is_of_the_networks_as_they_are_and_keeps_what_was_trained(opened):
    page = opened(fragment="#length=3&units=8&samples=640")
    page.click("#tour > button")
    for _ in range(4):
        page.click("#tour .primary")
    sentence = page.locator("#tour span")
    assert sentence.text_content().endswith(
        "the network with attention looks at all inputs about equally: it is untrained."
    )
    assert page.evaluate("Math.max(...app.runs[0].steps[2].alpha)") < 0.4
    train(page)
    assert " looks most at the " in sentence.text_content()  # it follows the training
    page.click("#tour .primary")
    assert page.evaluate("[course.samples, app.state.units]") == [640, "8"]
    assert page.evaluate("document.body.innerText.match(/\\b(input|output) \\d/i)") is None


def test_training_pauses_after_each_64_000_samples_and_says_what_the_metrics_show(opened):
    page = opened(fragment="#length=3")
    assert page.text_content("#status") == "0 of 64,000 samples. The networks are untrained."
    for steps in (2000, 4000):
        page.evaluate(f"Object.assign(course, {{ steps: {steps - 9}, samples: {32 * steps - 288} }})")
        assert train(page)[0] == 32 * steps
        assert page.text_content("#status").startswith(f"{32 * steps:,} samples. Neither has learned the task yet.")
    findings = page.evaluate("""[[1, 1], [1, 0.63], [0.5, 0.95], [0.5, 0.2], [0.2, 0.5], [0, 0]].map((exact) =>
        findingOf({ ...course, samples: 32, points: [{ ...last(course.points), exact }] }))""")
    starts = ["Both learned the task", "With attention, the network learned", "Without attention, the network learned"]
    starts += ["With attention, the network learns faster", "Without attention, the network learns faster", "Neither"]
    assert all(map(str.startswith, findings, starts)) and "63.0% of answers" in findings[1]


def test_training_ends_when_both_stay_exact_and_shows_a_source_that_only_one_gets_wrong(opened):
    page = opened(fragment="#length=3&units=8")
    page.evaluate("""() => {
        course.measure();
        const exact = [1, 1];
        for (let i = 0; i < 8; i++) course.points.push({ ...last(course.points), exact });
        began = { at: 0, samples: 0, n: 0, isRight: false };
    }""")
    assert page.evaluate("verdictOf()") == ""  # not for long enough
    page.evaluate("for (let i = 0; i < 2; i++) course.points.push(last(course.points)); verdict = verdictOf()")
    assert page.evaluate("verdict").startswith("Training ended early")
    sources = page.evaluate("""() => {
        course.right = [new Set([3, 4, 5]), new Set([5])];
        showTelling();
        const first = app.state.text;
        showTelling();
        const [fourth, fifth] = [3, 4].map((id) => course.heldOut.find((pair) => pair.id === id).source.join(" "));
        return [first, app.state.text, fourth, fifth];
    }""")
    assert sources[:2] == sources[2:]
    page.evaluate("app.change({ samples: (shown.samples = 32) })")
    assert page.locator("#another").is_visible()


def test_a_loss_that_is_not_finite_stops_the_training(opened):
    page = opened(fragment="#length=3&units=8&rate=1")
    page.evaluate("course.networks[1].weights['decoder/projection/kernel'].fill(NaN)")
    page.click("#train")
    train_until(page, "!app.isTraining")
    assert page.text_content("#status") == "The loss is not finite: try a lower rate."
    assert page.get_attribute("#train", "aria-disabled") == "true"
    page.get_by_role("button", name="More settings, learning rate 1").click()
    page.locator("[name=rate]").select_option("0.01")
    assert page.get_attribute("#train", "aria-disabled") == "false"


@pytest.mark.parametrize(("task", "width", "colours"), [("reversed", 1280, "light"), ("pairs", 320, "dark")])
def test_the_page_is_accessible_and_fits_into_small_windows(opened, task, width, colours):
    page = opened(fragment=f"#task={task}&length=3&units=8", color_scheme=colours)
    if task == "pairs":
        pairs = [f"{a}{b}\t{b}" for a in "abcdef" for b in "abcdef"]
        paste(page, "\n".join([*pairs, "x" * 400, "y" * 61 + "\tz"]))
    step(page, 20)
    page.locator("details").evaluate_all("(all) => all.map((one) => (one.open = true))")
    for each in (320, width):
        page.set_viewport_size({"width": each, "height": 720})
        wait_for_layout(page)
        assert page.evaluate("document.documentElement.scrollWidth") == each
    assert page.locator("#errors").is_visible() == (task == "pairs")
    assert violations(page) == []


FAULTS = Path(__file__).with_name("labels.js").read_text(encoding="utf-8")
SHOWN = "(fractions) => { last(course.points).positions = fractions; app.change({}); }"


def bar_heights(page):
    """The height of each network's bars, relative to their frames."""
    relative = """(all) => all.map((bars) => [...bars.querySelectorAll("rect:not(.frame)")].map((bar) => {
        const [{ height, bottom }, frame] = [bar, bar.nextSibling].map((one) => one.getBoundingClientRect());
        return Math.abs(bottom - frame.bottom) < 0.01 ? height / frame.height : NaN;
    }))"""
    return page.locator(".positions").evaluate_all(relative)


def test_bars_and_a_table_show_how_often_each_position_is_right(opened):
    page = opened(viewport={"width": 1366, "height": 657})  # a low picture
    first = [[1, 0.995, 0.9, 0.63, 0.5, 0.29, 0.1, 0.05, 0.005, 0], [0.5, 0.25]]
    page.evaluate(SHOWN, first)
    assert [*(pytest.approx(one, abs=1e-4) for one in first)] == bar_heights(page)
    assert page.evaluate(f"{FAULTS} faults([0, 13, 20])") == []
    assert min(frame.bounding_box()["height"] for frame in page.locator(".positions .frame").all()) >= 12
    assert page.get_by_text("right at this position, in % of new sources").count() == 2
    numbers = [["100", "99", "90", "63", "50", "29", "10", "5", "0", "0"], ["50", "25"]]
    for i, expected in enumerate(numbers):
        assert page.locator(".positions").nth(i).locator("text").all_text_contents() == expected
    for rate in ("100%", "25%"):  # each table follows the bars a little later
        page.locator("#step td").get_by_text(rate, exact=True).wait_for(state="attached")
    assert [table.get_attribute("aria-label") for table in page.locator("#step table").all()] == [
        f"{name} attention: New sources that are right at each output position" for name in ("with", "without")
    ]
    for i, expected in enumerate(numbers):
        table = page.locator("#step table").nth(i)
        assert table.locator("td").all_text_contents() == [f"{number}%" for number in expected]
        ordinals = ["1st", "2nd", "3rd", *(f"{n}th" for n in range(4, 11))]
        assert table.locator("th").all_text_contents() == ordinals[: len(expected)]
