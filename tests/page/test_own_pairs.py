"""The user's own pairs in the page that trains, in Chromium: paste, train, use, keep."""

import itertools
import json
import random
import re
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from helpers_page import needs_chromium, paste, prediction, step, train, train_until

from seq2seq_demo.page.training import build_training

pytestmark = [pytest.mark.slow, needs_chromium]
PAIRS = "#task=pairs&units=16&rate=0.03"
SOURCES = ["".join(source) for n in range(1, 5) for source in itertools.product("abc", repeat=n)][:60]
REVERSED = [f"{source}\t{source[::-1]}" for source in SOURCES]
EASY = "\n".join(REVERSED)
SAID = "60 pairs: 54 for training, 6 held out; 3 symbols → 3 symbols; characters. Nothing leaves this page."
STATE = re.compile(r'(<script type="application/json" id="saved">)([^<]*)')
FIGURES = "[course.samples, ...last(course.points).exact]"


def test_pairs_are_read_learned_and_used(opened):
    page = opened(fragment=PAIRS)
    assert page.text_content("#pairs-said").startswith("1,200 pairs: 1,080 for training, 120 held out; ")  # of a sample
    paste(page, "a\tb")
    assert page.text_content("#pairs-said") == "Expected at least 20 pairs with different sources, got 1."
    assert page.get_attribute("#train", "aria-disabled") == "true"
    page.evaluate("byId('train').click()")
    assert page.text_content("#train") == "Train"
    paste(page, f"{EASY}\nabc\n")
    assert page.text_content("#pairs-said") == SAID
    shown = page.locator("#own .pairs li").all_text_contents()
    assert shown[3:] == ["a\u2009a → a\u2009a", "a\u2009b → b\u2009a", "Left out: line 61: the target is missing"]
    assert page.locator("#errors").is_hidden() and page.locator("#save").is_hidden()
    samples, exact = train(page)
    assert exact == [1] and samples < 10_000
    assert page.text_content("#status").endswith(" samples. All held-out pairs are right.")
    assert page.text_content(".errors h2") == "What it gets wrong: 0 of 6 held-out pairs"
    assert page.text_content("#train") == "Train longer"
    page.click("#train")
    train_until(page, f"course.samples > {samples}")
    page.click("#train")
    page.fill("#source", "abca")
    assert (prediction(page), page.text_content("#step .judgement")) == ("acba", "✓ right")
    page.fill("#source", "abz")
    assert page.text_content("#source-error").startswith("“z” is not in the vocabulary")
    assert page.locator("#attention .heat-map").count() == 1


def test_training_stops_if_it_gets_no_better_and_errors_are_listed(opened):
    page = opened(fragment=PAIRS)
    rng = random.Random(0)
    odd = "\n".join(f"{source}\t{''.join(rng.choices('abc', k=2))}" for source in SOURCES)
    paste(page, odd)
    step(page, 100)
    page.click("#train")
    page.evaluate("course.samples += 24_000; trainUntil(Infinity)")
    assert page.text_content("#status").endswith(" No improvement for 24,000 samples. “Train longer” continues.")
    count, items = page.text_content(".errors h2"), page.locator("#errors li").all_text_contents()
    assert count == f"What it gets wrong: {len(items)} of 6 held-out pairs" and 0 < len(items) < 6
    targets = dict(line.split("\t") for line in odd.splitlines())
    source, answer, expected = re.fullmatch("([abc]+) → ([abc]+), expected ([abc]+)", items[-1]).groups()
    assert targets[source] == expected != answer
    page.locator("#errors button").last.click()
    assert [page.input_value("#source"), prediction(page)] == [source, answer]
    assert page.text_content("#step .judgement").startswith("✗ ")
    assert page.evaluate("app.state.targetText") == expected


