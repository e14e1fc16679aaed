//! Many variants of one configuration, run as one plan.
//!
//! - [`combine`]: the values of the command line and of the `sweep` section become the changes of each variant
//! - [`display_names`]: what the nodes of the merged plan ([`crate::plan::Merged`]) are called
//! - [`Follow`]: each event of the merged plan goes to the run folders of the variants that it is about; `sweep.json` is
//!   kept up to date, and whoever looks is told
//! - `lines` and `screen`: the same for programs and for people
//!
//! A sweep's folder holds `sweep.json` and a complete run folder for each variant. The scheduler knows nothing of
//! variants: it runs one plan, whose nodes have their files in several places.

mod combine;
mod files;
mod follow;
mod lines;
mod names;
mod screen;
mod table;
mod variant;

pub use combine::combine;
pub(crate) use follow::record as sweep_record;
pub use follow::{Follow, Followed};
pub use lines::Lines;
pub use names::{display_names, short_keys};
pub use screen::Screen;
pub use table::{Row, sweep_table};
pub use variant::Variant;
pub(crate) use variant::text as shown;
