//! Which way a metric is better.

use super::names::words;
use figures::Better;

/// Words of metrics of which more is better.
const HIGHER: &[&str] = &[
    "acc",
    "accuracy",
    "agreement",
    "ap",
    "auc",
    "dice",
    "f1",
    "iou",
    "map",
    "miou",
    "precision",
    "psnr",
    "recall",
    "score",
    "sqnr",
    "throughput",
];

/// Words of metrics of which less is better.
const LOWER: &[&str] = &[
    "cost",
    "err",
    "error",
    "flash",
    "kb",
    "kib",
    "latency",
    "loss",
    "lost",
    "mac",
    "macc",
    "maccs",
    "macs",
    "mae",
    "mb",
    "memory",
    "mib",
    "mse",
    "parameters",
    "params",
    "perplexity",
    "ram",
    "rmse",
    "seconds",
    "size",
    "time",
];

/// The better direction of a metric, where its name says it. The last word that says anything counts: an `accuracy_loss`
/// is a loss.
pub(super) fn better(metric: &str) -> Option<Better> {
    words(metric).iter().rev().find_map(|word| match word.as_str() {
        word if HIGHER.contains(&word) => Some(Better::Higher),
        word if LOWER.contains(&word) => Some(Better::Lower),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_this_programs_metrics_say_which_way_they_are_better() {
        for name in
            ["best_val_miou", "quantized_acc_validation_set", "float_avg_iou_test_set", "quantized_agreement"]
        {
            assert_eq!(better(name), Some(Better::Higher), "{name}");
        }
        for name in [
            "best_val_loss",
            "RAM Activations KiB",
            "Flash weights KiB",
            "MACCs M",
            "host inference_time p90 ms",
            "quantized_model_kib",
            "float_parameters",
            "squared_error",
            "accuracy_loss",
        ] {
            assert_eq!(better(name), Some(Better::Lower), "{name}");
        }
        for name in ["best_epoch", "calibration_images", "gloss", ""] {
            assert_eq!(better(name), None, "{name}");
        }
    }
}
