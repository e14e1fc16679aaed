//! Pictures: curves, matrices, overlays.
