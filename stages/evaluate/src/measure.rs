//! Running models over a set.

use crate::{EvaluateError, network::Network};
use contract::StageContext;
use dataset::Samples;
use metrics::{ConfusionMatrix, ImageScore, ImageScores};
use rayon::prelude::*;

/// What was found out about the models.
pub(crate) struct Measured {
    /// Ids of the images in the order of the set.
    pub(crate) images: Vec<String>,
    /// One for each model, in their order.
    pub(crate) models: Vec<Scores>,
    /// Share of pixels to which the first two models give the same class; none for a single model.
    pub(crate) agreement: Option<f64>,
}

/// How well a model did.
pub(crate) struct Scores {
    pub(crate) confusion: ConfusionMatrix,
    pub(crate) images: ImageScores,
}

/// One image's part in [`Measured`].
struct ImageResult {
    id: String,
    confusions: Vec<ConfusionMatrix>,
    /// Pixels on which the first two models agree, and all.
    agreeing: Option<(u64, u64)>,
}

/// Runs `networks` over all samples, on `context.runtime.threads` threads. Counts are integers and images are merged in the
/// order of the set, so the result does not depend on the threads.
pub(crate) fn measure(
    networks: &[&Network],
    samples: &Samples,
    classes: usize,
    context: &StageContext,
) -> Result<Measured, EvaluateError> {
    let threads = context.runtime.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut measured = Measured { images: Vec::new(), models: Vec::new(), agreement: None };
    measured.models.extend(
        networks
            .iter()
            .map(|_| Scores { confusion: ConfusionMatrix::new(classes), images: ImageScores::default() }),
    );
    let mut agreeing = (0, 0);
    let total = samples.len();
    context.progress("evaluating", 0, total as u64);
    // A few images at a time: enough to keep the threads busy, few enough that progress moves.
    for start in (0..total).step_by(threads * 2) {
        let part = start..(start + threads * 2).min(total);
        let results: Vec<ImageResult> = pool.install(|| {
            part.clone()
                .into_par_iter()
                .map(|index| measure_image(networks, samples, index, classes, context))
                .collect::<Result<_, _>>()
        })?;
        for result in results {
            measured.images.push(result.id);
            for (model, confusion) in measured.models.iter_mut().zip(result.confusions) {
                model.images.0.push(ImageScore::of(&confusion));
                model.confusion.merge(&confusion);
            }
            let (same, all) = result.agreeing.unwrap_or_default();
            agreeing = (agreeing.0 + same, agreeing.1 + all);
        }
        context.progress("evaluating", part.end as u64, total as u64);
    }
    measured.agreement = (agreeing.1 > 0).then(|| agreeing.0 as f64 / agreeing.1 as f64);
    Ok(measured)
}

fn measure_image(
    networks: &[&Network],
    samples: &Samples,
    index: usize,
    classes: usize,
    context: &StageContext,
) -> Result<ImageResult, EvaluateError> {
    stop_if_cancelled(context)?;
    let sample = samples.load(index)?;
    let Some(mask) = sample.mask else { return Err(EvaluateError::NoMask { image: sample.id }) };
    let mut maps = Vec::with_capacity(networks.len());
    for network in networks {
        stop_if_cancelled(context)?;
        maps.push(network.class_map(&sample.id, &sample.image)?);
    }
    let confusions = maps
        .iter()
        .map(|map| {
            let mut confusion = ConfusionMatrix::new(classes);
            confusion.add_image(&mask, map);
            confusion
        })
        .collect();
    let agreeing = match &maps[..] {
        [first, second, ..] => {
            let same = first.iter().zip(second).filter(|(a, b)| a == b).count();
            Some((same as u64, first.len() as u64))
        }
        _ => None,
    };
    Ok(ImageResult { id: sample.id, confusions, agreeing })
}

fn stop_if_cancelled(context: &StageContext) -> Result<(), EvaluateError> {
    context.check_cancel().map_err(|_| EvaluateError::Cancelled)
}
