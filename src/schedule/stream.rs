//! The one ordered stream of events.

use contract::{Event, EventKind};

/// Who wants to know what happens in a run.
pub trait Subscriber {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// A stage's process said something that is no event: a line of its standard error.
    fn text(&mut self, _stage: &str, _line: &str) {}

    /// Nothing more is to be told right now: time to write what a reader of files should see.
    fn pause(&mut self) {}

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

    /// Numbers events from `next` on.
    #[must_use]
    pub fn starting_at(mut self, next: u64) -> Self {
        self.next = next;
        self
    }

    /// Adds a subscriber; it hears what happens from now on.
    #[must_use]
    pub fn with(mut self, subscriber: impl Subscriber + 'a) -> Self {
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

    /// Nothing more is to be told right now.
    pub fn pause(&mut self) {
        self.subscribers.iter_mut().for_each(|subscriber| subscriber.pause());
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.subscribers.iter_mut().for_each(|subscriber| subscriber.tick());
    }

    /// What happened, without secrets.
    fn hidden(&self, mut kind: EventKind) -> EventKind {
        if let Some(hide) = &self.hide {
            kind.texts_mut().into_iter().for_each(|text| *text = hide(text));
        }
        kind
    }
}
