//! Segmentation metrics.
