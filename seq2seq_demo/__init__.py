"""Train small sequence-to-sequence networks on pairs of sequences, and inspect them.

The names in `api.py` make up the Python API. They are imported on first use, so `import seq2seq_demo` is fast.

An example that takes ten seconds:

    from seq2seq_demo import load, train
    network = train("reversed", 10_000, in_len=5, epochs=8)  # or a function, a file, pairs, or a DataFrame
    network([3, 1, 4, 1, 5])              # [5, 1, 4, 1, 3]
    network.evaluate(n=1000).exact_match  # above 0.99
    network.save("reversed.h5")           # load("reversed.h5") reads this file
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers assume True; importing `typing` would take longer than the rest of this file
if TYPE_CHECKING:
    from seq2seq_demo.api import *  # noqa: F403

__version__ = "0.5.0"


def __getattr__(name: str) -> object:
    from importlib.util import find_spec

    hint = ""
    if not find_spec(f"{__name__}.{name}"):  # `from seq2seq_demo import config` looks here before it imports the module
        api = import_module(f"{__name__}.api")
        if name in vars(api):
            return getattr(api, name)
        names = sorted(each for each in vars(api) if not each.startswith("_"))
        if name == "__all__":
            return names
        hint = import_module(f"{__name__}.declarations").did_you_mean(name, names)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)


def __dir__() -> list[str]:
    return sorted({*globals(), *vars(import_module(f"{__name__}.api"))})
