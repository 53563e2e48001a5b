"""The network: its weights, and its computation in NumPy (`numpy_network`) and in Keras (`keras_network`)."""
