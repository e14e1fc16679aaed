//! `training.optimizer`: the optimizers of Keras.

use super::rules::{
    ANY, BELOW_ONE, Bounds, FROM_ONE, FROM_TWO, NOT_NEGATIVE, NOT_POSITIVE, POSITIVE, Rules, SHARE,
};
use crate::{Issue, IssueKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Not;

const SECTION: &str = "training.optimizer";

/// An argument that may have a number to look at.
trait Argument: Copy {
    fn value(self) -> Option<f64>;
}

impl Argument for f64 {
    fn value(self) -> Option<f64> {
        Some(self)
    }
}

impl Argument for Option<f64> {
    fn value(self) -> Option<f64> {
        self
    }
}

impl Argument for bool {
    fn value(self) -> Option<f64> {
        None
    }
}

/// The arguments that all optimizers have, with Keras' defaults in place of absent ones.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedArguments {
    /// Step size.
    pub learning_rate: f64,
    /// Share of each weight that a step takes away, times the learning rate.
    pub weight_decay: Option<f64>,
    /// Largest norm of each parameter's gradient.
    pub clipnorm: Option<f64>,
    /// Largest magnitude of each element of a gradient.
    pub clipvalue: Option<f64>,
    /// Largest norm of all gradients together.
    pub global_clipnorm: Option<f64>,
    /// Whether weights are averaged over the steps.
    pub use_ema: bool,
    /// Decay of that average.
    pub ema_momentum: f64,
    /// Steps after which the average replaces the weights.
    pub ema_overwrite_frequency: Option<u32>,
    /// Factor on the loss, taken out of the gradients again.
    pub loss_scale_factor: Option<f64>,
    /// Batches whose gradients make one step.
    pub gradient_accumulation_steps: Option<u32>,
}

