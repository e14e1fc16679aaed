//! Architectures: networks built from a few numbers.

mod deeplab_v3;
mod mobilenet_v2;
mod resnet_50;
mod stack;

pub use deeplab_v3::{AsppVersion, Backbone, DeeplabV3};
pub use mobilenet_v2::MobilenetV2;
pub use resnet_50::Resnet50;
