//! Keras' legacy HDF5 model files (`.h5`), of Keras 3 and Keras 2.
