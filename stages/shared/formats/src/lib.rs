//! Model files: Keras HDF5 and TensorFlow Lite.
