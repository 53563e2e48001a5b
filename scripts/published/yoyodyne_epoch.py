"""Train yoyodyne's network an epoch at a time; `yoyodyne_speed.py` runs this with the Python that yoyodyne is in.

    /path/to/venv/bin/python scripts/published/yoyodyne_epoch.py pairs.tsv FOLDER EPOCHS SIZES

SIZES is a JSON object, a network of `yoyodyne_speed.py` and its batch size. The first line of output is how many
weights there are. For each line of input, the next one is how many seconds an epoch took: its batches, loss, gradients
and Adam, and no validation, checkpoint, log or progress bar.
"""

import json
import logging
import sys
import time
import warnings

from lightning.pytorch import callbacks
from yoyodyne import data, models, trainers


class Turns(callbacks.Callback):
    """Waits for a line before an epoch, and says afterwards how long it took."""

    def on_train_epoch_start(self, *_: object) -> None:
        """Start the clock when it is this one's turn."""
        sys.stdin.readline()
        self.start = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:
        """Print the seconds."""
        print(time.perf_counter() - self.start, flush=True)


def main() -> None:
    """Train for as many epochs as are asked for."""
    pairs, folder, epochs, sizes = sys.argv[1:]
    size = json.loads(sizes)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    read = data.DataModule(model_dir=folder, train=pairs, target_sep=" ", batch_size=size["batch_size"])
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
        vocab_size=read.vocab_size,
        target_vocab_size=read.target_vocab_size,
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
    trainer.fit(network, read)


if __name__ == "__main__":
    main()
