"""`networks`: list the networks that come with the program, by the names that `-i` takes."""

from seq2seq_demo.commands.options import NetworksOptions
from seq2seq_demo.console import print_result, table
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.files.file_names import shipped_networks
from seq2seq_demo.trained_network import TrainedNetwork, load

HEADING = "Exact match is free-running, on the validation data of the training."
DESCRIPTIONS = {
    "dates": "English, German, French, Spanish and Italian dates to ISO 8601.",
    "g2p": "English spelling to pronunciation, in the phones of CMUdict.",
    "long-rnn": "Last symbol first; without attention, for the same lengths as reversed-attention.",
    "numbers": "English words for numbers below a million.",
    "recorded-attention": "Last symbol first; with a recording of its training.",
    "recorded-rnn": "Last symbol first; with a recording of its training.",
}  # the default is the description of the pattern


def networks(_: NetworksOptions) -> None:
    """Print a row for each network."""
    header = ["network", "lengths", f"{'weights':>9}", "exact match", ""]
    rows = [_row(name, load(path)) for name, path in shipped_networks().items()]
    print_result(f"{HEADING}\n\n{table(header, rows, str.ljust)}")


def _row(name: str, network: TrainedNetwork) -> list[str]:
    reached = f"{network.reached.exact_match:.4f}" if network.reached else "unknown"
    description = DESCRIPTIONS.get(name) or PATTERNS[network.task or ""].description
    return [name, f"{network.min_in_len}-{network.in_len}", f"{network.n_weights:9,}", reached, description]
