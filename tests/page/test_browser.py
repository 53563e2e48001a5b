"""The page in Debian's Chromium, operated with mouse and keyboard."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers import ROOT, random_weights
from helpers_page import (
    needs_chromium,
    on_page,
    prediction,
    printed_sizes,
    shipped,
    spaced,
    train_until,
    violations,
    wait_for_layout,
)

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary
from seq2seq_demo.page.builder import Example, ShownNetwork
from seq2seq_demo.trained.trained_network import TrainedNetwork

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.filterwarnings("ignore:The network was trained on length")]
HOSTILE = "</script><img src=x onerror=alert(1)>"
SOURCE = [3, 1, 4, 1, 5, 9]


def reversing():
    return ShownNetwork("reversed", shipped("embedding_attention"), [Example(SOURCE, SOURCE[::-1], "some symbols")])


def test_a_text_is_answered_as_predict_answers(opened):
    vocabularies = Vocabularies(Vocabulary("characters", (" ", "a", "é", "안")), Vocabulary("words", ("HH", "👩")))
    config = ModelConfig(
        "embedding_attention", "GRUCell", 2, 9, 6, in_max_int=3, out_max_int=1, bidirectional=True, ends=True
    )
    weights = random_weights(config, seed=1)
    network = TrainedNetwork(config, weights, in_len=5, out_len=6, min_in_len=1, vocabularies=vocabularies)
    page = opened(ShownNetwork("text", network))
    wait_for_layout(page)
    assert page.text_content("#source-error") == ""
    assert page.get_by_text("page --from-file").is_visible()
    assert not page.locator("#player, #tabs, .panel, .link").filter(visible=True).count()
    answers = set()
    for text in ("a", "e\u0301 a", "안안a", "   é"):
        page.fill("#source", text)
        answers.add(prediction(page))
        answer = network.predict([text])[0].removesuffix(" ... (did not end)")  # the page marks it, too
        assert prediction(page) == answer
    assert len(answers) > 1
    page.fill("#source", "")
    assert page.text_content("#source-error") == ""
    page.fill("#source", "ab")
    assert page.get_by_text("“b” is not in the vocabulary").first.is_visible()
    assert page.get_attribute("#source", "aria-invalid") == "true"
    assert page.evaluate("['player', 'tabs'].map((id) => byId(id).inert)") == [True, True]


def test_keys_leave_the_fields_and_move_the_player(opened):
    page = opened(reversing())
    page.focus("#source")
    page.keyboard.press("Control+A")
    page.keyboard.type("3 1 4 1 5 9")
    page.click(".verdict .link")  # the field goes when it loses the focus
    for field, key in (("#target", "Escape"), ("#source", "Enter")):
        page.focus(field)
        before = page.evaluate("app.state.place")
        page.keyboard.press(key)
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("app.state.place") == before - 1
    page.focus("#place")
    page.keyboard.press("Home")
    assert page.evaluate("app.state.place") == 0


COUNT_RUNS = """(place) => {
    let [runs, { run }] = [0, Network.prototype];
    Network.prototype.run = function (...options) { runs++; return run.apply(this, options); };
    app.change({ place });
    Network.prototype.run = run;
    return runs;
}"""
# Positions that read like symbols, such as "input 9", in sentences, labels and titles.
POSITIONS = r"""() => {
    const parts = [document.body.innerText];
    for (const one of document.querySelectorAll("[aria-label], [title], [aria-valuetext], title, #announcement"))
        parts.push(one.ariaLabel, one.title, one.ariaValueText, /title|p/.test(one.tagName) ? one.textContent : "");
    return parts.join("\n").match(/\b(input|output|position|step)s? \d.*/gi) ?? [];
}"""


def test_a_step_runs_no_network_and_states_positions_as_ordinals_which_do_not_read_like_symbols(opened):
    both = reversing(), ShownNetwork("rnn", shipped("embedding_rnn"))
    page = opened(*both, fragment="#source=3%201%204%201%205%209&forced=1:7&replace=4:1")
    for tab in page.evaluate("app.tabs"):
        show(page, tab)
        wait_for_layout(page)
        for place in (0, 4, 9, 13):  # before the source, the changed input, and outputs
            assert page.evaluate(COUNT_RUNS, place) == 0, tab
            page.evaluate("announcePlace()")
            wait_for_layout(page)
            assert page.evaluate(POSITIONS) == []
    page.evaluate("app.change({ place: 9 }), announcePlace()")
    s = page.evaluate("argmax(app.runs[0].steps[2].alpha)")
    sentence = f"Fed the forced 7, it looks most at the {s + 1}th input, the {SOURCE[s]} ("
    assert s >= 3 and page.text_content("#announcement").startswith(f"3rd output. reversed: {sentence}")
    page.evaluate("app.change({ forced: {}, place: 8 })")
    page.click("#next")
    assert page.inner_text("#sentence").startswith("Fed the 5 it wrote, it looks most at the 4th input, the 1 (")
    assert "3" in page.text_content("#announcement")
    ordinals = page.evaluate("[1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 102, 111, 113].map(ordinal)")
    assert " ".join(ordinals) == "1st 2nd 3rd 4th 10th 11th 12th 13th 21st 22nd 102nd 111th 113th"


def show(page, tab):
    """Select a tab. The tree of beam search is computed when it is shown."""
    page.click(f"#tab-{tab}")
    if tab == "beam":
        page.wait_for_selector(".beam-tree")


def test_the_page_is_accessible_and_never_scrolls_sideways(opened):
    small = {"width": 320, "height": 700}
    page = opened(reversing(), ShownNetwork("rnn", shipped("embedding_rnn")), viewport=small, reduced_motion="reduce")
    for source in (spaced([8] * 24), "x", "3 1 4"):
        page.fill("#source", source)
        wait_for_layout(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for tab in page.evaluate("app.tabs"):
        show(page, tab)
        page.emulate_media(color_scheme="dark" if tab == "inside" else "light")
        wait_for_layout(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, tab
        assert violations(page, "body" if tab == "inside" else f"#{tab}") == []  # the rest of the page stays the same
    page.evaluate("app.change({ place: app.S + 3 })")
    page.locator(".open-context").click()
    page.emulate_media(color_scheme="light")
    assert violations(page, "#context-layer, #step") == []


def test_hostile_names_are_shown_and_never_executed(opened):
    words = tuple(sorted(word.replace(" ", "_") for word in (HOSTILE, "<b>x</b>", "&amp;", "{{x}}")))
    vocabularies = Vocabularies(Vocabulary("words", words), Vocabulary("words", words))
    config = ModelConfig("embedding_attention", cell_size=5, embedding_size=4, in_max_int=3, out_max_int=3, ends=True)
    named = {"task": HOSTILE, "vocabularies": vocabularies}
    network = TrainedNetwork(config, random_weights(config), in_len=4, out_len=4, min_in_len=1, **named)
    shown = ShownNetwork(HOSTILE, network, [Example([0, 1], [2], HOSTILE)])
    page = opened(shown, fragment=f"#source={words[0]}&target={HOSTILE}&place=<b>&moment=9e9&forced=__proto__:1,0:99")
    wait_for_layout(page)
    assert page.locator("img").count() == 0
    assert page.locator("b:text('x')").count() == 0
    assert page.text_content("h1") == HOSTILE
    page.fill("#source", f"{words[1]} {HOSTILE}")
    wait_for_layout(page)
    assert page.locator("img").count() == 0


def judgement(page):
    return page.text_content("#step .judgement")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).first.click()


def test_an_extra_symbol_counts_as_one_wrong_symbol_and_symbols_after_a_forced_end_are_missing(opened):
    page = opened(reversing(), fragment="#source=1%202%203%204%205&forced=0:3&tab=forced")
    assert prediction(page) == "3 5 4 3 2 1"
    assert judgement(page) == "✗ 1 extra"
    assert page.locator("#step text.forced").all_text_contents() == ["forced 0%"]
    assert "The network recovers: all other symbols are right, 1 position later." in page.text_content("#forced")
    assert "Free-running: 7" not in page.text_content("#forced")  # the error is the user's
    press(page, "Undo")
    assert judgement(page) == "✓ right"
    page.evaluate("app.change({ forced: { 2: 10 } })")
    assert judgement(page) == "✗ 3 missing"
    assert "the same symbols up to the 3rd output, where one of them ends." in page.text_content("#forced")


def test_a_hidden_answer_appears_step_by_step_and_then_as_a_whole(opened):
    page = opened(reversing(), fragment="#source=3%201%204&target=5%201%203&answer=hidden")
    assert (prediction(page), judgement(page), page.evaluate("app.state.place")) == ("", "The answer is hidden.", 3)
    assert "4 1 3" not in page.inner_text("body")
    hidden = page.locator("#target, .link, #attention, #tabs, [role=tabpanel]")
    assert not hidden.filter(visible=True).count()
    page.keyboard.press("ArrowRight")
    assert page.locator("#step .piece").last.text_content() == "4" * 2  # the tile and its title
    shown = page.inner_text("body")
    for leak in ("of 4", "expected", "Missing"):
        assert leak not in shown
    assert page.locator("#step .wrong").count() == 0
    for _ in range(3):
        assert (judgement(page), page.get_attribute("#place", "max")) == ("The answer is hidden.", "7")
        page.keyboard.press("ArrowRight")
    assert "“Show the answer”" in page.text_content("#sentence")
    press(page, "Show the answer")
    assert prediction(page) == "4 1 3"
    assert page.locator("#step svg .wrong").count() == 2  # the tile and its label
    assert page.locator("#target").is_visible()  # because the link has a target
    assert page.evaluate("location.hash") == "#source=3%201%204&target=5%201%203&place=7"  # as before
    page.get_by_role("button", name="Hide the answer").press("Space")
    page.fill("#source", "2 7")
    assert page.evaluate("location.hash") == "#source=2%207&place=2&answer=hidden"
    assert prediction(page) == ""


def test_arrow_keys_and_clicks_select_the_cells_of_each_heat_map(opened):
    page = opened(reversing(), fragment="#source=3%201%204&place=4")
    page.locator("#attention .heat-row").nth(2).hover()
    assert page.evaluate("app.t") == 0
    page.locator("#attention .heat-row").nth(2).click()
    assert page.evaluate("app.t") == 2
    page.focus("#attention [tabindex='0']")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("app.t") == 1
    show(page, "influence")
    page.focus("#influence .heat-row[tabindex='0']")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("[app.t, app.state.replacement.s]") == [2, 1]
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert page.evaluate("changedOutputs([1, 2, 3], [9, 1, 2, 3])") == []  # outputs that only move
    assert page.evaluate("changedOutputs([1, 2, 3], [2, 9])") == [0, 2]
    show(page, "inside")
    page.focus("#inside .heat-row[tabindex='0']")
    unit = page.evaluate("app.cell.unit")
    for key in ("ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate("[app.cell.unit, app.state.place]") == [unit - 1, 5]


def test_without_a_target_forcing_is_compared_with_the_unforced_answer(opened):
    network = load(ROOT / "trained_weights" / "g2p.weights.h5")
    symbols = network.vocabularies.source.symbols
    words = [Example([symbols.index(c) for c in word], None, "") for word in ("hello", "through", "neighbour")]
    page = opened(ShownNetwork("g2p", network, words, task_description="English spelling to pronunciation"))
    task = "A small network trained on English spelling to pronunciation"
    assert (page.text_content("h1"), page.title()) == (task, task)
    before = prediction(page).split()
    page.locator("#probabilities .bar").nth(1).click()
    show(page, "forced")
    symbols = [text for text in page.locator("#forced .before").all_text_contents() if text not in ("–", "END")]
    assert symbols == before
    assert page.locator("#forced .moved").count() >= 1


def test_no_answer_is_right_without_a_valid_target_or_before_it_is_read(opened):
    page = opened(reversing(), fragment="#source=3%201%204%201%205%209&tab=forced&target=1")
    for target, text in (("", "no target is known"), ("9 x", "the right answer is not valid")):
        page.fill("#target", target)
        assert judgement(page) == text
    page.fill("#target", "1 " * 121)
    assert page.text_content("#target-error") == "Expected at most 120 symbols, got 121"
    field, error = page.locator("#target").bounding_box(), page.locator("#target-error").bounding_box()
    assert error["y"] > field["y"] + field["height"] + 5  # below the ring of the focus
    page.fill("#target", "")
    page.focus("#source")
    assert (page.input_value("#target"), judgement(page)) == (spaced(SOURCE[::-1]), "✓ right")
    press(page, "Random")
    source = page.input_value("#source").split()
    assert len(source) == len(SOURCE) and prediction(page).split() == source[::-1] != SOURCE[::-1]
    play = page.get_by_role("button", name="Play", exact=True)
    shown = "[app.state.place, document.querySelector('#step .judgement').textContent]"  # before the next step
    assert play.evaluate(f"(one) => {{ one.click(); return {shown}; }}") == [0, ""]


def test_the_keyboard_selects_tabs_and_the_address_holds_the_state(opened):
    page = opened(reversing(), fragment="#source=1%202&place=1")
    page.focus("#tab-details")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-forced"
    assert [tab.is_visible() for tab in page.locator("[role=tabpanel]").all()] == [False, True, False, False, False]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-inside"
    page.locator(".skip").press("Enter")
    assert page.evaluate("document.activeElement.id") == "source"
    assert page.evaluate("location.hash") == "#source=1%202&place=1&tab=inside"
    page.evaluate("location.hash = '#source=8%200'")
    page.wait_for_function("document.getElementById('source').value === '8 0'")
    assert prediction(page) == "0 8"


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_is_one_sentence_and_one_picture_with_its_player(opened, width, height):
    page = opened(reversing(), viewport={"width": width, "height": height})
    wait_for_layout(page)
    assert page.evaluate("app.t") == 3
    tops = [0]
    for part in ("#source", ".examples", "#sentence", "#step .diagram", "#player"):
        box = page.locator(part).first.bounding_box()
        assert tops[-1] <= box["y"] and box["y"] + box["height"] <= height, part
        tops.append(box["y"])
    assert page.text_content("#sentence").startswith("The network has read the top row and written the bottom row.")
    assert page.text_content(".verdict") == "✓ right(target)"
    answer = [*spaced(SOURCE[::-1]).split(), "END"]  # once, in the picture
    pieces = page.locator("#step svg").first.locator(".piece > text").all_text_contents()
    assert pieces == [*map(str, SOURCE), *answer]
    for hidden in ("#target", "#stage table"):
        assert not page.locator(hidden).filter(visible=True).count()
    assert [text for text in page.locator(".diagram text").all_text_contents() if "writes the answer" in text]


def test_a_link_to_a_tab_scrolls_to_it_below_a_smaller_stage(opened):
    for width, height in ((1280, 800), (390, 844)):
        page = opened(reversing(), fragment="#tab=beam&beam=5", viewport={"width": width, "height": height})
        page.wait_for_selector(".beam-tree")
        wait_for_layout(page)
        stage = page.locator("#player").bounding_box()
        assert stage["y"] >= 0 and stage["y"] + stage["height"] <= 0.45 * height + 2
        tab = page.locator("#tab-beam").bounding_box()
        assert tab["x"] >= 0 and tab["x"] + tab["width"] <= width and abs(tab["y"] - stage["y"] - stage["height"]) < 9


def test_two_networks_open_at_the_first_wrong_output_and_leave_room_for_their_tab(opened):
    rnn, source = shipped("embedding_rnn"), [3, 6, 9, 5, 3, 6, 1, 4, 4, 9, 2, 1]
    example = {"examples": [Example(source, source[::-1], "")]}
    networks = replace(reversing(), **example), ShownNetwork("rnn", rnn, **example)
    page = opened(*networks, viewport={"width": 1280, "height": 800})
    wait_for_layout(page)
    written = rnn.predict([source])[0]
    assert prediction(page) == spaced(source[::-1])
    assert prediction(page, network=1) == spaced(written) != spaced(source[::-1])
    assert page.evaluate("app.t") == next(t for t, symbol in enumerate(written) if symbol != source[::-1][t])
    page.fill("#source", spaced(SOURCE))
    wait_for_layout(page)
    for part in page.locator(".diagram, .sentence, #player").all():
        box = part.bounding_box()
        assert box["y"] + box["height"] <= 800
    names = page.locator("#step h2.name > :not(.unrecorded)").all_text_contents()
    assert names == ["reversed", " with attention", "rnn", " without attention"]


def test_a_click_on_a_cell_shows_its_inside_and_escape_returns(opened):
    page = opened(reversing(), fragment="#source=3%201%204&place=5")
    page.locator("#step .cell").nth(1).click()
    assert page.evaluate("[app.state.place, app.state.tab]") == [2, None]
    page.locator(".open-cell").click()
    assert page.evaluate("[app.state.place, app.state.tab, document.activeElement.id]") == [2, "inside", "inside"]
    assert "The cell at the 2nd input (1), unit " in page.text_content("#inside")
    page.focus(".open-cell")
    page.keyboard.press("ArrowRight")  # the focus stays on the current cell
    assert page.evaluate("app.state.place") == 3
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "inside"


def floats(texts):
    """Numbers as the page writes them, some of them with a unit or in words."""
    return [float(re.search(r"[-\d.]+", text.replace("−", "-"))[0]) for text in texts]


def test_a_click_on_the_dot_shows_how_attention_computes_the_context(opened):
    page = opened(reversing(), ShownNetwork("rnn", shipped("embedding_rnn")), fragment="#source=3%201%204%201%205%209")
    page.evaluate("app.change({ place: app.S + 3 })")
    dot, layer = page.get_by_role("button", name="How the context is computed"), page.get_by_role("dialog")
    assert dot.count() == 1 and layer.count() == 0  # the other network has no attention
    picture = page.locator("#step .diagram").first.bounding_box()
    dot.click()
    assert page.locator("#step .diagram").first.bounding_box() == picture
    network = on_page(shipped("embedding_attention")).to_numpy()
    alpha = network.decode(np.array([SOURCE]), 3).attention[0, 2]
    memory = network.encode(np.array([SOURCE]))[0][0]
    rows = [row.locator("th, td") for row in layer.locator("tr").all()[1:]]
    texts = [row.all_text_contents() for row in rows]
    assert [row[0] for row in texts] == ["1st", "2nd", "3rd", "4th", "5th", "6th", "sum"]
    assert [row[1] for row in texts[:-1]] == [*map(str, SOURCE)]
    scores, exps = (floats(row[column] for row in texts[:-1]) for column in (2, 3))
    np.testing.assert_allclose(exps, alpha / alpha.max(), atol=0.002)
    np.testing.assert_allclose(np.subtract(scores, max(scores)), np.log(alpha / alpha.max()), atol=0.02)
    np.testing.assert_allclose(floats(row[4] for row in texts), [*100 * alpha, 100], atol=0.11)
    assert floats([texts[-1][3]])[0] == pytest.approx(1 / alpha.max(), abs=0.002)
    lengths = floats(row.locator("svg").get_attribute("aria-label") for row in rows)
    parts = [*alpha[:, None] * memory, alpha @ memory]
    np.testing.assert_allclose(lengths, np.linalg.norm(parts, axis=1), atol=0.002)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.key") == "context"
    openings = dot.click, lambda: dot.press("Enter"), lambda: dot.press("Space")
    closings = dot.click, lambda: page.mouse.click(3, 3), lambda: page.keyboard.press("ArrowRight")
    for open_layer, close, place in zip(openings, closings, (9, 9, 10), strict=True):
        page.wait_for_selector("#context-layer", state="detached")
        open_layer()
        assert layer.is_visible()
        close()
        assert layer.count() == 0 and page.evaluate("app.state.place") == place


def test_the_layer_of_a_context_fits_into_the_window_and_leaves_the_lecture_view_open(opened):
    source = spaced([*range(10)] * 2)
    reversed_long = ShownNetwork("reversed", load("reversed-attention"))
    page = opened(reversed_long, fragment=f"#source={source.replace(' ', '%20')}&place=30&view=lecture")
    assert page.text_content("#source-hint").endswith(" Sources in training: 1 to 20 symbols.")
    for width, height in ((1366, 657), (320, 600)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for_layout(page)
        page.locator(".open-context").click()
        box = page.locator("#context-layer").bounding_box()
        assert min(box["x"], box["y"]) >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        assert page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(byId('context-layer'))")
        page.keyboard.press("Escape")
        page.wait_for_selector("#context-layer", state="detached")
        assert page.evaluate("app.state.lecture")


def test_the_stated_numbers_of_the_state_are_those_that_the_decoder_starts_from(opened):
    g2p = load(ROOT / "trained_weights" / "g2p.weights.h5")
    for network, text in ((shipped("embedding_rnn"), "3 1"), (g2p, "choir")):
        page = opened(ShownNetwork("one", network, [Example([1], [1], "")]), fragment=f"#source={text}")
        size = np.size(network.to_numpy().encode(np.array([[0, 1, 2]]))[1])
        page.evaluate("app.change({ place: app.S })")
        assert f"{size} numbers" in page.text_content("#sentence")
        n_stripes = page.locator("#step g:not(.strip) > rect:is(.above-zero, .below-zero)").count()
        assert n_stripes == (0 if network.model_config.has_attention else size)
    symbols = g2p.vocabularies.source.to_numbers([*"choir"])
    memory = on_page(g2p).to_numpy().encode(np.array([symbols]))[0][0]  # [S, 2H]
    for s, strip in enumerate(page.locator("#step .strip").all()[1:10:2]):  # the backward encoder
        shown = strip.locator("rect + rect").evaluate_all("(all) => all.map((one) => one.className.baseVal)")
        assert shown == ["above-zero" if x > 0 else "below-zero" for x in memory[s, 192::16]]  # 12 numbers
    page.evaluate("app.change({ place: 1 })")
    page.locator("[data-key=backward-cell]").click()
    assert "The cell at the 5th input (r)" in page.text_content("#inside")


def test_the_tour_goes_on_with_the_keyboard_and_covers_nothing(opened):
    both = reversing(), ShownNetwork("rnn", shipped("embedding_rnn"))
    page = opened(*both, fragment="#source=3%201%204", viewport={"width": 390, "height": 844})
    page.evaluate("scrollTo(0, 300)")
    page.focus("#tour > button")
    page.keyboard.press("Enter")
    layer, seen = page.locator("#tour dialog"), []
    for number in range(1, 7):
        wait_for_layout(page)
        name, _, sentence = layer.locator("p > *").all_text_contents()[:3]
        assert name == f"{number} of 6" and sentence in page.text_content("#announcement")
        place = page.evaluate("[app.state.place, app.forced, app.state.tab, scrollY]")
        seen.append((place, sentence))
        tops = [page.locator(part).first.bounding_box()["y"] for part in ("#stage .picture-box", "#player")]
        assert layer.bounding_box()["y"] == 0 and layer.bounding_box()["height"] < min(190, *tops)
        if number in (1, 5):
            page.keyboard.press("Escape")
            assert not layer.is_visible() and page.evaluate("document.activeElement.textContent") == "Tour"
            page.evaluate("byId('tour').lastElementChild.show()")
            page.focus("#tour .primary")
        page.keyboard.press("Enter")  # on Next
    second = np.argsort(shipped("embedding_attention").to_numpy().decode(np.array([SOURCE]), 1).logits[0, 0])[-2]
    assert [place for place, _ in seen] == [[n, {}, None, 0] for n in (2, 6, 7, 8, 9)] + [[8, {"0": second}, None, 0]]
    assert page.input_value("#source") == spaced(SOURCE)  # the example, in place of the typed source
    assert page.evaluate("app.forced") == {"0": second}  # Next does nothing at the end
    assert seen[1][1].endswith("; then the network rnn is fed only the previous symbol.")
    s = page.evaluate("argmax(app.networks[0].run(app.source, null, null, {}).steps[2].alpha)")
    assert seen[4][1].startswith(
        f"At the 3rd output, the network reversed looks most at the {s + 1}th input, the {SOURCE[s]} ("
    )
    right = [page.evaluate(f"app.runs[{i}].written.slice(1).join() === '5,1,4,1,3,10'") for i in (0, 1)]
    n_wrong = page.evaluate("app.runs[1].written.slice(1).filter((one, t) => one !== [5, 1, 4, 1, 3, 10][t]).length")
    after = f"the network reversed gets all symbols right, and the network rnn has {n_wrong} of 6 wrong."
    assert seen[5][1].endswith(f"After it, {after}") and n_wrong
    assert right == [True, False]


def test_the_tour_says_only_what_is_true_of_one_network(opened):
    for name, model in (("a", "embedding_attention"), ("b", "embedding_rnn")):
        page = opened(ShownNetwork(name, shipped(model)), fragment="#source=3%201%204%201&view=lecture")
        page.click("#tour > button")
        titles = []
        while True:
            _, title, sentence = page.locator("#tour p > *").all_text_contents()
            titles.append((title, sentence))
            if page.get_attribute("#tour .primary", "aria-disabled") == "true":
                break
            page.click("#tour .primary")
        text = str(titles)
        assert ("bottleneck" in text, "looks most at" in text) == ((False, True) if name == "a" else (True, False))
        page.keyboard.press("Escape")
        assert not page.locator("#tour dialog").is_visible() and page.evaluate("app.state.lecture")


def test_the_lecture_view_keeps_the_player_in_view_and_escape_leaves_it(opened):
    page = opened(reversing(), fragment="#source=1%202&view=lecture")
    assert not page.locator(".hint:visible, .help:visible, footer:visible, .examples:visible").count()
    answers = page.locator(".answers")
    assert not answers.is_visible()
    show(page, "inside")
    page.wait_for_selector("[data-scrolled]")
    assert page.locator("#player").bounding_box()["y"] == 0 and answers.inner_text() == "2 1 ✓ "
    assert page.locator("#inside").bounding_box()["y"] < 900 / 4
    page.keyboard.press("Escape")
    assert page.evaluate("location.hash") == "#source=1%202&place=4&tab=inside"
    press(page, "Lecture view")
    assert "view=lecture" in page.evaluate("location.hash")


# The words on the first screen, with their size in pixels.
TEXTS = """() => [...document.querySelectorAll("body *")].filter((element) =>
  [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) &&
  element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1 &&
  element.getBoundingClientRect().top < innerHeight
).map((element) => [element.textContent, element.matches("svg text:not(.symbol), tspan, small, .rest") ? 16 : 20,
  Math.hypot(element.getScreenCTM?.().a ?? 1, element.getScreenCTM?.().b ?? 0) *
  parseFloat(getComputedStyle(element).fontSize)])"""


@pytest.mark.parametrize(("view", "width", "height"), [("lecture", 1280, 720), ("embed", 900, 560)])
def test_the_lecture_and_the_embedded_view_fit_into_the_window(opened, view, width, height):
    for source, names in {"12308297167113044654": ("reversed-attention", "long-rnn"), "777777": ("numbers",)}.items():
        shown = [ShownNetwork(name, load(name)) for name in names]
        page = opened(*shown, fragment=f"#source={source}&view={view}", viewport={"width": width, "height": height})
        wait_for_layout(page)
        wait_for_layout(page)  # the pictures fit into the rest of the window
        parts = [page.locator(one).first for one in ("#source", "#sentence", "#step .scroll", "#player")]
        ys = [y for box in (part.bounding_box() for part in parts) for y in (box["y"], box["y"] + box["height"])]
        assert ys == pytest.approx(sorted(ys), abs=1) and ys[-1] <= height
        sizes = "(one) => [one.scrollWidth <= one.clientWidth, one.scrollHeight <= one.clientHeight]"
        assert False not in page.locator("#step .scroll").evaluate_all(f"(all) => all.flatMap({sizes})")
        if view == "embed":
            assert page.evaluate("document.documentElement.scrollHeight") == height
            assert not page.locator("header, .panel, #tabs, footer, .link, .examples").filter(visible=True).count()
        else:
            assert page.locator("#tabs").bounding_box()["y"] >= height
            assert [text for text in page.evaluate(TEXTS) if text[2] < text[1] - 0.1] == []


def test_networks_train_in_a_frame_where_nothing_overlaps(opened):
    page = opened(fragment="#length=10&units=8&view=embed&samples=16000", viewport={"width": 900, "height": 560})
    page.keyboard.press("PageDown")
    assert page.evaluate("app.isTraining && end") == 16_000
    train_until(page, "app.state.samples > 0")
    page.click("#train")
    place = page.evaluate("app.state.place")
    page.keyboard.press("PageDown")  # now it steps
    assert page.evaluate("[app.isTraining, app.state.place]") == [False, place + 1]
    assert page.text_content("#status").startswith(f"{page.evaluate('app.state.samples'):,} samples.")
    assert page.locator("#training :is(button, a, select)").filter(visible=True).count() == 1
    for width, height in ((900, 560), (320, 500)):
        page.set_viewport_size({"width": width, "height": height})
        wait_for_layout(page)
        wait_for_layout(page)
        curves = page.locator("#curves [role=img]").filter(visible=True)
        assert curves.count() == (1 if width == 900 else 0)
        parts = ["#train", "#status", "#curves figcaption", "#source", "#full-page", "#step .verdict"]
        boxes = [one.bounding_box() for one in [*(page.locator(part).first for part in parts), *curves.all()]]
        for i, one in enumerate(boxes):
            assert one["x"] >= 0 and one["x"] + one["width"] <= width
            for other in boxes[:i]:
                assert any(
                    one[x] >= other[x] + other[size] or other[x] >= one[x] + one[size]
                    for x, size in (("x", "width"), ("y", "height"))
                )
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if width == 900:
            assert page.evaluate("document.documentElement.scrollHeight") == height


def test_the_link_of_a_frame_opens_the_whole_page_in_the_same_state(opened):
    page = opened(fragment="#source=3%201%204&place=4&view=embed&length=3&units=8")
    page.evaluate("app.change({ place: app.state.place + 1 })")
    link = page.get_by_role("link", name="seq2seq-demo · open the full page")
    assert link.get_attribute("rel") == "opener"
    with page.context.expect_page() as opening:
        link.click()
    whole = opening.value
    whole.wait_for_function("() => app.runs.length")
    state = whole.evaluate("[app.state.text, app.state.place, app.state.lecture, app.state.units]")
    assert state == ["3 1 4", 5, False, "8"]
    assert "view" not in whole.evaluate("location.hash")
    assert not whole.locator("#full-page").is_visible()
    whole.close()


def test_the_keys_of_a_clicker_step_only_in_the_lecture_view(opened):
    page = opened(reversing(), fragment="#source=3%201%204&place=2&tab=inside")
    for lecture, places in (("false", [2, 2, 2]), ("true", [3, 4, 3])):
        page.evaluate(f"app.change({{ lecture: {lecture}, place: 2 }})")
        for key, place in zip(("Space", "PageDown", "PageUp"), places, strict=True):
            page.keyboard.press(key)
            assert page.evaluate("app.state.place") == place
    page.press("#source", "Space")
    assert page.input_value("#source") == " 3 1 4"
    page.evaluate("document.documentElement.requestFullscreen = async () => { document.title = 'full' }")
    press(page, "Hide the answer")  # which leaves the focus to the page
    place = page.evaluate("app.state.place")
    page.keyboard.press("Space")
    page.keyboard.press("f")
    assert [page.title(), page.evaluate("app.state.place")] == ["full", place + 1]
    page.evaluate("app.change({ hidden: true, place: 7 })")
    page.keyboard.press("PageDown")  # after the last step
    assert page.evaluate("[app.state.hidden, app.state.place]") == [False, 7]
    page.evaluate("[parent.focus, parent.postMessage] = [() => {}, (text) => (document.title = text)]")
    page.evaluate("app.change({ embed: true, place: 7 })")
    page.keyboard.press("PageDown")
    assert page.title() == '{"method":"next"}'  # which slides of reveal.js understand


@pytest.mark.parametrize(
    ("view", "width", "height", "paper"), [("&view=lecture", 2560, 1440, "Letter"), ("", 390, 844, "A4")]
)
def test_a_page_prints_large_text_in_light_colours_on_one_sheet_per_network(opened, view, width, height, paper):
    networks, n = [ShownNetwork(name, load(name)) for name in ("reversed-attention", "long-rnn")], 25
    link = f"#source={'%20'.join(map(str, (SOURCE * 5)[:n]))}&place={n + 5}{view}"
    page = opened(*networks, fragment=link, viewport={"width": width, "height": height}, color_scheme="dark")
    wait_for_layout(page)
    wait_for_layout(page)
    sizes = "(all) => all.map((one) => one.getAttribute('viewBox'))"
    before = page.locator(".diagram").evaluate_all(sizes)
    sheets = printed_sizes(page.pdf(prefer_css_page_size=True, format=paper))
    assert len(sheets) == 2 and min(map(len, sheets)) > n and min(map(min, sheets)) >= 9  # points
    wait_for_layout(page)
    assert page.locator(".diagram").evaluate_all(sizes) == before  # the screen has its picture again
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("button, input[type=range], [role=tabpanel]").filter(visible=True).count()
    assert page.locator(".diagram").filter(visible=True).count() == 2
    page.emulate_media(media="null")


def test_networks_that_train_print_on_two_sheets_with_the_settings_on_the_first(opened):
    page = opened(fragment="#length=20")
    wait_for_layout(page)
    sheets = printed_sizes(page.pdf(format="Letter"))
    assert len(sheets) == 2 and min(map(min, sheets)) >= 9


def test_the_steps_play_at_a_chosen_pace(opened):
    page = opened(reversing(), fragment="#source=3%201%204&place=2")
    page.evaluate("void (setInterval = (tick, pace) => Object.assign(window, { tick, pace }))")
    press(page, "Play")
    for pace, milliseconds, place in (("fast", 400, 3), ("slow", 1500, 4)):
        page.get_by_label("Pace").select_option(pace)
        page.evaluate("tick()")
        assert page.evaluate("[pace, app.state.place]") == [milliseconds, place]


def test_the_equations_end_with_the_probability_of_the_output(opened):
    page = opened(reversing(), fragment="#source=3%201%204&place=4&tab=inside")  # the first output
    network = shipped("embedding_attention")
    decoded = network.to_numpy().decode(np.array([[3, 1, 4]]), 1)
    logits = decoded.logits[0, 0].astype(float)
    probability = np.exp(logits[4]) / np.exp(logits).sum()
    last = page.locator("#inside dl.equations").last
    assert last.locator(".values").all_text_contents() == [
        f"= {logits[4]:.2f} for 4",
        f"= exp({logits[4]:.2f}) / Σ exp(logits) = {probability:.3f} for 4",
    ]
    assert "W_o [W_p h + b_p ; a] + b_o" in last.text_content()
    assert "x = W_i [E_out[GO] ; 0] + b_i" in page.text_content("#inside")
    assert [page.text_content("#inside").count(f" {name} ") for name in ("W_i", "W_o")] == [1, 1]  # the gates' differ
    assert "Fed GO, it looks most at" in page.text_content("#step")
    assert "START" not in page.inner_text("body")
    alpha = decoded.attention[0, 0]
    assert floats(page.locator("#inside td:nth-child(5)").all_text_contents()[:3]) == pytest.approx(
        100 * alpha, abs=0.1
    )


def test_a_phone_has_an_example_word(opened):
    page = opened(ShownNetwork("g2p", load("g2p")), fragment="#source=through&place=9")
    written = page.locator("#probabilities [aria-pressed=true]")
    assert written.get_attribute("aria-label").startswith("Force R as in run: ")
    assert "as in run, written" in written.text_content()
    assert page.locator("#step title").all_text_contents()[-2:] == ["TH as in thin", "R as in run"]


def test_the_tree_of_beam_search_shows_the_answers_of_predict(opened):
    network = load(ROOT / "trained_weights" / "g2p.weights.h5")
    page = opened(ShownNetwork("g2p", network), fragment="#source=massage&place=9")
    assert page.locator(".beam-tree").count() == 0
    show(page, "beam")
    answers, tree = page.locator(".beam-answers .symbol"), page.locator(".beam-tree > g")
    assert answers.all_text_contents() == network.predict(["massage"], beam_size=3, n_best=3)[0]
    assert tree.locator(".best .symbol").all_text_contents() == ["M", "AH", "S", "AA", "ZH", "END"]
    assert [tree.nth(1).locator(kind).count() for kind in (".kept", ".dropped")] == [3, 3]
    assert page.locator("#beam [aria-current=step]").text_content() == "2nd"
    page.get_by_label("Hypotheses kept (K)").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert answers.all_text_contents() == network.predict(["massage"], beam_size=5, n_best=5)[0]
    assert "beam=5" in page.evaluate("location.hash")
    assert page.text_content("#announcement") == "M AH S AA ZH"
    page.get_by_role("button", name="4th output").press("Enter")
    assert page.evaluate("[app.t, document.activeElement.dataset.key]") == [3, "beam-3"]
    page.evaluate("app.change({ targetText: 'M AH S AA ZH' })")
    page.locator(".beam-answers li", has_text=", right").wait_for()
