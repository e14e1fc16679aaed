//! The run on a terminal, or in a file that stands in for one.
//!
//! What happens goes to standard error; the table of metrics and the last line, which says where the results are, go to
//! standard output. On a terminal each running stage has a progress bar with the time left; elsewhere a plain line is
//! written at most every ten seconds.

use super::{duration, metrics::Metrics};
use crate::schedule::Subscriber;
use contract::{Event, EventKind, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often a plain line tells of progress.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// The subscriber that people look at.
pub struct Terminal {
    quiet: bool,
    /// Bars are drawn only for eyes.
    bars: Option<MultiProgress>,
    /// The bar of each running stage.
    running: BTreeMap<String, ProgressBar>,
    /// When each stage's progress was last told, where there are no bars.
    told: BTreeMap<String, Instant>,
    /// Width of the stages' column.
    width: usize,
    metrics: Metrics,
    results: PathBuf,
}

impl Terminal {
    /// Shows a run whose results go to `results`. A quiet one shows warnings, failures and the last line.
    #[must_use]
    pub fn new(results: PathBuf, quiet: bool) -> Self {
        let for_eyes = !quiet
            && io::stderr().is_terminal()
            && ["NO_COLOR", "CI"].iter().all(|name| std::env::var_os(name).is_none());
        Self {
            quiet,
            bars: for_eyes.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10))),
            running: BTreeMap::new(),
            told: BTreeMap::new(),
            width: 0,
            metrics: Metrics::default(),
            results,
        }
    }

    /// A line that stays, above the bars.
    fn say(&self, stage: Option<&str>, text: &str) {
        let width = self.width;
        let line = match stage {
            Some(stage) => format!("{stage:width$}  {}", text.replace('\n', &format!("\n{:width$}  ", ""))),
            None => text.to_owned(),
        };
        match &self.bars {
            Some(bars) => bars.suspend(|| writeln!(io::stderr(), "{line}")).ok(),
            // Nobody may be listening; the run goes on all the same.
            None => writeln!(io::stderr(), "{line}").ok(),
        };
    }

    fn progress(&mut self, stage: &str, progress: &Progress) {
        if self.quiet {
            return;
        }
        let Some(bars) = &self.bars else { return self.plain_progress(stage, progress) };
        let message = match &progress.note {
            Some(note) => format!("{}  {note}", progress.label),
            None => progress.label.clone(),
        };
        let bar = self.running.entry(stage.to_owned()).or_insert_with(|| {
            let template = "{prefix}  {msg}  {bar:24} {pos}/{len}  {eta} left";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let prefix = format!("{stage:width$}", width = self.width);
            let bar = ProgressBar::hidden().with_style(style).with_prefix(prefix);
            bar.set_length(progress.total);
            bar.set_message(message.clone());
            bars.add(bar)
        });
        bar.set_message(message);
        // Less done than before: other work of the same stage, whose speed says nothing of this one's.
        if progress.done < bar.position() || bar.length() != Some(progress.total) {
            bar.set_length(progress.total);
            bar.reset_eta();
        }
        bar.set_position(progress.done);
    }

    fn plain_progress(&mut self, stage: &str, progress: &Progress) {
        if self.told.get(stage).is_some_and(|at| at.elapsed() < PLAIN_INTERVAL) {
            return;
        }
        let Progress { label, done, total, note } = progress;
        let note = note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
        self.say(Some(stage), &format!("{label} ({done}/{total}){note}"));
        self.told.insert(stage.to_owned(), Instant::now());
    }

    fn end_of_bar(&mut self, stage: &str) {
        if let Some(bar) = self.running.remove(stage) {
            bar.finish_and_clear();
        }
    }

    fn stage_event(&mut self, stage: &str, event: &Event) {
        let cached = if event.cached { " (stored)" } else { "" };
        match &event.kind {
            EventKind::StagePlanned { .. } => self.width = self.width.max(stage.chars().count()),
            EventKind::Progress(progress) => self.progress(stage, progress),
            EventKind::Warning { message, .. } => {
                self.say(Some(stage), &format!("warning: {message}{cached}"))
            }
            EventKind::StageFailed { code, message, help } => {
                self.end_of_bar(stage);
                let help = help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
                let text = if code == "cancelled" {
                    "cancelled".to_owned()
                } else {
                    format!("failed: {message} [{code}]{help}")
                };
                self.say(Some(stage), &text);
            }
            EventKind::StageFinished { seconds } => {
                self.end_of_bar(stage);
                if !self.quiet && !event.cached {
                    self.say(Some(stage), &format!("done in {}", duration(*seconds)));
                }
            }
            _ if self.quiet => {}
            EventKind::StageStarted { .. } => self.say(Some(stage), "starts"),
            EventKind::CacheHit { .. } => self.say(Some(stage), "stored result, not run again"),
            EventKind::Note { message } if !event.cached => self.say(Some(stage), message),
            _ => {}
        }
        self.metrics.hear(event);
    }

    fn run_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { run, operation_mode, .. } if !self.quiet => {
                self.say(None, &format!("{operation_mode}: run {run}"));
            }
            EventKind::Warning { message, .. } => self.say(None, &format!("warning: {message}")),
            EventKind::Note { message } if !self.quiet => self.say(None, message),
            EventKind::RunFinished { outcome, seconds } => self.end(outcome, *seconds),
            _ => {}
        }
    }

    fn end(&self, outcome: &str, seconds: f64) {
        let mut out = io::stdout().lock();
        let table = if self.quiet { String::new() } else { self.metrics.table() };
        let separator = if table.is_empty() { "" } else { "\n" };
        let last = match outcome {
            "done" => format!("done in {}; results are in {}", duration(seconds), self.results.display()),
            _ => format!(
                "{outcome} after {}; what there is lies in {}",
                duration(seconds),
                self.results.display()
            ),
        };
        // Nobody may be reading any more.
        writeln!(out, "{separator}{table}{separator}{last}").and_then(|()| out.flush()).ok();
    }
}

impl Subscriber for Terminal {
    fn event(&mut self, event: &Event) {
        match &event.stage {
            Some(stage) => self.stage_event(stage, event),
            None => self.run_event(event),
        }
    }
}
