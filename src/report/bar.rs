//! A progress bar: how far a running stage has come, and how long it will still take.

use super::cells::{cut, fit, plain};
use contract::Progress;
use std::{collections::VecDeque, time::Instant};

/// Points in time from which the speed is taken: enough to be calm, few enough to follow.
const REMEMBERED: usize = 32;

/// The progress of a stage.
#[derive(Debug)]
pub(crate) struct Bar {
    progress: Progress,
    /// When how much was done, oldest first.
    passed: VecDeque<(Instant, u64)>,
}

impl Bar {
    pub(crate) fn new(progress: Progress, now: Instant) -> Self {
        let passed = VecDeque::from([(now, progress.done)]);
        Self { progress, passed }
    }

    /// More is done. Less than before, or less in all, is other work of the same stage, whose speed says nothing of this.
    pub(crate) fn advance(&mut self, progress: Progress, now: Instant) {
        if progress.done < self.progress.done || progress.total != self.progress.total {
            self.passed.clear();
        }
        if self.passed.back().is_none_or(|(_, done)| *done != progress.done) {
            self.passed.push_back((now, progress.done));
        }
        if self.passed.len() > REMEMBERED {
            self.passed.pop_front();
        }
        self.progress = progress;
    }

    /// Seconds left at the speed of late; none before there is one.
    fn left(&self) -> Option<f64> {
        let ((start, first), (end, last)) = (self.passed.front()?, self.passed.back()?);
        let done = last.checked_sub(*first).filter(|done| *done > 0)?;
        let seconds = end.duration_since(*start).as_secs_f64() / done as f64;
        Some(seconds * self.progress.total.saturating_sub(*last) as f64)
    }

    /// The bar as a line of at most `columns`, the stage's name in the first `name` of them:
    /// `train  ██████░░░░░░  50%  0:42 left  epoch 3/6  loss 0.5`. What is behind goes first where there is no room.
    pub(crate) fn line(&self, stage: &str, name: usize, columns: usize) -> String {
        const LEFT: usize = "9:59:59 left".len();
        let Progress { label, done, total, note } = &self.progress;
        let share = if *total == 0 { 0.0 } else { (*done as f64 / *total as f64).clamp(0.0, 1.0) };
        let length = if columns >= 60 { columns / 6 } else { 0 }.min(30);
        let filled = (share * length as f64) as usize;
        let mut parts = vec![fit(stage, name)];
        if length > 0 {
            parts.push(format!("{}{}", "█".repeat(filled), "░".repeat(length - filled)));
        }
        // Rounded down: 100 % means done.
        parts.push(format!("{:>3}%", (share * 100.0) as u32));
        let left = self.left().map(|seconds| format!("{} left", clock(seconds))).unwrap_or_default();
        parts.push(format!("{left:>LEFT$}"));
        parts.extend(
            [Some(label), note.as_ref()].into_iter().flatten().map(|text| plain(text).replace('\n', " ")),
        );
        // Into the last column some terminals only write to begin a new line.
        cut(parts.join("  ").trim_end(), columns.saturating_sub(1))
    }
}

/// `0:09`, `12:59`, `2:07:00`: of one width as long as it does not matter.
fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn progress(done: u64, total: u64, label: &str) -> Progress {
        let note = Some("loss 0.5120, val_loss 0.6010".to_owned());
        Progress { label: label.to_owned(), done, total, note }
    }

    fn bars() -> [(&'static str, Bar); 3] {
        let start = Instant::now();
        let mut train = Bar::new(progress(0, 60, "epoch 0/60"), start);
        train.advance(progress(1, 60, "epoch 1/60"), start + Duration::from_secs(4));
        train.advance(progress(3, 60, "epoch 3/60"), start + Duration::from_secs(12));
        let mut evaluate = Bar::new(progress(0, 1000, "images"), start);
        evaluate.advance(progress(999, 1000, "images"), start + Duration::from_secs(999));
        [
            ("train", train),
            ("evaluate-2", evaluate),
            ("a_stage_with_a_very_long_name", Bar::new(progress(0, 0, "starting\u{1b}[2J"), start)),
        ]
    }

    fn drawn(columns: usize) -> String {
        let name = 12.min(columns / 3);
        bars().map(|(stage, bar)| bar.line(stage, name, columns) + "|").join("\n")
    }

    #[test]
    fn bars_are_aligned_and_fit_into_the_terminal() {
        insta::assert_snapshot!("bars_in_100_columns", drawn(100));
        insta::assert_snapshot!("bars_in_60_columns", drawn(60));
        insta::assert_snapshot!("bars_in_30_columns", drawn(30));
        for columns in 0..120 {
            for line in drawn(columns).lines() {
                assert!(crate::report::cells::width(line) <= columns.max(1), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn other_work_of_the_same_stage_starts_a_new_reckoning() {
        let start = Instant::now();
        let mut bar = Bar::new(progress(0, 10, "calibrating"), start);
        bar.advance(progress(10, 10, "calibrating"), start + Duration::from_secs(100));
        assert_eq!(bar.left(), Some(0.0));
        bar.advance(progress(0, 10, "writing"), start + Duration::from_secs(100));
        assert_eq!(bar.left(), None);
        bar.advance(progress(1, 10, "writing"), start + Duration::from_secs(101));
        assert_eq!(bar.left(), Some(9.0));
    }
}
