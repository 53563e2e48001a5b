"""The network: its weights by name, in NumPy (`numpy_network`) and in TensorFlow and Keras (`keras_network`)."""
