//! Layers with kernels.

use crate::{FormatError, keras::options::Options};
use model::{Activation, Conv2d, Conv2dTranspose, Dense, DepthwiseConv2d, Op, SeparableConv2d};

pub(super) fn conv(options: &Options<'_>, activation: Activation) -> Result<Op, FormatError> {
    require_usual(options)?;
    Ok(Op::Conv2d(Conv2d {
        filters: options.count("filters", None)?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: options.border("padding")?,
        bias: options.flag("use_bias", true)?,
        activation,
    }))
}

pub(super) fn depthwise(options: &Options<'_>, activation: Activation) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    Ok(Op::DepthwiseConv2d(DepthwiseConv2d {
        multiplier: options.count("depth_multiplier", Some(1))?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: options.border("padding")?,
        bias: options.flag("use_bias", true)?,
        activation,
    }))
}

pub(super) fn separable(options: &Options<'_>, activation: Activation) -> Result<Op, FormatError> {
    require_usual(options)?;
    Ok(Op::SeparableConv2d(SeparableConv2d {
        filters: options.count("filters", None)?,
        multiplier: options.count("depth_multiplier", Some(1))?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: options.border("padding")?,
        bias: options.flag("use_bias", true)?,
        activation,
    }))
}

pub(super) fn transpose(options: &Options<'_>, activation: Activation) -> Result<Op, FormatError> {
    require_usual(options)?;
    let output_padding = match options.get("output_padding") {
        Some(_) => Some(options.pair("output_padding", None)?),
        None => None,
    };
    Ok(Op::Conv2dTranspose(Conv2dTranspose {
        filters: options.count("filters", None)?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: options.border("padding")?,
        output_padding,
        bias: options.flag("use_bias", true)?,
        activation,
    }))
}

pub(super) fn dense(options: &Options<'_>, activation: Activation) -> Result<Op, FormatError> {
    options.require_unset("lora_rank")?;
    options.require_unset("quantization_mode")?;
    Ok(Op::Dense(Dense {
        units: options.count("units", None)?,
        bias: options.flag("use_bias", true)?,
        activation,
    }))
}

/// Refuses channels first and convolutions in groups.
fn require_usual(options: &Options<'_>) -> Result<(), FormatError> {
    options.require_channels_last()?;
    options.require_number("groups", 1.0)
}