/// Optimizers: their arguments with Keras' defaults (keras 3.15) and bounds, and those that all of them share.
macro_rules! optimizers {
    ($(
        $(#[$about:meta])*
        $type:ident = $name:literal {
            $($(#[$doc:meta])* $argument:ident: $kind:ty = $default:expr => $bounds:expr;)*
        }
    )*) => {
        $(
            $(#[$about])*
            ///
            /// Arguments that are `None` where they are absent have Keras' default then.
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields, default)]
            pub struct $type {
                $($(#[$doc])* pub $argument: $kind,)*
                /// Largest norm of each parameter's gradient; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub clipnorm: Option<f64>,
                /// Largest magnitude of each element of a gradient; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub clipvalue: Option<f64>,
                /// Largest norm of all gradients together; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub global_clipnorm: Option<f64>,
                /// Whether weights are averaged over the steps, and end as their averages; false by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub use_ema: Option<bool>,
                /// Decay of that average; 0.99 by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub ema_momentum: Option<f64>,
                /// Steps after which the average replaces the weights; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub ema_overwrite_frequency: Option<u32>,
                /// Factor on the loss, taken out of the gradients again; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub loss_scale_factor: Option<f64>,
                /// Batches whose gradients make one step; none by default.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub gradient_accumulation_steps: Option<u32>,
                /// The optimizer's name, which changes nothing.
                #[serde(skip_serializing_if = "Option::is_none")]
                pub name: Option<String>,
            }

            impl Default for $type {
                fn default() -> Self {
                    Self {
                        $($argument: $default,)*
                        clipnorm: None,
                        clipvalue: None,
                        global_clipnorm: None,
                        use_ema: None,
                        ema_momentum: None,
                        ema_overwrite_frequency: None,
                        loss_scale_factor: None,
                        gradient_accumulation_steps: None,
                        name: None,
                    }
                }
            }

            impl $type {
                fn shared(&self) -> SharedArguments {
                    SharedArguments {
                        learning_rate: self.learning_rate,
                        weight_decay: self.weight_decay.value(),
                        clipnorm: self.clipnorm,
                        clipvalue: self.clipvalue,
                        global_clipnorm: self.global_clipnorm,
                        use_ema: self.use_ema.unwrap_or(false),
                        ema_momentum: self.ema_momentum.unwrap_or(0.99),
                        ema_overwrite_frequency: self.ema_overwrite_frequency,
                        loss_scale_factor: self.loss_scale_factor,
                        gradient_accumulation_steps: self.gradient_accumulation_steps,
                    }
                }

                fn without_idle_arguments(&self) -> Self {
                    let averages = self.use_ema == Some(true);
                    Self {
                        name: None,
                        use_ema: self.use_ema.filter(|_| averages),
                        ema_momentum: self.ema_momentum.filter(|momentum| averages && *momentum != 0.99),
                        ema_overwrite_frequency: self.ema_overwrite_frequency.filter(|_| averages),
                        ..self.clone()
                    }
                }

                /// What is wrong with its arguments.
                #[must_use]
                pub fn issues(&self) -> Vec<Issue> {
                    let mut rules = Rules::under(format!("{SECTION}.{}", $name));
                    let arguments: &[(&str, Option<f64>, Bounds)] = &[
                        $((stringify!($argument), self.$argument.value(), $bounds),)*
                        ("clipnorm", self.clipnorm, POSITIVE),
                        ("clipvalue", self.clipvalue, POSITIVE),
                        ("global_clipnorm", self.global_clipnorm, POSITIVE),
                        ("ema_momentum", self.ema_momentum, SHARE),
                        ("ema_overwrite_frequency", self.ema_overwrite_frequency.map(f64::from), FROM_ONE),
                        ("loss_scale_factor", self.loss_scale_factor, POSITIVE),
                        (
                            "gradient_accumulation_steps",
                            self.gradient_accumulation_steps.map(f64::from),
                            FROM_TWO,
                        ),
                    ];
                    check(&mut rules, arguments);
                    rules.into_issues()
                }
            }
        )*

        /// The optimizer: a name, or a name with arguments.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum Optimizer {
            $($(#[$about])* #[serde(rename = $name)] $type($type),)*
        }

        impl Optimizer {
            /// Its name in the file.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$type(_) => $name,)*
                }
            }

            /// The arguments that all optimizers have.
            #[must_use]
            pub fn shared(&self) -> SharedArguments {
                match self {
                    $(Self::$type(arguments) => arguments.shared(),)*
                }
            }

            /// The same optimizer without shared arguments that change nothing: its name, those that are said to have their
            /// defaults, and those of an average that is not taken.
            #[must_use]
            pub fn without_idle_arguments(&self) -> Self {
                match self {
                    $(Self::$type(arguments) => Self::$type(arguments.without_idle_arguments()),)*
                }
            }

            /// What is wrong with its arguments.
            #[must_use]
            pub fn issues(&self) -> Vec<Issue> {
                match self {
                    $(Self::$type(arguments) => arguments.issues(),)*
                }
            }
        }
    };
}

impl Optimizer {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{SECTION}.{}", self.name())
    }
}

optimizers! {
    /// Adam (Kingma and Ba, arXiv 1412.6980): `keras.optimizers.Adam`.
    Adam = "Adam" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Decay of the first moment.
        beta_1: f64 = 0.9 => BELOW_ONE;
        /// Decay of the second moment.
        beta_2: f64 = 0.999 => BELOW_ONE;
        /// Added to the root of the second moment.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Whether the step divides by the largest second moment so far.
        #[serde(skip_serializing_if = "Not::not")]
        amsgrad: bool = false => ANY;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Gradient descent with momentum: `keras.optimizers.SGD`.
    Sgd = "SGD" {
        /// Step size.
        learning_rate: f64 = 0.01 => POSITIVE;
        /// Share of the last step that is made again.
        momentum: f64 = 0.0 => SHARE;
        /// Whether the gradient is taken ahead of the step (Nesterov).
        nesterov: bool = false => ANY;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// `keras.optimizers.RMSprop`.
    RmsProp = "RMSprop" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Decay of the mean of squared gradients.
        rho: f64 = 0.9 => BELOW_ONE;
        /// Share of the last step that is made again.
        momentum: f64 = 0.0 => SHARE;
        /// Added to the root of that mean.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Whether gradients are divided by their variance instead.
        centered: bool = false => ANY;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101): `keras.optimizers.AdamW`.
    AdamW = "AdamW" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Share of each weight that a step takes away, times the learning rate.
        weight_decay: f64 = 0.004 => NOT_NEGATIVE;
        /// Decay of the first moment.
        beta_1: f64 = 0.9 => BELOW_ONE;
        /// Decay of the second moment.
        beta_2: f64 = 0.999 => BELOW_ONE;
        /// Added to the root of the second moment.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Whether the step divides by the largest second moment so far.
        amsgrad: bool = false => ANY;
    }
    /// Duchi, Hazan and Singer, JMLR 12 (2011): `keras.optimizers.Adagrad`.
    Adagrad = "Adagrad" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// The sum of squared gradients at first.
        initial_accumulator_value: f64 = 0.1 => NOT_NEGATIVE;
        /// Added to the root of that sum.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Zeiler, arXiv 1212.5701: `keras.optimizers.Adadelta`.
    Adadelta = "Adadelta" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Decay of the means of squared gradients and steps.
        rho: f64 = 0.95 => BELOW_ONE;
        /// Added to those means.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Adam with the largest gradient in place of the second moment (arXiv 1412.6980): `keras.optimizers.Adamax`.
    Adamax = "Adamax" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Decay of the first moment.
        beta_1: f64 = 0.9 => BELOW_ONE;
        /// Decay of the largest gradient.
        beta_2: f64 = 0.999 => BELOW_ONE;
        /// Added to the largest gradient.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Adam with Nesterov's momentum (Dozat 2016): `keras.optimizers.Nadam`.
    Nadam = "Nadam" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Decay of the first moment.
        beta_1: f64 = 0.9 => BELOW_ONE;
        /// Decay of the second moment.
        beta_2: f64 = 0.999 => BELOW_ONE;
        /// Added to the root of the second moment.
        epsilon: f64 = 1e-7 => POSITIVE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Follow the regularized leader (McMahan and others, KDD 2013): `keras.optimizers.Ftrl`.
    Ftrl = "Ftrl" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// How the step size falls; 0 keeps it.
        learning_rate_power: f64 = -0.5 => NOT_POSITIVE;
        /// The sum of squared gradients at first.
        initial_accumulator_value: f64 = 0.1 => NOT_NEGATIVE;
        /// Weight of the L1 penalty.
        l1_regularization_strength: f64 = 0.0 => NOT_NEGATIVE;
        /// Weight of the L2 penalty.
        l2_regularization_strength: f64 = 0.0 => NOT_NEGATIVE;
        /// Weight of the L2 penalty on magnitudes.
        l2_shrinkage_regularization_strength: f64 = 0.0 => NOT_NEGATIVE;
        /// The beta of the paper.
        beta: f64 = 0.0 => NOT_NEGATIVE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
    /// Chen and others, arXiv 2302.06675: `keras.optimizers.Lion`.
    Lion = "Lion" {
        /// Step size.
        learning_rate: f64 = 0.001 => POSITIVE;
        /// Share of the momentum in a step.
        beta_1: f64 = 0.9 => BELOW_ONE;
        /// Decay of the momentum.
        beta_2: f64 = 0.99 => BELOW_ONE;
        /// Share of each weight that a step takes away, times the learning rate; none by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        weight_decay: Option<f64> = None => NOT_NEGATIVE;
    }
}

/// Bounds, and what Keras refuses besides: more than one way to clip.
fn check(rules: &mut Rules, arguments: &[(&str, Option<f64>, Bounds)]) {
    for (name, value, bounds) in arguments {
        value.map(|value| rules.number(name, value, *bounds));
    }
    let clips = arguments.iter().filter(|(name, value, _)| name.contains("clip") && value.is_some());
    let clips: Vec<&str> = clips.map(|(name, ..)| *name).collect();
    if let [first, .., last] = clips.as_slice() {
        let message = format!("`{first}` and `{last}` both clip gradients; one of them can");
        rules.push(Issue::new(IssueKind::Conflict, rules.key(last), message).with_help("remove all but one"));
    }
}
