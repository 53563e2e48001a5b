"""The network in TensorFlow and Keras: `cells`, `encoder`, `attention`, `decoder`, `model`, in the order data flows.

Beside these stand its options, each a subclass of what it changes: `padded`, `bidirectional` and `dropout`.

Importing this loads TensorFlow, as `tensorflow_setup` wants it.
"""

from seq2seq_demo.network.keras_network import tensorflow_setup as tensorflow_setup
