//! A sweep on a terminal, or in a file that stands in for one.
//!
//! Each variant that is finished has a line; at the bottom of a terminal one bar shows how far the sweep has come, with
//! the stages that run below it. What happens goes to standard error, the table and the last line to standard output.

use super::{
    follow::Followed,
    table::{Row, main_metrics, sweep_table},
    variant::label,
};
use crate::{
    record::{Outcome, SweepRecord, VariantRecord, resume_command},
    report::{Bar, Ending, cells, colour, count, duration, number, screen},
};
use contract::{Event, EventKind, Progress};
use indexmap::IndexMap;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often a plain line tells of progress.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Running stages that have a bar, at most.
const BARS: usize = 8;

/// What people see of a sweep.
pub struct Screen {
    quiet: bool,
    colour: bool,
    ending: Ending,
    moves: bool,
    results: PathBuf,
    short: IndexMap<String, String>,
    /// Variants in all, and their stages after merging.
    variants: usize,
    nodes: usize,
    finished: usize,
    failed: usize,
    hits: usize,
    done: usize,
    running: IndexMap<String, Option<Bar>>,
    whole: Bar,
    told: Instant,
}

impl Screen {
    /// Shows a sweep whose results go to `results`.
    #[must_use]
    pub fn new(
        results: PathBuf,
        quiet: bool,
        ending: Ending,
        variants: usize,
        nodes: usize,
        short: IndexMap<String, String>,
        finished: usize,
    ) -> Self {
        let now = Instant::now();
        let whole = Progress { label: String::new(), done: 0, total: nodes as u64, note: None };
        Self {
            quiet,
            colour: colour(),
            ending,
            moves: !quiet && screen::moves(),
            results,
            short,
            variants,
            nodes,
            finished,
            failed: 0,
            hits: 0,
            done: 0,
            running: IndexMap::new(),
            whole: Bar::new(whole, now),
            told: now,
        }
    }

    fn say(&self, text: &str) {
        screen::screen().write(format!("{text}\n").as_bytes());
    }

    fn word(&self, word: &str, colour: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{word}\x1b[0m") } else { word.to_owned() }
    }

    pub(super) fn event(&mut self, event: &Event) {
        match (&event.stage, &event.kind) {
            (
                None,
                EventKind::RunStarted { run, operation_mode, .. }
                | EventKind::RunResumed { run, operation_mode, .. },
            ) if !self.quiet => {
                let verb =
                    if matches!(event.kind, EventKind::RunResumed { .. }) { ", which goes on" } else { "" };
                self.say(&format!(
                    "{operation_mode}: sweep {run}{verb}, {}, {}",
                    count(self.variants, "variant"),
                    count(self.nodes, "stage")
                ));
            }
            (None, EventKind::Note { message, .. }) if !self.quiet => self.say(&cells::plain(message)),
            (None, EventKind::Warning { message, .. }) => {
                self.say(&format!("{} {}", self.word("warning:", "33"), cells::plain(message)));
            }
            (Some(stage), kind) => self.stage_event(stage, event, kind),
            _ => {}
        }
    }

    fn stage_event(&mut self, stage: &str, event: &Event, kind: &EventKind) {
        match kind {
            EventKind::StageStarted { .. } => {
                self.running.insert(stage.to_owned(), None);
                self.draw();
            }
            EventKind::Progress(progress) => {
                let now = Instant::now();
                match self.running.get_mut(stage) {
                    Some(Some(bar)) => bar.advance(progress.clone(), now),
                    Some(slot) => *slot = Some(Bar::new(progress.clone(), now)),
                    None => {}
                }
                self.draw();
            }
            EventKind::StageFinished { .. } => {
                self.running.shift_remove(stage);
                self.hits += usize::from(event.cached);
                self.advance();
            }
            EventKind::StageFailed { code, message, help } => {
                self.running.shift_remove(stage);
                let help =
                    help.as_ref().map(|help| format!("\n  help: {}", cells::plain(help))).unwrap_or_default();
                let text = match code.as_str() {
                    "cancelled" => self.word("cancelled", "33"),
                    _ => format!("{} {} [{code}]{help}", self.word("failed:", "1;31"), cells::plain(message)),
                };
                self.say(&format!("{}  {text}", cells::plain(stage)));
                self.advance();
            }
            EventKind::Warning { message, .. } if !event.cached => {
                let warning = self.word("warning:", "33");
                self.say(&format!("{}  {warning} {}", cells::plain(stage), cells::plain(message)));
            }
            _ => {}
        }
    }

    /// One more node is done.
    fn advance(&mut self) {
        self.done = (self.done + 1).min(self.nodes);
        let progress =
            Progress { label: self.label(), done: self.done as u64, total: self.nodes as u64, note: None };
        self.whole.advance(progress, Instant::now());
        self.draw();
    }

    /// How far it has come, in words.
    fn label(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let hits = if self.hits > 0 { format!(", {} stored", self.hits) } else { String::new() };
        format!(
            "{}/{} variants{failed}, {}/{} stages{hits}",
            self.finished, self.variants, self.done, self.nodes
        )
    }

    /// A variant is finished.
    pub(super) fn finished(&mut self, record: &VariantRecord, followed: &Followed<'_>) {
        self.finished += 1;
        self.failed += usize::from(record.outcome == Outcome::Failed);
        if self.quiet {
            return;
        }
        let row = row(record, followed);
        let mut metrics: Vec<String> = Vec::new();
        for (stage, name) in main_metrics(std::slice::from_ref(&row)) {
            let value = row.metrics.iter().find(|(own, metric, _)| *own == stage && *metric == name);
            metrics.extend(value.map(|(.., value)| format!("{name} {}", number(*value))));
        }
        let outcome = match record.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Failed => self.word("failed", "1;31"),
            other => self.word(other.as_str(), "33"),
        };
        let width = self.variants.saturating_sub(1).to_string().len();
        let values = cells::plain(&label(&record.values, &self.short));
        let line = format!("{:>width$}  {values}  {outcome}  {}", record.folder, metrics.join(", "));
        self.say(line.trim_end());
        self.draw();
    }

