"""Builds one HTML file with trained networks and the JavaScript that runs them."""

import base64
import hashlib
import html
import json
import posixpath
import re
import string
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import numpy as np

from seq2seq_demo import __version__
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.errors import UsageError, require
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.trained.trained_network import TrainedNetwork

PAGE, NETWORK = "page.js", "network/trained.js"  # the modules where `join_modules` starts
IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[\w/.]+)";\n+', re.MULTILINE)
REST = r"(?:(?!\*/).)*"  # of a comment
# A comment that contains only types, or the types at the end of a comment.
TYPES = re.compile(
    rf"^ */\*\* @{REST}\*/\n+|/\*\* @{REST}\*/ |\n *@(?:type|param|returns|typedef)\b{REST}(?= \*/)",
    re.MULTILINE | re.DOTALL,
)
MODULE_START = "// A network of seq2seq-demo"
STYLES = ("page.css", "draw/inside.css", "lesson/lecture.css", "run/training.css")
MAX_WEIGHTS = 4_000_000  # per network; 11 MB in base64
BITS = 16  # per weight, as an integer that is multiplied by the scale of its array


@dataclass(frozen=True)
class Example:
    """A source that the page offers, its target if known (both as symbol numbers), and a note on the kind of source."""

    source: list[int]
    target: list[int] | None
    note: str


@dataclass(frozen=True)
class ShownNetwork:
    """A network on the page, with its examples."""

    name: str
    network: TrainedNetwork
    examples: Sequence[Example] = ()
    task_description: str = ""  # for networks without a built-in pattern; patterns have their own descriptions


def build(networks: Sequence[ShownNetwork], title: str = "", index: str = "", exercises: str = "") -> str:
    """Return the HTML page that shows these networks, which must pass `check`.

    `title` defaults to the names of the networks. `index` is the URL of a page to link back to, and
    `exercises` is HTML to put below the pictures.
    """
    names = " and ".join(shown.name for shown in networks)
    data = {"title": title, "networks": [network_data(shown) for shown in networks]}
    return assemble(PAGE, title or names, data, index=index, exercises=exercises)


def assemble(entry: str, title: str, data: dict[str, Any], **parts: str) -> str:
    """Return an HTML page that runs the script `entry` with its data.

    `index` and `exercises` are as in `build`; `controls` is HTML to put above everything else.
    """
    script, style = join_modules(entry), join_styles(*STYLES)
    index = html.escape(parts["index"])
    values = {
        "policy": content_policy(style, script),
        "title": html.escape(title),
        "index": f'<a href="{index}">All networks</a>\n' if index else "",
        "train": '<a href="train.html">Train two networks yourself</a>' if index and entry == PAGE else "",
        "controls": parts.get("controls", ""),
        "exercises": parts["exercises"],
        "style": style,
        "words": read_asset("draw/words.html"),
        "version": __version__,
        "data": embedded_json(data),
        "script": script,
    }
    return string.Template(read_asset("template.html")).substitute(values)


def build_module(shown: ShownNetwork) -> str:
    """Return a JavaScript module that exports `network`, a `TrainedNetwork`; the network must pass `check`."""
    start = f"{MODULE_START}, version {__version__}: {embedded_json(shown.name)}"
    exported = f"export const network = new TrainedNetwork({embedded_json(network_data(shown))});"
    return "\n".join([start, join_modules(NETWORK), exported, ""])


def join_modules(entry: str) -> str:
    """Return a script that consists of `entry` and all modules that it imports, each after its own imports.

    The script has one scope, without `import` and `export`, because a browser cannot load modules from a file. It keeps
    the comments of the modules, except for types. Nothing in it can end a script element.
    """
    modules: dict[str, str] = {}

    def add(name: str) -> None:
        text = read_asset(name)
        for imported in IMPORT.findall(text):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
            if path not in modules:
                add(path)
        modules[name] = re.sub("^export ", "", TYPES.sub("", IMPORT.sub("", text)), flags=re.MULTILINE)

    add(entry)
    joined = "\n".join(f"// ---- {name} ----\n\n{text}" for name, text in modules.items())
    return '"use strict";\n\n' + joined.replace("</", r"<\/").replace("<!--", r"<\!--")


def join_styles(*names: str) -> str:
    """Return a style sheet that consists of the files with these names."""
    return "\n".join(f"/* ---- {name} ---- */\n{read_asset(name)}" for name in names)