def test_held_out_pairs_with_unknown_symbols_are_wrong_and_pairs_have_no_settings_of_patterns(opened):
    page = opened(fragment="#cell=GRU&feed=own&length=1-3")
    page.locator("[name=task]").select_option("your own pairs")
    settings = "['task', 'length', 'units', 'cell', 'feed'].map((name) => course.settings[name])"
    assert page.evaluate(settings) == ["pairs", "10", "32", "LSTM", "expected"]
    syllables = ["".join(one) for n in (1, 2) for one in itertools.product("가나다라", repeat=n)]
    unknown = [f"{chr(ord('α') + i)}\tω" for i in range(20)]
    paste(page, "\n".join([f"{one}\t{one[::-1]}" for one in syllables] + unknown))
    step(page, 1)
    items = page.locator("#errors li").all_text_contents()
    assert f"What it gets wrong: {len(items)} of 4 held-out pairs" == page.text_content(".errors h2")
    assert sum("a symbol is unknown" in item for item in items) == 2
    shown = page.locator("#errors button").all_text_contents()
    assert {one for one in shown if one not in "αβγδεζηθικλμνξοπρςστυ"} <= {*syllables}  # composed
    page.locator("#errors button").last.click()
    assert "is not in the vocabulary" in page.text_content("#source-error")


def test_what_was_learned_stays_until_train_begins_anew(opened, saved):
    page = opened(text=saved[0])
    page.fill("#source", "abca")
    before = [prediction(page), page.evaluate("course.samples")]
    page.focus("#pairs")
    page.locator("#own select").first.select_option("words")
    assert "53 symbols → 26 symbols; words → characters" in page.text_content("#pairs-said")
    assert page.text_content("#train") == "Train anew"
    assert [prediction(page), page.evaluate("course.samples")] == before
    page.locator("#own select").first.select_option("characters")
    page.check("#both")
    assert page.evaluate("app.networks.length") == 1
    page.click("#train")
    train_until(page, "course.samples > 0")
    page.click("#train")
    assert page.locator("#step h2.name").all_text_contents() == ["with attention", "without attention"]
    assert len(page.evaluate(FIGURES)) == 3
    paste(page, EASY.replace("c", "d"))
    assert page.text_content("#train") == "Train anew" and len(page.evaluate(FIGURES)) == 3
    page.focus("#pairs")
    page.uncheck("#both")
    page.click("#train")
    train_until(page, "course.samples > 0")
    page.click("#train")
    assert page.evaluate("app.networks.map((one) => one.sourceVocabulary.symbols)") == [["a", "b", "d"]]
    page.locator("[name=task]").select_option("sort: 3 1 4 → 1 3 4")
    assert page.evaluate("[app.networks.length, app.source.length]") == [2, 10]
    assert page.locator("#own").is_hidden() and page.locator("#save").is_hidden()
    page.locator("[name=task]").select_option("your own pairs")
    assert page.input_value("#pairs") == EASY.replace("c", "d")
    page.click("#train")
    train_until(page, "course.steps > 1")


HOSTILE = [
    "</script>\t<img src=x onerror=alert(1)>",
    "a\u2028b\t\u202ecba",
    "__proto__\tconstructor",
    "$&$1\t<!--<script>",
]
DOM = """(all) => all.map((text) => {
    const made = new DOMParser().parseFromString(text, "text/html");
    made.querySelector("#saved").textContent = "";
    return made.documentElement.outerHTML.trim().replace(/\\s*<\\/body>/, "</body>");
})"""


def saved_text(page):
    """Save a page; return its text."""
    with page.expect_download() as download:
        page.click("#save")
    return download.value.path().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def saved(shared_tab, tmp_path_factory):
    """The text of a saved page that has learned pairs, some of which are hostile, and what was shown before."""
    path = tmp_path_factory.mktemp("saved") / "page.html"
    path.write_text(build_training(), encoding="utf-8")
    page = shared_tab.open(path, "#task=pairs&units=16&rate=0.03&seed=3")
    paste(page, "\n".join(REVERSED[:56] + HOSTILE))
    step(page, 150)
    return saved_text(page), page.evaluate(SHOWN)


