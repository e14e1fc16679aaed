//! Architectures: networks built from a few numbers.

mod deeplab_v3;
mod mobilenet_v2;

pub use deeplab_v3::{AsppVersion, DeeplabV3};
pub use mobilenet_v2::MobilenetV2;
