//! Scores image by image.

use crate::{ConfusionMatrix, confusion::mean};
use serde::{Deserialize, Serialize};

/// How well one image's classes were found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageScore {
    /// Pixels that have a class, void ones left out.
    pub pixels: u64,
    /// Those of them predicted right.
    pub right: u64,
    /// For each class that the image's labels show, in the order of the classes, its intersection over union in this image.
    pub ious: Vec<f64>,
}

impl ImageScore {
    /// The score of an image from its own confusion matrix.
    #[must_use]
    pub fn of(matrix: &ConfusionMatrix) -> Self {
        let labelled = |class: &usize| matrix.labelled(*class) > 0;
        let diagonal = |class: usize| matrix.counts()[class * matrix.classes() + class];
        Self {
            pixels: matrix.pixels(),
            right: (0..matrix.classes()).map(diagonal).sum(),
            ious: (0..matrix.classes()).filter(labelled).filter_map(|class| matrix.iou(class)).collect(),
        }
    }

    /// Share of pixels predicted right; none where all pixels are void.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.pixels > 0).then(|| self.right as f64 / self.pixels as f64)
    }

    /// Mean of the image's intersections over unions; none where all pixels are void.
    #[must_use]
    pub fn mean_iou(&self) -> Option<f64> {
        mean(self.ious.iter().copied())
    }
}

/// The scores of a set's images in the order of the set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageScores(pub Vec<ImageScore>);

impl ImageScores {
    /// The original's accuracy: the mean over batches of `batch` images of the share of right pixels in the batch. With a
    /// batch of 1 that is the mean over images; a larger one differs from it when the last batch is smaller than the others
    /// (its images weigh more), or when images have different numbers of void pixels. Batches of nothing but void do not
    /// count; none where there are no others.
    #[must_use]
    pub fn accuracy(&self, batch: usize) -> Option<f64> {
        mean(self.0.chunks(batch.max(1)).filter_map(|images| {
            let sum = images.iter().fold(ImageScore::default(), |sum, image| ImageScore {
                pixels: sum.pixels + image.pixels,
                right: sum.right + image.right,
                ious: Vec::new(),
            });
            sum.accuracy()
        }))
    }

    /// The original's average IoU: the mean over all pairs of an image and a class that its labels show of that class's
    /// intersection over union in that image.
    #[must_use]
    pub fn average_iou(&self) -> Option<f64> {
        mean(self.0.iter().flat_map(|image| image.ious.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(labels: &[u8], predicted: &[u8]) -> ImageScore {
        let mut matrix = ConfusionMatrix::new(3);
        matrix.add_image(labels, predicted);
        ImageScore::of(&matrix)
    }

    #[test]
    fn only_classes_that_the_labels_show_have_a_score_in_an_image() {
        let image = score(&[0, 0, 0, 1, 255], &[0, 0, 2, 1, 2]);
        assert_eq!(image.ious, [2.0 / 3.0, 1.0]);
        assert_eq!(image.accuracy(), Some(0.75));
        assert_eq!(score(&[255, 255], &[0, 1]).accuracy(), None);
    }

    #[test]
    fn averages_run_over_images_and_pairs_and_leave_void_images_out() {
        let scores = ImageScores(vec![
            score(&[0, 0, 1, 1], &[0, 0, 1, 0]),
            score(&[255; 4], &[0; 4]),
            score(&[2, 2, 2, 2], &[2, 2, 2, 2]),
        ]);
        assert_eq!(scores.accuracy(1), Some((0.75 + 1.0) / 2.0));
        assert_eq!(scores.average_iou(), Some((2.0 / 3.0 + 0.5 + 1.0) / 3.0));
    }

    #[test]
    fn in_batches_the_images_of_a_smaller_last_batch_weigh_more() {
        let (right, wrong) = (score(&[1, 1], &[1, 1]), score(&[1, 1], &[0, 0]));
        let scores = ImageScores(vec![right.clone(), right, wrong]);
        assert_eq!(scores.accuracy(1), Some(2.0 / 3.0));
        assert_eq!(scores.accuracy(2), Some(0.5));
        assert_eq!(scores.accuracy(32), Some(2.0 / 3.0));
    }
}
