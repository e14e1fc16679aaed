//! Activation functions.

/// An activation function, as Keras 3 defines it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Softmax over the channels.
    Softmax,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x`, and `exp(x) - 1` below 0.
    Elu,
    /// `x * sigmoid(x)`; also called swish.
    Silu,
    /// `x * (1 + erf(x / sqrt(2))) / 2`: not its approximation by tanh.
    Gelu,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
    /// `x * hard_sigmoid(x)`; also called hard swish.
    HardSilu,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x`, and `0.2 * x` below 0.
    LeakyRelu,
    /// `exp(x)`.
    Exponential,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Linear,
        Self::Relu,
        Self::Relu6,
        Self::Softmax,
        Self::Sigmoid,
        Self::Tanh,
        Self::Elu,
        Self::Silu,
        Self::Gelu,
        Self::HardSigmoid,
        Self::HardSilu,
        Self::Softplus,
        Self::LeakyRelu,
        Self::Exponential,
    ];

    /// Below 0 the slope of [`Activation::LeakyRelu`].
    pub const LEAKY_SLOPE: f32 = 0.2;

    /// Keras' name, as its files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Elu => "elu",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardSilu => "hard_silu",
            Self::Softplus => "softplus",
            Self::LeakyRelu => "leaky_relu",
            Self::Exponential => "exponential",
        }
    }
}
