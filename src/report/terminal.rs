//! The run on a terminal, or in a file that stands in for one.
//!
//! What happens goes to standard error; the table of metrics and the last line, which says where the results are, go to
//! standard output. On a terminal each running stage has a progress bar with the time left; elsewhere a plain line is
//! written at most every ten seconds.

use super::{
    bar::Bar,
    cells::{fit, plain, width},
    colour, duration,
    metrics::Metrics,
    screen,
};
use crate::record::stood;
use crate::schedule::Subscriber;
use contract::{Event, EventKind, Progress};
use indexmap::IndexMap;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often a plain line tells of progress.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Where the table of metrics and the last line go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Standard output: they are what the run is for.
    Output,
    /// Standard error, where standard output belongs to programs.
    Error,
}

/// The subscriber that people look at.
pub struct Terminal {
    quiet: bool,
    colour: bool,
    ending: Ending,
    /// The bars of the running stages, in the order they began; none where nobody looks.
    bars: Option<IndexMap<String, Bar>>,
    /// When each stage's progress was last told, where there are no bars.
    told: BTreeMap<String, Instant>,
    /// Width of the stages' column.
    width: usize,
    metrics: Metrics,
    results: PathBuf,
    /// How to go on with a run that does not get done.
    go_on: String,
}

impl Terminal {
    /// Shows a run whose results go to `results`, and which `go_on` says how to go on with. A quiet one shows warnings,
    /// failures and the last lines.
    #[must_use]
    pub fn new(results: PathBuf, go_on: String, quiet: bool, ending: Ending) -> Self {
        Self {
            quiet,
            colour: colour(),
            ending,
            bars: (!quiet && screen::moves()).then(IndexMap::new),
            told: BTreeMap::new(),
            width: 0,
            metrics: Metrics::default(),
            results,
            go_on,
        }
    }

    /// A line that stays, above the bars.
    fn say(&self, stage: Option<&str>, text: &str) {
        let line = match stage {
            Some(stage) => {
                let behind = format!("\n{:width$}  ", "", width = self.width);
                format!("{}  {}\n", fit(stage, self.width), text.replace('\n', &behind))
            }
            None => format!("{text}\n"),
        };
        screen::screen().write(line.as_bytes());
    }

    /// A word in a colour, where there are colours.
    fn word(&self, word: &str, colour: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
    }

    fn warning(&self) -> String {
        self.word("warning:", "33")
    }

    fn progress(&mut self, stage: &str, progress: &Progress) {
        if self.quiet {
            return;
        }
        let Some(bars) = &mut self.bars else { return self.plain_progress(stage, progress) };
        let now = Instant::now();
        match bars.get_mut(stage) {
            Some(bar) => bar.advance(progress.clone(), now),
            None => drop(bars.insert(stage.to_owned(), Bar::new(progress.clone(), now))),
        }
        self.draw();
    }

    fn draw(&self) {
        let Some(bars) = &self.bars else { return };
        let columns = screen::columns();
        let name = self.width.min(columns / 3);
        screen::screen().show(bars.iter().map(|(stage, bar)| bar.line(stage, name, columns)).collect());
    }

    fn plain_progress(&mut self, stage: &str, progress: &Progress) {
        if self.told.get(stage).is_some_and(|at| at.elapsed() < PLAIN_INTERVAL) {
            return;
        }
        let Progress { label, done, total, note } = progress;
        let note = note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
        self.say(Some(stage), &plain(&format!("{label} ({done}/{total}){note}")));
        self.told.insert(stage.to_owned(), Instant::now());
    }

    fn end_of_bar(&mut self, stage: &str) {
        if self.bars.as_mut().is_some_and(|bars| bars.shift_remove(stage).is_some()) {
            self.draw();
        }
    }

    fn stage_event(&mut self, stage: &str, event: &Event) {
        let cached = if event.cached { " (stored)" } else { "" };
        match &event.kind {
            EventKind::StagePlanned { .. } => self.width = self.width.max(width(stage)),
            EventKind::Progress(progress) => self.progress(stage, progress),
            EventKind::Warning { message, .. } => {
                self.say(Some(stage), &format!("{} {}{cached}", self.warning(), plain(message)))
            }
            EventKind::StageFailed { code, message, help } => {
                self.end_of_bar(stage);
                let help = help.as_ref().map(|help| format!("\n  help: {}", plain(help))).unwrap_or_default();
                let text = if code == "cancelled" {
                    self.word("cancelled", "33")
                } else {
                    format!("{} {} [{code}]{help}", self.word("failed:", "1;31"), plain(message))
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
            EventKind::Note { message, .. } if !event.cached => self.say(Some(stage), &plain(message)),
            _ => {}
        }
        self.metrics.hear(event);
    }

    fn run_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { run, operation_mode, .. } if !self.quiet => {
                self.say(None, &format!("{operation_mode}: run {run}"));
            }
            EventKind::RunResumed { run, operation_mode, after, .. } if !self.quiet => {
                self.say(None, &format!("{operation_mode}: run {run}, which {}, goes on", stood(after)));
            }
            EventKind::Warning { message, .. } => {
                self.say(None, &format!("{} {}", self.warning(), plain(message)));
            }
            EventKind::Note { message, .. } if !self.quiet => self.say(None, &plain(message)),
            EventKind::RunFinished { outcome, seconds } => self.end(outcome, *seconds),
            _ => {}
        }
    }

    fn end(&mut self, outcome: &str, seconds: f64) {
        self.clear();
        let table = if self.quiet { String::new() } else { self.metrics.table() };
        let separator = if table.is_empty() { "" } else { "\n" };
        let (took, results) = (duration(seconds), self.results.display());
        let last = match outcome {
            "done" => format!("done in {took}; results are in {results}"),
            _ => format!(
                "{outcome} after {took}; nothing that is finished is lost, and what there is lies in {results}\nto go on: {}",
                self.go_on
            ),
        };
        let text = format!("{separator}{table}{separator}{last}\n");
        let written = match self.ending {
            Ending::Output => io::stdout().lock().write_all(text.as_bytes()),
            Ending::Error => io::stderr().lock().write_all(text.as_bytes()),
        };
        // Nobody may be reading any more.
        written.and_then(|()| io::stdout().flush()).ok();
    }

    /// Takes the bars away.
    fn clear(&mut self) {
        if let Some(bars) = &mut self.bars {
            bars.clear();
            self.draw();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.clear();
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