ANSWERS = "SOURCES.map((one) => app.networks[0].answer(one))".replace("SOURCES", json.dumps(SOURCES[:56]))
SHOWN = f"[{FIGURES}, {ANSWERS}, own.reading.text, [...byId('errors').children].map((one) => one.textContent)]"


def test_a_saved_page_has_the_networks_and_trains_on(opened, saved):
    text, shown = saved
    page = opened(text=text)
    original, kept = page.evaluate(DOM, [build_training(), text])
    assert original == kept
    assert page.evaluate(SHOWN) == shown
    assert "60 pairs" in page.text_content("#pairs-said")
    assert page.evaluate("Object.values(course.settings)") == ["pairs", "10", "16", "LSTM", "0.03", "expected", "3"]
    assert page.text_content("#train") == "Train longer" and page.evaluate("document.body.dataset.page") == "training"
    assert page.locator("img").count() == 0 and not page.evaluate("'constructor' in {} && 'polluted' in {}")
    step(page, 20)
    again = saved_text(page)
    assert STATE.sub(r"\1", again, count=1) == STATE.sub(r"\1", text, count=1) and again != text
    assert opened(text=again).evaluate("course.steps") == 170


DELETED = object()
DAMAGES = [  # the path of a value in a saved state or a link, and values in its place
    ((), 5, None, [], "x", {}, True, [[]]),
    (("text",), DELETED, 5, {"toString": 1}, ["a\tb"], "a" * 10**6, "a\tb"),
    (("kinds",), DELETED, None, 5, ["integers", {}], "ab"),
    (("settings",), DELETED, None, "units", {"units": "1e9", "task": "__proto__", "rate": "<b>"}),
    (("both",), True, "yes"),
]
DAMAGES_OF_COURSES = [
    (("course",), DELETED, None, 5, [], "x"),
    (("course", "steps"), DELETED, None, -1, 0.5, 1e300, "20", {}),
    (("course", "samples"), DELETED, None, -1, 0.5, 1e300, "20", {}),
    (("course", "points"), DELETED, None, [], {}, "x", [None], [{"steps": 0, "samples": 0}]),
    (("course", "points", 0, "exact"), None, [], "1", [None], [1e300], [-1], ["<b>"], [{}]),
    (("course", "points", 0, "loss"), None, [], "1", ["<b>"], [-1e300], [{}]),
    (("course", "points", 0, "positions"), DELETED, None, [], "1", [None], [["<b>"]], [[2]], [{}], [[0.5] * 99]),
    (("course", "weights"), DELETED, None, [], {}, "x", [None]),
    (("course", "weights", 0, "scales"), DELETED, None, [], [1e300] * 99, [1e38] * 99, ["x"] * 99),
    (("course", "weights", 0, "numbers"), DELETED, None, 5, "", "AAAA", "*", "A" * 10**6),
    (("course", "weights", 0, "bits"), 8, "x", {}),
]
DAMAGES_OF_LINKS = [
    (("source",), DELETED, None, 5, {}, []),
    (("source", "symbols"), None, "abc", [], ["a"], [1, 2, 3], ["a"] * 3, ["a"] * 201, ["</b>", "\u202e", "__proto__"]),
    (("source", "tokens"), DELETED, "integers", "__proto__", {}),
    (("target", "form"), "NFX", {}, None),
    (("lengths",), None, [], [0, 5], [1, 61], ["x", "y"], 5, [1, 1e300]),
    (("outLen",), DELETED, None, 0, 61, "x", 0.5),
    (("name",), {"toString": 1}, "<img src=x onerror=alert(1)>"),
    (("task_description",), 5, {}),
    (("pairs",), 5, [5]),
    (("draw",), 5),
]  # fmt: skip


