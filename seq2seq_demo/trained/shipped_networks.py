"""The networks that come with the program."""

from typing import Any

from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.files import file_names
from seq2seq_demo.trained.trained_network import load

DESCRIPTIONS = {
    "dates": "English, German, French, Spanish and Italian dates to ISO 8601.",
    "g2p": "English spelling to pronunciation, in the phones of CMUdict.",
    "long-rnn": "Last symbol first; without attention, for the same lengths as reversed-attention.",
    "numbers": "English words for numbers below a million.",
}  # the default is the description of the pattern


def networks() -> dict[str, dict[str, Any]]:
    """Return the networks that come with the program, by the names that `load` takes.

    For each, `task` is the name of its data, `lengths` are those of its shortest and longest sources, `weights` is
    their number, `exact_match` is free-running, on the validation data of the training (None if unknown), and
    `description` describes its answers.
    """
    found = {name: load(path) for name, path in file_names.shipped_networks().items()}
    return {
        name: {
            "task": network.task,
            "lengths": (network.trained_lengths[0], network.trained_lengths[-1]),
            "weights": network.n_weights,
            "exact_match": network.validation.exact_match if network.validation else None,
            "description": DESCRIPTIONS.get(name) or PATTERNS[network.task or ""].description,
        }
        for name, network in found.items()
    }
