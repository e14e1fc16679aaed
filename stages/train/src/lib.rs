//! Stage train: fits a segmentation network.
