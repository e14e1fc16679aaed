//! Subscribers of the events: what people and files get to see of a run.

mod bar;
mod bytes;
pub mod cache;
pub(crate) mod cells;
pub mod compare;
mod count;
mod diagnostic;
mod duration;
mod explanation;
mod fetching;
mod journal;
mod json_lines;
mod metrics;
mod page;
mod run_list;
mod run_view;
pub(crate) mod screen;
mod table;
mod terminal;
mod unchanged;

pub(crate) use bar::Bar;
pub use bytes::bytes;
pub(crate) use count::count;
pub use diagnostic::{colour, diagnostic, findings};
pub use duration::duration;
pub use explanation::{CauseView, ExplainView, KeyView, StageView};
pub use fetching::fetching;
pub use journal::Journal;
pub use json_lines::JsonLines;
pub(crate) use metrics::number;
pub use page::page;
pub use run_list::{RunLine, local, run_list, run_list_json};
pub use run_view::RunView;
pub use table::{columns, table};
pub use terminal::{Ending, Terminal};
pub use unchanged::unchanged;
