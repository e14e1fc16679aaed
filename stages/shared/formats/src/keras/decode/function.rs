//! Activation functions, and the layers that are one.

use crate::{FormatError, keras::options::Options};
use model::{Activation, Op};
use serde_json::Value;

/// The option `activation`: a name, or an object `{"config": name}` around it.
pub(super) fn activation(options: &Options<'_>, by_keras_2: bool) -> Result<Activation, FormatError> {
    let name = match options.get("activation") {
        None => Some("linear"),
        Some(Value::String(name)) => Some(name.as_str()),
        Some(function) => function.get("config").and_then(Value::as_str),
    };
    let name = match name {
        Some("hard_sigmoid") if by_keras_2 => {
            return Err(options.refuse(
                "its option `activation` is \"hard_sigmoid\", which Keras 2 computes as 0.2x + 0.5 from 0 to 1 and Keras 3 \
                 as relu6(x + 3) / 6; only the latter can be read",
            ));
        }
        Some("swish") => Some("silu"),
        Some("hard_swish") => Some("hard_silu"),
        name => name,
    };
    Activation::ALL.into_iter().find(|activation| Some(activation.name()) == name).ok_or_else(|| {
        let names = Activation::ALL.map(Activation::name).join(", ");
        options.refuse_value("activation", &names)
    })
}

pub(super) fn relu(options: &Options<'_>) -> Result<Op, FormatError> {
    let max_value = match options.get("max_value") {
        Some(_) => Some(options.number("max_value", None)?),
        None => None,
    };
    let negative_slope = options.number("negative_slope", Some(0.0))?;
    let threshold = options.number("threshold", Some(0.0))?;
    for key in ["max_value", "negative_slope", "threshold"] {
        if options.number(key, Some(0.0))? < 0.0 {
            return Err(options.refuse_value(key, "a number of at least 0"));
        }
    }
    Ok(if negative_slope == 0.0 && threshold == 0.0 {
        Op::Relu { max_value }
    } else {
        Op::SlopedRelu { max_value, negative_slope, threshold }
    })
}

/// Keras 2 calls the slope `alpha`.
pub(super) fn leaky_relu(options: &Options<'_>) -> Result<Op, FormatError> {
    let key = if options.get("alpha").is_some() { "alpha" } else { "negative_slope" };
    Ok(Op::LeakyRelu { slope: options.number(key, Some(0.3))? })
}

pub(super) fn prelu(options: &Options<'_>) -> Result<Op, FormatError> {
    let axis =
        |axis: &Value| axis.as_u64().and_then(|axis| usize::try_from(axis).ok()).filter(|axis| *axis > 0);
    let shared_axes = match options.get("shared_axes") {
        None => Some(Vec::new()),
        Some(Value::Array(axes)) => axes.iter().map(axis).collect(),
        Some(one) => axis(one).map(|axis| vec![axis]),
    };
    let shared_axes =
        shared_axes.ok_or_else(|| options.refuse_value("shared_axes", "axes from 1 on, or none"))?;
    Ok(Op::Prelu { shared_axes })
}
