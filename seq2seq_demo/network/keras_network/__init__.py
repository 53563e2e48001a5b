"""The network in TensorFlow and Keras: `cells`, `encoder`, `attention`, `decoder`, `model`, in the order of data flow.

`bidirectional` and `dropout` are options that the 2016 program lacked. Only `scan` and `model` handle padding.

Importing this package loads TensorFlow with the settings of `tensorflow_setup`.
"""

from seq2seq_demo.network.keras_network import tensorflow_setup as tensorflow_setup
