"""Suggests changes of the settings after a training run.

`scripts/recipe/advice.py` measures how often the changes improve the exact match.
"""

from collections.abc import Sequence
from typing import Any

from seq2seq_demo.config import TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.tasks import Task
from seq2seq_demo.metrics import EpochFigures
from seq2seq_demo.trained_network import TrainedNetwork
from seq2seq_demo.training.results import best_epoch
from seq2seq_demo.training.settings import with_recipe

ENOUGH_POINTS = 100_000
MIN_RISE = 0.01  # the smallest difference of exact matches that counts as a rise


def suggestions(
    network: TrainedNetwork, task: Task, config: TrainConfig, history: Sequence[EpochFigures]
) -> list[tuple[str, dict[str, Any]]]:
    """Return kinds of changes and the new values of settings, most promising first; None leaves a setting out.

    Args:
        network: the trained network.
        task: the task that it learned.
        config: the settings of its training.
        history: the figures of all epochs.
    """
    more: dict[str, Any] = {"budget": 2 * config.budget} if config.budget else {"epochs": 2 * config.epochs}
    more_epochs = [("epochs", more)] if _still_rises(history) else []
    if isinstance(task, PairTask):
        weaker = _weaker_settings(network, task, config)
        return [("recipe", dict.fromkeys(weaker))] if weaker else more_epochs
    model = network.model_config
    found: list[tuple[str, dict[str, Any]]] = []
    if config.lr_schedule == "constant":
        rate = 0.005 if model.has_attention else 0.01
        found.append(("schedule", {"learning_rate": rate, "lr_schedule": "cosine"}))
    elif not model.has_attention and not network.earlier:  # attention gains nothing from a rate that is too low
        found.append(("attention", {"model": "embedding_attention"}))
    if config.points < ENOUGH_POINTS:
        found.append(("points", {"points": ENOUGH_POINTS}))
    return found or more_epochs


def _weaker_settings(network: TrainedNetwork, task: PairTask, config: TrainConfig) -> list[str]:
    """Return the names of the settings that are smaller than the recipe's or, if they are not numbers, different."""
    recipe: dict[str, Any] = {**with_recipe(task, {}, start=network if network.earlier else None)}
    actual, weaker = vars(network.model_config) | vars(config), []
    for name, value in recipe.items():
        own = actual[name]
        is_weaker = own != value if isinstance(value, str | bool) else own is not None and own < value
        weaker += [name] * (is_weaker and name != "batch_size")
    return weaker


def _still_rises(history: Sequence[EpochFigures]) -> bool:
    """Whether the exact match rose in the last quarter of the epochs, or there are too few epochs to know."""
    before = history[: len(history) * 3 // 4]
    if not before:
        return True
    return best_epoch(history).validation.exact_match >= best_epoch(before).validation.exact_match + MIN_RISE
