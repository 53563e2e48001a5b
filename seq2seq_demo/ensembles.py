"""Ensembles: several trained networks that answer as one."""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.stored_network import check_members
from seq2seq_demo.trained_network import TrainedNetwork


def ensemble(networks: Sequence[TrainedNetwork]) -> TrainedNetwork:
    """Combine networks into one that answers with the mean of their probabilities at each step.

    If one of the networks is an ensemble, its members become members of the new one. `save` writes all members to one
    file.

    Args:
        networks: networks that read and write the same symbols; models, cells and sizes may differ. The
            ensemble takes its lengths and its record of training runs from the first one.

    Raises:
        UsageError: there is no network, or there are more than 100, or their symbols or fixed lengths differ.
    """
    if not networks or not all(isinstance(network, TrainedNetwork) for network in networks):
        raise UsageError(f"expected networks to combine, as load() returns them, got {networks!r}"[:200])
    if len(networks) == 1:
        return networks[0]
    first, *others = (each for x in networks for each in (replace(x, members=()), *x.members))
    check_members([first, *others])
    return replace(first, members=tuple(others), reached=None, temperature=None)
