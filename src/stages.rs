//! The one list of built-in stages and tools.

use contract::Registry;

/// The stages and tools that this binary was built with, in the order of the data.
#[must_use]
pub fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(feature = "train")]
    let registry = registry.with(Box::new(train::Train));
    #[cfg(feature = "quantize")]
    let registry = registry.with(Box::new(quantize::Quantize));
    #[cfg(feature = "evaluate")]
    let registry = registry.with(Box::new(evaluate::Evaluate));
    #[cfg(feature = "benchmark")]
    let registry = registry
        .with(Box::new(benchmark::Estimate))
        .with(Box::new(benchmark::Measure))
        .with_tool(Box::new(benchmark::Summary));
    #[cfg(feature = "command")]
    let registry = registry.with(Box::new(command::Command));
    registry
}
