//! The store: content-addressed artifacts, and which work made them.
//!
//! Below its root:
//!
//! ```text
//! CACHEDIR.TAG, format     what this folder is, and the version of this layout
//! objects/ab/cdef...       file contents under their BLAKE3 digest, read only
//! actions/FINGERPRINT.json which outputs and events a piece of work has; the rename of this file is the commit point
//! locks/FINGERPRINT.lock   kernel file locks
//! inputs/NAME.stat         digests of files from outside by their stamps
//! inputs/KEY.seen          what commands looked at that found nothing to do
//! runs/KEY.json            what finished runs left, so that a command with nothing to do need not look at everything
//! partial/FINGERPRINT/     checkpoints of unfinished work
//! attempts/NAME/           folders of stages that run now, held by the lock on the `lease` inside
//! sources/DIGEST.json      what a data set consists of, to say what has changed in it
//! downloads/KEY/DIGEST/    copies of what addresses name, each with what is known of it
//! verdicts/DIGEST.json     findings of preflights that were clean
//! leases/NAME              what a run in progress has found or made
//! size.json                how much all of it is, as far as is known
//! gc                       locked by who clears
//! tmp/                     files being written
//! ```
//!
//! Nothing is synced to disk on purpose: a file that a power cut shortens or loses is a miss, and one it garbles is
//! found when its digest is checked on the way out. The exception is a result with checkpoints: they go only once the
//! result is on the disk ([`Store::clear_partial`]), so that no power cut takes both. Every file appears by rename, so that a killed writer leaves no
//! half-written one under its name.

mod attempt;
mod bound;
mod canonical;
mod check;
mod clock;
mod completion;
mod digest;
mod document;
mod downloads;
mod error;
pub mod failpoint;
mod folder;
mod gc;
mod glance;
mod holder;
mod inputs;
mod key;
mod latest;
mod lease;
mod listing;
mod lock;
mod manifest;
mod objects;
mod os;
mod partial;
mod publish;
mod reading;
mod root;
mod stat_cache;
mod usage;
mod verdicts;

#[cfg(test)]
mod tests;

pub use attempt::Attempt;
pub use bound::Bound;
pub use canonical::canonical_json;
pub use check::{BadObject, BadResult, Checked, Checking};
pub use completion::Completion;
pub use digest::Digest;
pub use downloads::{FETCHED, OLD_DOWNLOAD, Progress};
pub use error::StoreError;
pub use gc::{Bounds, Cleared, ClearedResult};
pub use glance::{Glance, this_program};
pub use holder::{Engine, Holder};
pub use inputs::{SourceDigest, digest_source};
pub use key::{InputKey, KeyDocument, RecipeDocument};
pub use listing::{FileState, ImageListing, SourceListing};
pub use lock::FingerprintLock;
pub use manifest::{FileRecord, Manifest, OutputRecord, Stored};
pub use os::free_space;
pub use root::Store;
pub use stat_cache::StatCache;
pub use usage::{Amount, Part};
