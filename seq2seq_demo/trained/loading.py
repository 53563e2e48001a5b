"""Loads networks from files, describes the bundled networks, and combines networks into an ensemble."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.trained_network import TrainedNetwork

# The descriptions of the bundled networks; the default is the pattern's description.
DESCRIPTIONS = {
    "dates": "English, German, French, Spanish and Italian dates to ISO 8601.",
    "g2p": "English spelling to pronunciation, in the phones of CMUdict.",
    "long-rnn": "Last symbol first; without attention, for the same lengths as reversed-attention.",
    "numbers": "English words for numbers below a million.",
}


def load(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Read a network from a weights file of this program or a checkpoint of the 2016 program.

    Args:
        path: the file, whose format is detected from its content, or the name of a bundled network, such as "g2p".

    Raises:
        WeightsError: the file is missing, damaged or of a different kind.
    """
    network, _, _ = weights_file.read(file_names.find_weights(Path(path)), TrainedNetwork)
    return network


def networks() -> dict[str, dict[str, Any]]:
    """Return facts about the bundled networks, by the names that `load` takes.

    For each network, `task` is the name of the data, `lengths` are the shortest and longest source lengths, `weights`
    is the number of weights, `exact_match` is measured free-running on the validation data, and `description`
    describes the answers.
    """
    found = {name: load(path) for name, path in file_names.shipped_networks().items()}
    return {
        name: {
            "task": network.task,
            "lengths": (network.trained_lengths[0], network.trained_lengths[-1]),
            "weights": network.n_weights,
            "exact_match": network.validation and network.validation.exact_match,
            "description": DESCRIPTIONS.get(name) or PATTERNS[network.task or ""].description,
        }
        for name, network in found.items()
    }


def ensemble(networks: Iterable[TrainedNetwork]) -> TrainedNetwork:
    """Combine networks into one that answers with the mean of their probabilities at each step.

    If one of the networks is an ensemble, its members become members of the new one. `save` writes all members to one
    file.

    Args:
        networks: networks that read and write the same symbols; models, cells and sizes may differ. The
            ensemble takes its lengths and its record of training runs from the first network.

    Raises:
        UsageError: there is no network, or there are more than 100, or their symbols or fixed lengths differ.
    """
    combined = [*networks]
    if not combined or not all(isinstance(network, TrainedNetwork) for network in combined):
        raise UsageError(f"expected networks to combine, as load() returns them, got {combined!r}"[:200])
    if len(combined) == 1:
        return combined[0]
    first, *others = (member for network in combined for member in network.members)
    weights_file.check_members([first, *others])
    return replace(first, others=tuple(others), validation=None, calibration=None)
