"""Train yoyodyne's network one epoch at a time; `yoyodyne_speed.py` runs this script in yoyodyne's environment.

    /path/to/venv/bin/python scripts/published/yoyodyne_epoch.py pairs.tsv FOLDER EPOCHS SIZES

SIZES is a JSON object: an entry of NETWORKS in `yoyodyne_speed.py`, plus `batch_size`. The script prints the number
of weights. Then, for each input line, it trains an epoch and prints the seconds. They cover batches, loss, gradients
and Adam, because validation, checkpoints, logs and progress bars are off.
"""

import json
import logging
import sys
import time
import warnings

from lightning.pytorch import callbacks
from yoyodyne import data, models, trainers


class Turns(callbacks.Callback):
    """Waits for an input line before each epoch, and prints the seconds after it."""

    def on_train_epoch_start(self, *_: object) -> None:
        """Wait for an input line, then start the clock."""
        sys.stdin.readline()
        self.start = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:
        """Print the seconds."""
        print(time.perf_counter() - self.start, flush=True)


def main() -> None:
    """Build the network and train it for EPOCHS epochs."""
    pairs, folder, epochs, sizes = sys.argv[1:]
    size = json.loads(sizes)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    dataset = data.DataModule(model_dir=folder, train=pairs, target_sep=" ", batch_size=size["batch_size"])
    network = models.SoftAttentionLSTMModel(
        source_encoder=models.modules.LSTMEncoder(
            embedding_size=size["embedding_size"],
            hidden_size=size["cell_size"],
            layers=size["num_layers"],
            dropout=size["dropout"],
            bidirectional=size["bidirectional"],
        ),
        embedding_size=size["embedding_size"],
        decoder_hidden_size=size["cell_size"],
        decoder_layers=size["num_layers"],
        decoder_dropout=size["dropout"],
        vocab_size=dataset.vocab_size,
        target_vocab_size=dataset.target_vocab_size,
        compute_accuracy=False,
    )
    print(sum(weight.numel() for weight in network.parameters()), flush=True)
    trainer = trainers.Trainer(
        accelerator="cpu",
        max_epochs=int(epochs),
        callbacks=[Turns()],
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    trainer.fit(network, dataset)


if __name__ == "__main__":
    main()