def damaged(state, damages):
    """JSON of the state, with each of the damages, and other strings."""
    for (*path, name), *values in (damage for damage in damages if damage[0]):
        for value in values:
            copied = json.loads(json.dumps(state))
            inner = copied
            for one in path:
                inner = inner[one]
            inner[name] = value
            if value is DELETED:
                del inner[name]
            yield json.dumps(copied)
    yield from (json.dumps(value) for damage in damages if not damage[0] for value in damage[1:])
    yield from ("", "{", "NaN", '{"settings": 1e999}', "[" * 9000, json.dumps({"__proto__": {"text": 1}}), '"\\ud800"')


USE = """() => {
    app.change({ text: "bca" });
    for (const tab of ["forced", "beam", "influence", "inside", null]) app.change({ tab, place: 2 });
    app.change({ place: null });
    return [course.samples, app.networks.length, document.querySelectorAll("img, script:not(body > *)").length];
}"""
OPEN_SAVED = """(state) => {
    keptCourses.length = course.samples = 0; // so that nothing is kept
    byId("saved").textContent = state;
    prepareTraining(savedState()); // as training.js
    return course.samples;
}"""
OPEN_LINK = """(address) => {
    dispatchEvent(new HashChangeEvent("hashchange", { newURL: `file:///x${address}` }));
    return course.task.pairs.length;
}"""


def open_all(page, open_one, strings, is_shown):
    """Open damaged states or links one after the other, and use the networks that the page shows.

    `open_one` and `is_shown` are functions in JavaScript: the second gets what the first returned. All are opened by
    one call, because the browser would draw each page between two calls.
    """
    page.evaluate("void (history.replaceState = () => {})")  # the browser limits how often an address changes
    return page.evaluate(
        f"""(strings) => strings.map((text) => {{
            try {{
                const found = ({open_one})(text);
                if (({is_shown})(found)) ({USE})();
                return found;
            }} catch (error) {{
                throw new Error(`${{text.slice(0, 200)}}: ${{error.stack}}`);
            }}
        }})""",
        [*strings],
    )


def test_a_damaged_saved_page_is_shown_untrained_and_does_nothing_else(opened, saved):
    page, (text, _) = opened(text=saved[0]), saved
    state = json.loads(STATE.search(text)[2])
    samples = open_all(page, OPEN_SAVED, damaged(state, DAMAGES + DAMAGES_OF_COURSES), "(samples) => samples")
    assert {*samples} == {0, state["course"]["samples"]} and samples.count(0) > 30
    for one in ("{", '{"text": {"toString": 1}}', json.dumps(state | {"course": None}).replace("<", "\\u003c")):
        quoted = one.replace("\\", r"\\")
        page = opened(text=STATE.sub(rf"\g<1>{quoted}", text, count=1))
        assert page.evaluate(USE) == [0, 1 if "settings" in one else 2, 0]


def copied_link(page):
    """Copy a link; return its address."""
    page.click("#link")
    page.wait_for_function("() => location.hash.includes('network')")
    return page.evaluate("location.hash")


