//! What the stage tells: metrics, tables, figures.
//!
//! In the stage's folder: `metrics.json`, `images.csv` (a row for each image), `per_class_iou.csv`, and for each model
//! `confusion_matrix_<model>.csv` and `.svg`. Shares are exact in files; metrics and lines for people are percent with two
//! decimals, as the original has them.

use crate::{EvaluateError, EvaluateSettings, measure::Measured, measure::Scores};
use contract::{EventKind, StageContext, layout};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write, path::Path};

/// Version of `metrics.json`.
const FORMAT: u32 = 1;
/// Name of the file of the port `metrics`, below the stage's folder.
pub(crate) const METRICS_FILE: &str = "metrics.json";

/// What a model is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelKind {
    Float,
    Quantized,
}

impl ModelKind {
    /// As metric names start.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Quantized => "quantized",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Float => "Float",
            Self::Quantized => "Quantized",
        }
    }
}

/// A model and its scores.
pub(crate) struct Subject<'a> {
    pub(crate) kind: ModelKind,
    pub(crate) parameters: usize,
    pub(crate) scores: &'a Scores,
}

/// `metrics.json`.
#[derive(Serialize)]
struct MetricsFile<'a> {
    format: u32,
    set: &'a str,
    images: usize,
    void_as_background: bool,
    models: BTreeMap<ModelKind, ModelMetrics<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<f64>,
}

/// The numbers of a model, as shares.
#[derive(Serialize)]
struct ModelMetrics<'a> {
    /// The original's accuracy.
    accuracy: f64,
    /// The original's average IoU.
    average_iou: f64,
    /// Mean IoU over the whole set, as Pascal VOC has it.
    miou: f64,
    pixel_accuracy: f64,
    parameters: usize,
    /// By class, in the order of the classes; null where a class is neither labelled nor predicted.
    iou: Vec<ClassIou<'a>>,
}

#[derive(Serialize)]
struct ClassIou<'a> {
    class: &'a str,
    iou: Option<f64>,
}

