"""The network in TensorFlow and Keras: `cells`, `encoder`, `attention`, `decoder`, `model`, in the order data flows.

Options beyond 2016 have files of their own, `bidirectional` and `dropout`. Only `scan` and `model` deal with padding.

Importing this loads TensorFlow, as `tensorflow_setup` wants it.
"""

from seq2seq_demo.network.keras_network import tensorflow_setup as tensorflow_setup
