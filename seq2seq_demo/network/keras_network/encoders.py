"""Which encoder a config asks for."""

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.encoder import Encoder


def encoder_of(model_config: ModelConfig) -> Encoder:
    """Return the encoder that a config describes, without weights."""
    if not model_config.bidirectional:
        return Encoder(model_config)
    from seq2seq_demo.network.keras_network.bidirectional import BidirectionalEncoder  # which is an `Encoder`

    return BidirectionalEncoder(model_config)
