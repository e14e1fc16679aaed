//! Segmentation metrics: how well predicted class maps agree with labelled ones.
//!
//! [`ConfusionMatrix`] counts pixels over a whole set, as the Pascal VOC challenge does. [`ImageScores`] judges image by
//! image and averages, as the original services do. Void pixels count in neither.

mod confusion;
mod images;

pub use confusion::ConfusionMatrix;
pub use images::{ImageScore, ImageScores};
