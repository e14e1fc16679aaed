//! Subscribers of the events: what people and files get to see of a run.

mod bytes;
mod diagnostic;
mod duration;
mod journal;
mod metrics;
mod table;
mod terminal;

pub use bytes::bytes;
pub use diagnostic::{colour, diagnostic, findings};
pub use duration::duration;
pub use journal::Journal;
pub use table::table;
pub use terminal::Terminal;