/// Writes the stage's files and sends its metrics.
pub(crate) fn report(
    settings: &EvaluateSettings,
    measured: &Measured,
    subjects: &[Subject<'_>],
    context: &StageContext,
) -> Result<(), EvaluateError> {
    let nothing = || EvaluateError::NothingLabelled { images: measured.images.len() };
    let numbers: Vec<ModelMetrics<'_>> = subjects
        .iter()
        .map(|subject| ModelMetrics::of(settings, subject).ok_or_else(nothing))
        .collect::<Result<_, _>>()?;
    let folder = context.out.join(layout::STAGE);
    fs_err::create_dir_all(&folder)?;
    for (subject, numbers) in subjects.iter().zip(&numbers) {
        tell(settings, subject, numbers, context);
    }
    if let Some(agreement) = measured.agreement {
        let (set, percent) = (&settings.set, percent(agreement));
        context.note(format!(
            "[INFO] : Quantized and float model agree on {percent:.2} % of the pixels of {set}"
        ));
        context.metric(format!("quantized_agreement_{set}"), percent);
    }
    for subject in subjects {
        draw_matrix(settings, subject, &folder, context)?;
    }
    fs_err::write(folder.join("images.csv"), images_csv(measured, subjects))?;
    fs_err::write(folder.join("per_class_iou.csv"), classes_csv(settings, subjects, &numbers))?;
    let file = MetricsFile {
        format: FORMAT,
        set: &settings.set,
        images: measured.images.len(),
        void_as_background: settings.preprocessing.void_as_background,
        models: subjects.iter().map(|subject| subject.kind).zip(numbers).collect(),
        agreement: measured.agreement,
    };
    let mut json = serde_json::to_string_pretty(&file).map_err(std::io::Error::from)?;
    json.push('\n');
    fs_err::write(folder.join(METRICS_FILE), json)?;
    Ok(())
}

impl<'a> ModelMetrics<'a> {
    /// None where no pixel has a class.
    fn of(settings: &'a EvaluateSettings, subject: &Subject<'_>) -> Option<Self> {
        let Scores { confusion, images } = subject.scores;
        // The original judges a .h5 batch by batch, everything else image by image.
        let batch = match subject.kind {
            ModelKind::Float => settings.accuracy_batch,
            ModelKind::Quantized => 1,
        };
        Some(Self {
            accuracy: images.accuracy(batch)?,
            average_iou: images.average_iou()?,
            miou: confusion.miou()?,
            pixel_accuracy: confusion.pixel_accuracy()?,
            parameters: subject.parameters,
            iou: settings
                .classes
                .names()
                .iter()
                .zip(confusion.per_class_iou())
                .map(|(class, iou)| ClassIou { class, iou })
                .collect(),
        })
    }
}

fn tell(
    settings: &EvaluateSettings,
    subject: &Subject<'_>,
    numbers: &ModelMetrics<'_>,
    context: &StageContext,
) {
    let (set, kind) = (&settings.set, subject.kind);
    if kind == ModelKind::Float {
        context.note(format!("[INFO] : {} model has {} parameters", kind.title(), subject.parameters));
        context.metric("float_parameters", subject.parameters as f64);
    }
    for (words, name, share) in [
        ("accuracy", "acc", numbers.accuracy),
        ("average IoU", "avg_iou", numbers.average_iou),
        ("mIoU", "miou", numbers.miou),
    ] {
        let percent = percent(share);
        context.note(format!("[INFO] : {} model {words} on {set}: {percent:.2} %", kind.title()));
        context.metric(format!("{}_{name}_{set}", kind.name()), percent);
    }
}

fn draw_matrix(
    settings: &EvaluateSettings,
    subject: &Subject<'_>,
    folder: &Path,
    context: &StageContext,
) -> Result<(), EvaluateError> {
    let (names, confusion) = (settings.classes.names(), &subject.scores.confusion);
    let title = format!("{} model on {}", subject.kind.title(), settings.set.replace('_', " "));
    let stem = format!("confusion_matrix_{}", subject.kind.name());
    let svg = figures::confusion_matrix(&title, names, confusion.counts());
    fs_err::write(folder.join(format!("{stem}.svg")), svg)?;
    context.emit(EventKind::Figure {
        title: format!("Confusion matrix: {title}"),
        path: format!("{}/{stem}.svg", layout::STAGE),
    });
    let mut csv = "labelled \\ predicted".to_owned();
    names.iter().for_each(|name| csv_cell(&mut csv, name));
    csv.push('\n');
    for (name, row) in names.iter().zip(confusion.counts().chunks_exact(names.len())) {
        csv.push_str(&quoted(name));
        row.iter().for_each(|count| csv_cell(&mut csv, &count.to_string()));
        csv.push('\n');
    }
    fs_err::write(folder.join(format!("{stem}.csv")), csv)?;
    Ok(())
}

/// A row for each image: accuracy and mean IoU of each model, empty where all pixels are void.
fn images_csv(measured: &Measured, subjects: &[Subject<'_>]) -> String {
    let mut csv = "image".to_owned();
    for subject in subjects {
        let _ = write!(csv, ",{0}_accuracy,{0}_mean_iou", subject.kind.name());
    }
    csv.push('\n');
    for (index, id) in measured.images.iter().enumerate() {
        csv.push_str(&quoted(id));
        for score in subjects.iter().filter_map(|subject| subject.scores.images.0.get(index)) {
            csv_cell(&mut csv, &share(score.accuracy()));
            csv_cell(&mut csv, &share(score.mean_iou()));
        }
        csv.push('\n');
    }
    csv
}

/// A row for each class: its IoU by each model, empty where it is neither labelled nor predicted.
fn classes_csv(
    settings: &EvaluateSettings,
    subjects: &[Subject<'_>],
    numbers: &[ModelMetrics<'_>],
) -> String {
    let mut csv = "class".to_owned();
    subjects.iter().for_each(|subject| csv_cell(&mut csv, &format!("{}_iou", subject.kind.name())));
    csv.push('\n');
    for (index, class) in settings.classes.names().iter().enumerate() {
        csv.push_str(&quoted(class));
        for numbers in numbers {
            csv_cell(&mut csv, &share(numbers.iou.get(index).and_then(|class| class.iou)));
        }
        csv.push('\n');
    }
    csv
}

fn csv_cell(csv: &mut String, cell: &str) {
    csv.push(',');
    csv.push_str(&quoted(cell));
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{share:.6}"))
}

/// Percent with two decimals.
fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 1e2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_have_two_decimals() {
        assert_eq!([0.913_04, 0.999_96, 1.0, 0.0].map(percent), [91.3, 100.0, 100.0, 0.0]);
    }

    #[test]
    fn names_with_commas_and_quotes_stay_one_cell() {
        assert_eq!(quoted("dining table"), "dining table");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