    pub(super) fn tick(&mut self) {
        if !self.quiet && !self.moves && self.told.elapsed() >= PLAIN_INTERVAL {
            self.told = Instant::now();
            let running: Vec<&str> = self.running.keys().map(String::as_str).take(BARS).collect();
            self.say(&format!("{}; running: {}", self.label(), cells::plain(&running.join(", "))));
        }
    }

    fn draw(&self) {
        if !self.moves {
            return;
        }
        let columns = screen::columns();
        let names = self.running.keys().map(|name| cells::width(name)).chain(["sweep".len()]);
        let width = names.max().unwrap_or(0).min(columns / 3);
        let mut lines = vec![self.whole.line("sweep", width, columns)];
        for (name, bar) in self.running.iter().take(BARS) {
            lines.push(match bar {
                Some(bar) => bar.line(name, width, columns),
                None => cells::cut(&cells::plain(name), columns.saturating_sub(1)),
            });
        }
        if let Some(more) = self.running.len().checked_sub(BARS).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        screen::screen().show(lines);
    }

    pub(super) fn end(
        &mut self,
        folder: &Path,
        record: &SweepRecord,
        followed: &[Followed<'_>],
        seconds: f64,
    ) {
        self.running.clear();
        self.clear();
        let by_position: IndexMap<usize, &Followed<'_>> =
            followed.iter().map(|followed| (followed.position, followed)).collect();
        let rows: Vec<Row<'_>> = record
            .variants
            .iter()
            .enumerate()
            .map(|(position, variant)| match by_position.get(&position) {
                Some(followed) => row(variant, followed),
                // It was done before this sweep went on, or has not started.
                None if self.quiet => Row::of(variant, Vec::new()),
                None => Row::kept(folder, variant).unwrap_or_else(|error| {
                    tracing::warn!("{error}; the table lacks what variant {} measured", variant.folder);
                    Row::of(variant, Vec::new())
                }),
            })
            .collect();
        let table = if self.quiet { String::new() } else { sweep_table(record, &rows) + "\n" };
        let counts: Vec<String> = [Outcome::Done, Outcome::Failed, Outcome::Cancelled]
            .into_iter()
            .map(|outcome| (record.count(outcome), outcome.as_str()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let results = self.results.display();
        let again = match record.outcome {
            Outcome::Done => String::new(),
            _ => format!(
                "\nnothing that is finished is lost; it goes on with: {}",
                resume_command(&self.results)
            ),
        };
        let text = format!(
            "\n{table}{} after {}; results are in {results}\ncompare them: pipeline compare {results}{again}\n",
            counts.join(", "),
            duration(seconds)
        );
        let text = if self.quiet { text.trim_start().to_owned() } else { text };
        let written = match self.ending {
            Ending::Output => io::stdout().lock().write_all(text.as_bytes()),
            Ending::Error => io::stderr().lock().write_all(text.as_bytes()),
        };
        // Nobody may be reading any more.
        written.and_then(|()| io::stdout().flush()).ok();
    }

    fn clear(&self) {
        if self.moves {
            screen::screen().show(Vec::new());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

fn row<'a>(variant: &'a VariantRecord, followed: &Followed<'_>) -> Row<'a> {
    let metrics = followed.measured().map(|(stage, name, value)| (stage.to_owned(), name.to_owned(), value));
    Row::of(variant, metrics.collect())
}