def test_a_link_opens_a_network_without_its_pairs(opened):
    page = opened(fragment=PAIRS)
    page.check("#both")
    paste(page, EASY)
    step(page, 200)
    before = page.evaluate(ANSWERS)
    page.fill("#source", "abca")
    link = copied_link(page)
    assert len(link) < 20_000 and page.text_content("#link").startswith("Copied")
    assert page.text_content("#train") == "Train longer"
    samples = page.evaluate("course.samples")
    page.click("#train")
    assert page.evaluate("app.isTraining && app.state.network") == ""
    page = opened(fragment=link)
    assert (page.input_value("#source"), prediction(page)) == ("abca", "acba")
    answers = page.evaluate(ANSWERS)
    assert sum(a == b for a, b in zip(answers, before, strict=True)) >= len(before) - 1  # weights of 8 bits
    assert page.evaluate("[course.samples, app.networks.length, own.reading.text]") == [samples, 1, ""]
    assert page.locator("#save, #link, #errors").evaluate_all("(all) => all.every((one) => !one.offsetParent)")
    assert page.text_content("#status").endswith(" The link has no pairs.")
    assert "%–" in page.text_content("#exact")  # exact match on the pairs in the sender's page, and no single symbols
    paste(page, EASY)
    assert page.evaluate("course.samples") == samples
    page.click("#train")
    page.click("#train")
    assert page.evaluate("course.task.pairs.length") == 60
    page.locator("[name=units]").select_option("64")
    step(page, 1)
    assert (
        page.text_content("#link") == "Too large for a link" and page.get_attribute("#link", "aria-disabled") == "true"
    )
    page.evaluate("byId('link').click()")
    assert "network" not in page.evaluate("location.hash")
    page = opened(fragment=link)
    page.locator("[name=units]").select_option("8")
    sample = page.input_value("#pairs")  # in place of the pairs that the link lacks
    assert page.evaluate("[course.samples, course.task.reading.text]") == [0, sample] and "chouth" in sample
    assert "cut off" not in page.text_content("#status")


def test_a_damaged_link_is_ignored_or_shown_and_does_nothing_else(opened):
    page = opened(fragment="#task=pairs&units=8&rate=0.03")
    paste(page, EASY)
    step(page, 40)
    fields = dict(parse_qsl(copied_link(page)[1:]))
    state = json.loads(fields.pop("network"))
    states = damaged(state, DAMAGES[:1] + DAMAGES_OF_COURSES + DAMAGES_OF_LINKS)
    links = (f"#{urlencode(fields | {'network': one}, quote_via=quote)}" for one in states)
    shown = open_all(page, OPEN_LINK, links, "(n) => !n")  # a link has no pairs
    assert 0 in shown and shown.count(60) > 30
    for one in ("{", "null", json.dumps(state | {"name": {"toString": 1}}), json.dumps(state | {"lengths": []})):
        page = opened(fragment=f"#{urlencode(fields | {'network': one}, quote_via=quote)}")
        page.evaluate(USE)


DROP = """([name, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], name));
    for (const type of ["dragover", "drop"])
        byId("pairs").dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
}"""


def test_files_and_samples(opened, tmp_path):
    page = opened(fragment=PAIRS)
    (tmp_path / "pairs.csv").write_bytes(b"\xef\xbb\xbf" + ("source,target\r\n" + EASY.replace("\t", ",")).encode())
    page.set_input_files("#own input[type=file]", tmp_path / "pairs.csv")
    page.get_by_text(SAID).wait_for()
    page.get_by_role("button", name="Roman numerals").click()
    said = "1,200 pairs: 1,080 for training, 120 held out; 10 symbols → 7 symbols; characters"
    assert page.text_content("#pairs-said").startswith(said)
    page.evaluate(DROP, ["pairs.tsv", EASY])
    page.get_by_text(SAID).wait_for()
    assert page.input_value("#pairs") == EASY
    page.evaluate("Object.defineProperty(File.prototype, 'size', { value: 1e8 })")
    page.evaluate(DROP, ["pairs.tsv", "x"])
    assert page.text_content("#pairs-said") == "The file is larger than 10 MB"


def test_strings_of_other_scripts_and_encodings(opened, tmp_path):
    page = opened(fragment=PAIRS)
    paste(page, "\n".join(f"{chr(ord('א') + n)}א\tx{n}" for n in range(22)))
    lefts = page.locator("#own li bdi").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().left)")
    assert len(lefts) == 10 and lefts[0] < lefts[1]  # the arrow points from the source to the target
    (tmp_path / "pairs.csv").write_bytes("é1,ü2".encode("latin-1"))
    page.set_input_files("#own input[type=file]", tmp_path / "pairs.csv")
    page.get_by_text("The file is not UTF-8").wait_for()
    paste(page, "no pairs")
    assert page.text_content("#pairs-said") == "Expected at least 20 pairs with different sources, got 0."
