"""The network in TensorFlow and Keras. Importing this package loads TensorFlow with the settings in `tensorflow_setup`.

Read the modules `cells`, `encoder`, `attention`, `decoder` and `model` in this order. `bidirectional` and `dropout`
implement options that the 2016 program did not have. `model` computes the masks for padding; `scan` and
`attention` apply them.
"""

from seq2seq_demo.network.keras_network import tensorflow_setup as tensorflow_setup