def check(networks: Sequence[ShownNetwork]) -> None:
    """Check that the page can show these networks together.

    Raises:
        UsageError: a network is too large or uses an unsupported cell, or two networks have different symbols.
    """
    supported = names_in("network/network.js", "EQUATIONS")
    for shown in networks:
        name, cell = shown.name, shown.network.model_config.cell_type
        expected = f"expected a cell of EQUATIONS in seq2seq_demo/page/network/network.js ({', '.join(supported)})"
        require(cell in supported, f"{name}: {expected}, got {cell}", UsageError)
        n = sum(weight.size for weight in shown.network.weights.values())
        require(n <= MAX_WEIGHTS, f"{name}: expected at most {MAX_WEIGHTS} weights, got {n}", UsageError)
        differ = f"the networks of a page must have the same symbols, but {networks[0].name} and {name} differ"
        require(_symbols(shown) == _symbols(networks[0]), differ, UsageError)


def _symbols(shown: ShownNetwork) -> tuple[Vocabularies, int, int]:
    return shown.network.vocabularies, shown.network.model_config.in_max_int, shown.network.model_config.out_max_int


def read_asset(name: str) -> str:
    """Return the text of a file in this folder, given its path."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def read_toml(name: str) -> dict[str, Any]:
    """Return the content of a TOML file in this folder, given its path."""
    return tomllib.loads(read_asset(name))


def content_policy(style: str, script: str = "") -> str:
    """Return a Content-Security-Policy that allows only this style, this script and embedded pictures."""
    scripts = _hash(script) if script else "'none'"
    sources = f"script-src {scripts}; style-src {_hash(style)}; img-src data:"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def embedded_json(value: Any) -> str:
    """Return JSON that is safe in a script element: ASCII, with `<`, `>` and `&` escaped."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def network_data(shown: ShownNetwork) -> dict[str, Any]:
    """Return the JSON object for the constructor of TrainedNetwork in trained.js."""
    network = shown.network
    c, (source, target) = network.model_config, network.vocabularies
    phones = dict(map(str.split, read_asset("phones.txt").splitlines()))
    words = [phones.get(symbol) for symbol in target.symbols]
    pattern = network.pattern_task
    return {
        "name": shown.name,
        "summary": network.summary(),
        "task_description": f"the pattern {pattern.name}: {pattern.description}" if pattern else shown.task_description,
        "config": config_data(c),
        **{name: getattr(network, name) for name in ("pattern", "ends", "min_in_len", "in_len", "out_len")},
        "exact_match": network.validation and network.validation.exact_match,
        "source": asdict(source) | {"largest": c.in_max_int},
        "target": asdict(target) | {"largest": c.out_max_int, "words": words if all(words) else []},
        "shapes": [[name, list(shape)] for name, shape in weight_shapes(c).items()],
        "weights": encode_weights(network),
        "examples": [asdict(example) for example in shown.examples],
    }


def config_data(config: ModelConfig) -> dict[str, Any]:
    """Return the JSON object for the constructor of Network in network.js."""
    cell = {"gates": config.cell.gates, "states": config.cell.states}
    return asdict(config) | {"has_attention": config.has_attention, "go": config.go} | cell


def encode_weights(network: TrainedNetwork) -> dict[str, Any]:
    """Return the JSON object for `decodeWeights` in network.js, with the arrays in the order of `weight_shapes`."""
    names = weight_shapes(network.model_config)
    arrays, scales = zip(*(_scaled(network.weights[name]) for name in names), strict=True)
    numbers = base64.b64encode(b"".join(array.tobytes() for array in arrays)).decode()
    return {"scales": scales, "numbers": numbers}


def _scaled(array: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the array as integers of BITS bits, and the scale to multiply them by."""
    scale = float(np.abs(array).max()) / (2 ** (BITS - 1) - 1) or 1.0
    return np.rint(array.astype(np.float64) / scale).astype(f"<i{BITS // 8}"), scale


def names_in(file: str, table: str) -> list[str]:
    """Return the names in a table of a script: the cells in EQUATIONS, or the patterns in PATTERNS."""
    (rows,) = re.findall(rf"^(?:export )?const {table} = \{{$(.*?)^\}}", read_asset(file), re.MULTILINE | re.DOTALL)
    return re.findall(r"^  (\w+):", rows, re.MULTILINE)
