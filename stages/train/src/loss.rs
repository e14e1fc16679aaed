//! Per-pixel softmax cross-entropy.

use dataset::VOID;
use rayon::prelude::*;

/// What a batch's logits say about its labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchLoss {
    /// Weighted cross-entropy summed over the pixels that are not void, over their number plus 1e-5.
    pub(crate) loss: f64,
    /// Pixels, not void, whose most likely class is the right one.
    pub(crate) correct: u64,
    /// Pixels that are not void.
    pub(crate) counted: u64,
    /// The most likely class of each pixel, `[batch, height, width]`.
    pub(crate) predicted: Vec<u8>,
}

/// Added to the number of pixels, so that a batch of nothing but void has loss 0.
const NO_PIXELS: f64 = 1e-5;

/// Pixels handled at a time, so that their intermediate values stay in the cache.
const BLOCK: usize = 256;

/// Loss of logits `[batch, classes, pixels]` against labels `[batch, pixels]`, `pixels` to an image; `weights` has one weight a class. The
/// derivative of the loss with respect to the logits goes to `gradient`, where given, which is shaped like them.
///
/// Labels are class indices or [`VOID`]: callers check that.
pub(crate) fn cross_entropy(
    logits: &[f32],
    labels: &[u8],
    pixels: usize,
    weights: &[f32],
    gradient: Option<&mut [f32]>,
) -> BatchLoss {
    let classes = weights.len();
    let counted = labels.iter().filter(|label| **label != VOID).count();
    let scale = 1.0 / (counted as f64 + NO_PIXELS);
    let mut predicted = vec![0u8; labels.len()];
    let inputs = logits.par_chunks(classes * pixels).zip(labels.par_chunks(pixels));
    let parts: Vec<(f64, u64)> = match gradient {
        Some(gradient) => inputs
            .zip(predicted.par_chunks_mut(pixels).zip(gradient.par_chunks_mut(classes * pixels)))
            .map(|((logits, labels), (predicted, gradient))| {
                image(logits, labels, weights, predicted, Some((gradient, scale as f32)))
            })
            .collect(),
        None => inputs
            .zip(predicted.par_chunks_mut(pixels))
            .map(|((logits, labels), predicted)| image(logits, labels, weights, predicted, None))
            .collect(),
    };
    BatchLoss {
        loss: parts.iter().map(|part| part.0).sum::<f64>() * scale,
        correct: parts.iter().map(|part| part.1).sum(),
        counted: counted as u64,
        predicted,
    }
}

/// Summed cross-entropy and number of right pixels of one image.
fn image(
    logits: &[f32],
    labels: &[u8],
    weights: &[f32],
    predicted: &mut [u8],
    mut gradient: Option<(&mut [f32], f32)>,
) -> (f64, u64) {
    let pixels = labels.len();
    let (mut loss, mut correct) = (0f64, 0u64);
    let mut shares = vec![0f32; weights.len() * BLOCK];
    for start in (0..pixels).step_by(BLOCK) {
        let length = BLOCK.min(pixels - start);
        let labels = &labels[start..start + length];
        let (mut highest, mut best, mut sums) = ([f32::NEG_INFINITY; BLOCK], [0u8; BLOCK], [0f32; BLOCK]);
        let class_logits = |class: usize| &logits[class * pixels + start..][..length];
        for class in 0..weights.len() {
            for (pixel, logit) in class_logits(class).iter().enumerate() {
                if *logit > highest[pixel] {
                    (highest[pixel], best[pixel]) = (*logit, class as u8);
                }
            }
        }
        for class in 0..weights.len() {
            let shares = &mut shares[class * BLOCK..][..length];
            for (pixel, (share, logit)) in shares.iter_mut().zip(class_logits(class)).enumerate() {
                *share = (logit - highest[pixel]).exp();
                sums[pixel] += *share;
            }
        }
        for (pixel, label) in labels.iter().enumerate().filter(|(_, label)| **label != VOID) {
            let class = usize::from(*label);
            let entropy = sums[pixel].ln() - (class_logits(class)[pixel] - highest[pixel]);
            loss += f64::from(weights[class]) * f64::from(entropy);
            correct += u64::from(best[pixel] == *label);
        }
        predicted[start..start + length].copy_from_slice(&best[..length]);
        if let Some((gradient, scale)) = &mut gradient {
            // What each pixel's probabilities are multiplied with: nothing where it is void.
            let factors: Vec<f32> = labels
                .iter()
                .map(|label| weights.get(usize::from(*label)).map_or(0.0, |weight| weight * *scale))
                .collect();
            for class in 0..weights.len() {
                let gradient = &mut gradient[class * pixels + start..][..length];
                let shares = &shares[class * BLOCK..][..length];
                for (pixel, (gradient, share)) in gradient.iter_mut().zip(shares).enumerate() {
                    let right = if usize::from(labels[pixel]) == class { 1.0 } else { 0.0 };
                    *gradient = factors[pixel] * (share / sums[pixel] - right);
                }
            }
        }
    }
    (loss, correct)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Random;

    fn example() -> (Vec<f32>, Vec<u8>) {
        let mut random = Random::new(3, "test", 0, 0);
        let logits = (0..2 * 3 * 300).map(|_| random.normal() as f32 * 2.0).collect();
        let labels = (0..600).map(|_| [0, 1, 2, VOID][random.below(4) as usize]).collect();
        (logits, labels)
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let (mut logits, labels) = example();
        let weights = [0.5, 1.0, 2.0];
        let mut gradient = vec![0.0; logits.len()];
        cross_entropy(&logits, &labels, 300, &weights, Some(&mut gradient));
        for index in (0..logits.len()).step_by(37) {
            let (value, step) = (logits[index], 0.05);
            let mut loss_at = |logit| {
                logits[index] = logit;
                cross_entropy(&logits, &labels, 300, &weights, None).loss
            };
            let slope = (loss_at(value + step) - loss_at(value - step)) / (2.0 * f64::from(step));
            logits[index] = value;
            assert!((slope - f64::from(gradient[index])).abs() < 2e-6, "{slope} against {}", gradient[index]);
        }
    }

    #[test]
    fn void_pixels_count_nowhere() {
        let (mut logits, labels) = example();
        let before = cross_entropy(&logits, &labels, 300, &[1.0; 3], None);
        for (index, label) in labels.iter().enumerate().filter(|(_, label)| **label == VOID) {
            assert_eq!(*label, VOID);
            logits[index / 300 * 900 + index % 300] += 100.0;
        }
        let after = cross_entropy(&logits, &labels, 300, &[1.0; 3], None);
        assert_eq!((before.loss, before.correct, before.counted), (after.loss, after.correct, after.counted));
        assert_eq!(before.counted, labels.iter().filter(|label| **label != VOID).count() as u64);
    }

    #[test]
    fn a_batch_of_void_has_no_loss_and_no_gradient() {
        let mut gradient = vec![1.0; 8];
        let loss = cross_entropy(&[1.0; 8], &[VOID; 4], 4, &[1.0; 2], Some(&mut gradient));
        assert_eq!((loss.loss, loss.counted), (0.0, 0));
        assert_eq!(gradient, [0.0; 8]);
    }
}
