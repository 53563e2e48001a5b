"""Follow random links to a page in Node, including links that the page would not write."""

import random
import sys
import urllib.parse

N_LINKS = 3000
NAMES = ["source", "target", "place", "moment", "forced", "network", "__proto__", "constructor", ""]
NAMES += ["replace", "unit", "beam", "tab", "view", "answer"]
INTEGERS = ["0", "1", "2", "3", "5", "9", "10", "11", "00", "02", "-1", "-0", "1.5", "1e1", "300", "9" * 25, "0x1", "٣"]
TEXTS = ["3 1 2", "7", "1 " * 25, "9 " * 60, "8 " * 61]
TEXTS += ["3,1,[2]", "3 11", "", " ", "a", "\0", "\ud800", "<b>", "%", "+", "&#;="]
KEYS = ["__proto__", "length", "constructor", "", "NaN", "Infinity"]


def page_links() -> tuple[int, list[str]]:
    """Follow links to a page of two networks; every forced symbol must be marked and appear in the URL fragment."""
    from helpers import random_weights
    from helpers_page import NODE, ask

    from seq2seq_demo.config import ModelConfig
    from seq2seq_demo.page.builder import ShownNetwork, network_data
    from seq2seq_demo.trained.trained_network import TrainedNetwork

    if NODE is None:
        print("page links: skipped, because Node is not installed", file=sys.stderr)
        return 0, []

    def network(model: str, ends: bool) -> TrainedNetwork:
        config = ModelConfig(model, cell_size=6, embedding_size=4, ends=ends)
        return TrainedNetwork(config, random_weights(config), task="reversed", in_len=9 if ends else 3, out_len=9)

    ends, fixed = network("embedding_attention", True), network("embedding_rnn", False)
    shown = ShownNetwork("ends", ends), ShownNetwork("fixed", fixed)
    ask(("open", [network_data(one) for one in shown]))

    def follow(link: str, before: str = "") -> dict:
        return ask(("link", {"hash": link, "text": "3 1 2", "before": before}))[0]

    broken, before = [], ""
    for number in range(N_LINKS):
        link = random_link(random.Random(number))
        try:
            page = follow(link, before)
            problems = _problems(page)
            if not page["error"] and (again := follow(page["written"]))["written"] != page["written"]:
                problems.append(f"the URL fragment {page['written']} became {again['written']}")
        except ValueError:  # Node has ended
            return N_LINKS, [*broken, f"{number}: {link[:200]!r} after {before[:200]!r} ended Node"]
        except AssertionError as error:  # thrown on the page
            problems = [str(error)]
        broken += [f"{number}: {link[:200]!r}: {problem}" for problem in problems]
        before = link
    return N_LINKS, broken


def random_link(rng: random.Random) -> str:
    """Return a URL fragment with up to seven parts, some of them invalid or repeated."""

    def integer() -> str:
        return rng.choice(INTEGERS) if rng.random() < 0.4 else str(rng.randrange(12))

    def forced() -> str:
        pairs = [f"{rng.choice(KEYS + [integer()] * 99)}:{integer()}" for _ in range(rng.randrange(5))]
        if rng.random() < 0.5:  # in the page's order
            pairs = [f"{t}:{rng.randrange(12)}" for t in sorted(rng.sample(range(30), rng.randrange(1, 6)))]
        return rng.choice([",", ",", ",", ",", ";", ",,"]).join(pairs)

    def part() -> str:
        name = rng.choice(NAMES)
        values = {name: rng.choice(TEXTS) for name in ("source", "target")} | {"forced": forced()}
        values |= {name: rng.choice(["lecture", "embed", "hidden"]) for name in ("view", "answer")}
        values |= {name: ":".join(integer() for _ in range(rng.randrange(1, 6))) for name in ("replace", "unit")}
        value = values.get(name, integer())
        quoted = urllib.parse.quote(value, errors="surrogatepass") if rng.random() < 0.8 else value
        return f"{name}={quoted}" if rng.random() < 0.97 else quoted

    source = ["source=" + urllib.parse.quote(rng.choice(TEXTS[:5]))] if rng.random() < 0.7 else []
    return rng.choice(["#", "#", "#", ""]) + "&".join([*source, *(part() for _ in range(rng.randrange(7)))])


def _problems(page: dict) -> list[str]:
    problems = []
    named = {int(t) for t in page["state"]["forced"]}
    for forced, marked in zip(page["forced"], page["marked"], strict=True):
        unmarked = [t for t in forced if t not in named]
        if unmarked or sum(marked) < len(forced):
            problems.append(f"forced {forced}, marked {sum(marked)}")
    reached = max(map(len, page["marked"]), default=0)
    if any(t >= reached for t in named):
        problems.append(f"forced {sorted(named)}, but no answer has more than {reached} outputs")
    if named and not page["error"] and "forced=" not in page["written"]:
        problems.append(f"forced {sorted(named)}, but the URL fragment is {page['written']}")
    return problems
