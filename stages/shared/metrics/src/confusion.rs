//! The confusion matrix of a set.

use serde::{Deserialize, Serialize};

/// Pixel counts by labelled and predicted class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    classes: usize,
    /// Row by row; a row is a labelled class, a column a predicted one.
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// No pixels yet.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Counts a pixel. One whose label is no class (255, void) counts nowhere; neither does a prediction that is no class,
    /// which no network of as many outputs as classes gives.
    pub fn add(&mut self, label: usize, predicted: usize) {
        if label < self.classes && predicted < self.classes {
            self.counts[label * self.classes + predicted] += 1;
        }
    }

    /// Counts the pixels of an image: its labels and as many predictions.
    pub fn add_image(&mut self, labels: &[u8], predicted: &[u8]) {
        for (&label, &predicted) in labels.iter().zip(predicted) {
            self.add(usize::from(label), usize::from(predicted));
        }
    }

    /// Adds the counts of another part of the set, which has as many classes.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The counts, row by row; a row is a labelled class, a column a predicted one.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// All pixels counted.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Pixels labelled as `class`.
    #[must_use]
    pub fn labelled(&self, class: usize) -> u64 {
        self.counts.iter().skip(class * self.classes).take(self.classes).sum()
    }

    /// Pixels predicted as `class`.
    #[must_use]
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().skip(class).step_by(self.classes.max(1)).sum()
    }

    /// Intersection over union of `class`; none where it is neither labelled nor predicted.
    #[must_use]
    pub fn iou(&self, class: usize) -> Option<f64> {
        let both = self.counts.get(class * self.classes + class).copied()?;
        let union = self.labelled(class) + self.predicted(class) - both;
        (union > 0).then(|| both as f64 / union as f64)
    }

    /// [`ConfusionMatrix::iou`] of every class.
    #[must_use]
    pub fn per_class_iou(&self) -> Vec<Option<f64>> {
        (0..self.classes).map(|class| self.iou(class)).collect()
    }

    /// Mean of the intersections over unions of all classes that are labelled or predicted anywhere in the set
    /// (Everingham et al., "The Pascal Visual Object Classes Challenge: A Retrospective", IJCV 2015); none without pixels.
    /// A class that is predicted but never labelled counts with 0, one that is neither does not count.
    #[must_use]
    pub fn miou(&self) -> Option<f64> {
        mean(self.per_class_iou().into_iter().flatten())
    }

    /// Share of pixels predicted as labelled; none without pixels.
    #[must_use]
    pub fn pixel_accuracy(&self) -> Option<f64> {
        let right: u64 = (0..self.classes).map(|class| self.counts[class * self.classes + class]).sum();
        let all = self.pixels();
        (all > 0).then(|| right as f64 / all as f64)
    }
}

pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(4);
        // Class 2 is predicted and never labelled, class 3 is neither.
        matrix.add_image(&[0, 0, 0, 0, 1, 1, 1, 255], &[0, 0, 0, 1, 1, 1, 2, 0]);
        matrix
    }

    #[test]
    fn void_pixels_count_nowhere() {
        assert_eq!(matrix().pixels(), 7);
        assert_eq!((matrix().labelled(0), matrix().predicted(0)), (4, 3));
    }

    #[test]
    fn intersections_over_unions_follow_the_definition() {
        assert_eq!(matrix().per_class_iou(), [Some(0.75), Some(0.5), Some(0.0), None]);
        assert_eq!(matrix().miou(), Some(1.25 / 3.0));
        assert_eq!(matrix().pixel_accuracy(), Some(5.0 / 7.0));
        assert_eq!(ConfusionMatrix::new(4).miou(), None);
    }

    #[test]
    fn parts_of_a_set_merge_to_the_whole() {
        let (mut whole, part) = (matrix(), matrix());
        whole.merge(&part);
        assert_eq!(whole.pixels(), 14);
        assert_eq!(whole.miou(), part.miou());
    }
}
