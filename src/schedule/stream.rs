//! The one ordered stream of events.

use contract::{Event, EventKind, Progress};
use serde_json::Value;

/// Who wants to know what happens in a run.
pub trait Subscriber {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// A stage's process said something that is no event: a line of its standard error.
    fn text(&mut self, _stage: &str, _line: &str) {}

    /// Comes several times a second, whatever happens: time to write what was put off.
    fn tick(&mut self) {}
}

/// Takes secrets out of a text.
type Hide<'a> = Box<dyn Fn(&str) -> String + 'a>;

/// Numbers events, dates them and hands each to all subscribers before the next.
#[derive(Default)]
pub struct EventStream<'a> {
    next: u64,
    subscribers: Vec<Box<dyn Subscriber + 'a>>,
    /// What takes secrets out of a text.
    hide: Option<Hide<'a>>,
}

impl<'a> EventStream<'a> {
    /// A stream that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscriber; it hears what happens from now on.
    #[must_use]
    pub fn with(mut self, subscriber: impl Subscriber + 'a) -> Self {
    /// Numbers events from `next` on.
    #[must_use]
    pub fn starting_at(mut self, next: u64) -> Self {
        self.next = next;
        self
    }

        self.subscribers.push(Box::new(subscriber));
        self
    }

    /// Takes secrets out of every text from now on, for all subscribers.
    #[must_use]
    pub fn hiding(mut self, hide: impl Fn(&str) -> String + 'a) -> Self {
        self.hide = Some(Box::new(hide));
        self
    }

    /// Something happened: in the run itself, or in the given attempt of a stage.
    pub fn emit(&mut self, stage: Option<(&str, u32)>, cached: bool, kind: EventKind) {
        let event = Event {
            seq: self.next,
            at: jiff::Timestamp::now().to_string(),
            stage: stage.map(|(name, _)| name.to_owned()),
            attempt: stage.map_or(0, |(_, attempt)| attempt),
            cached,
            kind: self.hidden(kind),
        };
        // Progress is shown and not stored. It has the number of the event that follows, so that those on disk, which
        // are the run's history, have no gaps.
        if !matches!(event.kind, EventKind::Progress(_)) {
            self.next += 1;
        }
        for subscriber in &mut self.subscribers {
            subscriber.event(&event);
        }
    }

    /// A stage's process said something that is no event.
    pub fn text(&mut self, stage: &str, line: &str) {
        let line = self.hide.as_ref().map_or_else(|| line.to_owned(), |hide| hide(line));
        for subscriber in &mut self.subscribers {
            subscriber.text(stage, &line);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.subscribers.iter_mut().for_each(|subscriber| subscriber.tick());
    }

    /// What happened, without secrets in messages for people.
    fn hidden(&self, kind: EventKind) -> EventKind {
        let Some(hide) = &self.hide else { return kind };
        // Progress comes often.
        if let EventKind::Progress(progress) = kind {
            let (label, note) = (hide(&progress.label), progress.note.as_deref().map(hide));
            return EventKind::Progress(Progress { label, note, ..progress });
        }
        let Ok(mut value) = serde_json::to_value(&kind) else { return kind };
        if !hide_in(&mut value, hide) {
            return kind;
        }
        serde_json::from_value(value).unwrap_or(kind)
    }
}

/// Takes secrets out of every text of a value; false where there was none.
fn hide_in(value: &mut Value, hide: &dyn Fn(&str) -> String) -> bool {
    match value {
        Value::String(text) => {
            let hidden = hide(text);
            let changed = hidden != *text;
            *text = hidden;
            changed
        }
        Value::Array(items) => items.iter_mut().fold(false, |changed, item| hide_in(item, hide) | changed),
        Value::Object(fields) => {
            fields.iter_mut().fold(false, |changed, (_, field)| hide_in(field, hide) | changed)
        }
        _ => false,
    }
}
