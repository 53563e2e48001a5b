"""One HTML file with trained networks in it, which run there, in JavaScript."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import string
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import numpy as np

from seq2seq_demo import __version__
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError, require
from seq2seq_demo.network.parameters import Weights, weight_shapes
from seq2seq_demo.trained_network import TrainedNetwork

SHARED = ("network.js", "symbols.js", "align.js", "app.js", "parts.js", "source.js")
INSIDE = ("step.js", "attention.js", "probabilities.js", "forced.js", "training.js", "influence.js", "inside.js")
SCRIPTS = (*SHARED, *INSIDE, "explanations.js", "view.js")  # in this order
STYLES = ("page.css", "inside.css")
MOST_WEIGHTS = 4_000_000  # of all networks; as text, 21 MB
MOST_SYMBOLS = 20_000  # of a vocabulary
MOST_LAYERS = 8


@dataclass(frozen=True)
class Example:
    """A source that the page offers, its target if that is known, in numbers, and what it is an example of."""

    source: list[int]
    target: list[int] | None
    note: str


@dataclass(frozen=True)
class Moments:
    """A network as it was at moments of its training, and how it did then on so many held-out sources."""

    steps: Sequence[int]
    epochs: Sequence[float]
    weights: Sequence[Weights]
    n: int = 0
    exact_match: Sequence[float] = ()  # free-running; empty where there are no sources with targets
    loss: Sequence[float] = ()  # forced


@dataclass(frozen=True)
class ShownNetwork:
    """A network of the page, and what is shown with it."""

    name: str
    network: TrainedNetwork
    examples: Sequence[Example] = ()
    moments: Moments | None = None
    what: str = ""  # what it was trained on; if empty, its pattern


def build(networks: Sequence[ShownNetwork]) -> str:
    """Return the page.

    Raises:
        UsageError: a network is too large for it, or two do not read and write the same symbols.
    """
    check(networks)
    scripts = [read_asset(name) for name in SCRIPTS]
    style = "".join(map(read_asset, STYLES))
    title = " and ".join(shown.name for shown in networks)
    values = {
        "policy": _policy(scripts, style),
        "title": html.escape(title),
        "style": style,
        "version": __version__,
        "data": _json({"networks": [network_data(shown) for shown in networks]}),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    return string.Template(read_asset("template.html")).substitute(values)


def check(networks: Sequence[ShownNetwork]) -> None:
    """Raise UsageError for networks that no page can show, be it alone or beside each other."""
    known = cells()
    for shown in networks:
        name, c = shown.name, shown.network.model_config
        add = "add it to EQUATIONS in seq2seq_demo/page/network.js"
        only = f"{name}: the page has no equation for {c.cell_type}, only for {', '.join(known)}: {add}"
        require(c.cell_type in known, only, UsageError)
        sizes = {
            "weights": (sum(weight.size for weight in shown.network.weights.values()), MOST_WEIGHTS),
            "symbols of a vocabulary": (max(c.n_input_symbols, c.n_output_symbols), MOST_SYMBOLS),
            "layers": (c.num_layers, MOST_LAYERS),
        }
        for what, (size, most) in sizes.items():
            too_large = f"{name}: a page shows networks of at most {most} {what}, got {size}"
            require(size <= most, too_large, UsageError)
        expected = "expected networks that read and write the same symbols"  # the page has one field for a source
        differs = f"{expected}, got {networks[0].name} and {name}, whose differ"
        require(_symbols(shown) == _symbols(networks[0]), differs, UsageError)


def _symbols(shown: ShownNetwork) -> tuple[Vocabularies, int, int]:
    """Return the symbols that a network reads and writes."""
    return shown.network.vocabularies, shown.network.model_config.in_max_int, shown.network.model_config.out_max_int


def read_asset(name: str) -> str:
    """Return a file of this folder."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str], style: str) -> str:
    """Return a Content-Security-Policy that lets these scripts and this style act, and nothing else."""
    hashes = " ".join(map(_hash, scripts))
    return f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """Return JSON in which nothing ends a script element, or begins one."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII, so without U+2028
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def network_data(shown: ShownNetwork) -> dict[str, Any]:
    """Return what `Shown` in app.js reads."""
    network = shown.network
    c, (source, target) = network.model_config, network.vocabularies
    about = {"has_attention": c.has_attention, "go": c.go, "gates": c.cell.gates, "states": c.cell.states}
    recording = None
    if shown.moments:
        weights = [numbers(network, of_moment, "<f2") for of_moment in shown.moments.weights]
        recording = vars(shown.moments) | {"weights": weights}
    return {
        "name": shown.name,
        "summary": network.summary(),
        "what": shown.what or _described(network.pattern),
        "config": asdict(c) | about,
        "n_weights": sum(weight.size for weight in network.weights.values()),
        **{name: getattr(network, name) for name in ("task", "pattern", "ends", "min_in_len", "in_len", "out_len")},
        "source": asdict(source) | {"largest": c.in_max_int},
        "target": asdict(target) | {"largest": c.out_max_int},
        "shapes": [[name, list(shape)] for name, shape in weight_shapes(c).items()],
        "weights": numbers(network, network.weights, "<f4"),
        "examples": [asdict(example) for example in shown.examples],
        "exact_match": network.reached.exact_match if network.reached else None,
        "recording": recording,
    }


def _described(pattern: str | None) -> str:
    """Return a built-in pattern's name, and the first line of its docstring."""
    if pattern is None:
        return ""
    description = (PATTERNS[pattern].function.__doc__ or "").strip().partition("\n")[0]
    return f"the pattern {pattern}: {description}" if description else f"the pattern {pattern}"


def numbers(network: TrainedNetwork, weights: Weights, dtype: str) -> str:
    """Return all weights in base64, in the order of weight_shapes."""
    arrays = [weights[name].ravel() for name in weight_shapes(network.model_config)]
    return base64.b64encode(np.concatenate(arrays).astype(dtype).tobytes()).decode()


def cells() -> list[str]:
    """Return the cells that network.js has an equation for."""
    (table,) = re.findall(r"^const EQUATIONS = \{(.*?)\}", read_asset("network.js"), re.MULTILINE | re.DOTALL)
    return re.findall(r"(\w+):", table)
