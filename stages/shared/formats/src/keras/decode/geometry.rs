//! Layers that move, choose or resample elements.

use crate::{FormatError, keras::options::Options};
use model::{Interpolation, Op, Pool2d};
use serde_json::Value;

pub(super) fn zero_padding(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    let [height, width] = options.ends("padding")?;
    Ok(Op::ZeroPad2d { height, width })
}

pub(super) fn cropping(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    let [height, width] = options.ends("cropping")?;
    Ok(Op::Crop2d { height, width })
}

/// Without strides, windows lie side by side.
pub(super) fn pool(options: &Options<'_>) -> Result<Pool2d, FormatError> {
    options.require_channels_last()?;
    let window = options.pair("pool_size", Some(2))?;
    let strides = match options.get("strides") {
        Some(_) => options.pair("strides", None)?,
        None => window,
    };
    Ok(Pool2d { window, strides, padding: options.border("padding")? })
}

pub(super) fn upsampling(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    Ok(Op::Upsample {
        factor: options.pair("size", Some(2))?,
        interpolation: interpolation(options, "nearest")?,
    })
}

pub(super) fn resizing(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    for key in ["crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"] {
        options.require_flag(key, false)?;
    }
    Ok(Op::Resize {
        size: (options.count("height", None)?, options.count("width", None)?),
        interpolation: interpolation(options, "bilinear")?,
    })
}

fn interpolation(options: &Options<'_>, default: &'static str) -> Result<Interpolation, FormatError> {
    match options.text("interpolation", default)? {
        "nearest" => Ok(Interpolation::Nearest),
        "bilinear" => Ok(Interpolation::Bilinear),
        _ => Err(options.refuse_value("interpolation", "nearest, bilinear")),
    }
}

/// Keras' `target_shape`, in which one size may be -1 for what is left.
pub(super) fn reshape(options: &Options<'_>, inputs: &[&[usize]]) -> Result<Op, FormatError> {
    let wanted = "whole numbers, one of which may be -1";
    let refuse = || options.refuse_value("target_shape", wanted);
    let sizes = options.get("target_shape").and_then(Value::as_array).ok_or_else(refuse)?;
    let sizes: Vec<i64> = sizes.iter().map(Value::as_i64).collect::<Option<_>>().ok_or_else(refuse)?;
    let known = sizes.iter().filter(|size| **size != -1).try_fold(1usize, |product, size| {
        usize::try_from(*size).ok().filter(|size| *size > 0).and_then(|size| product.checked_mul(size))
    });
    let known = known.ok_or_else(refuse)?;
    let elements: usize = inputs.iter().take(1).flat_map(|shape| shape.iter()).product();
    if sizes.iter().filter(|size| **size == -1).count() > 1 {
        return Err(refuse());
    }
    let shape = sizes.into_iter().map(|size| usize::try_from(size).unwrap_or(elements / known)).collect();
    Ok(Op::Reshape { shape })
}
