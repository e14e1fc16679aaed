//! The one ordered stream of events.

use contract::{Event, EventKind};

/// Who wants to know what happens in a run.
pub trait Subscriber {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// A stage's process said something that is no event: a line of its standard error.
    fn text(&mut self, _stage: &str, _line: &str) {}
}

/// Numbers events, dates them and hands each to all subscribers before the next.
#[derive(Default)]
pub struct EventStream<'a> {
    next: u64,
    subscribers: Vec<Box<dyn Subscriber + 'a>>,
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
        self.subscribers.push(Box::new(subscriber));
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
            kind,
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
        for subscriber in &mut self.subscribers {
            subscriber.text(stage, line);
        }
    }
}
