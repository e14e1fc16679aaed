//! The stages through the contract, on small networks of the real architecture.

mod bench;
mod estimate;
mod measure;
mod published;
mod settings;
mod summary;
