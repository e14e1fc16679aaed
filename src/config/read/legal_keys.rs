//! The list of all legal keys: a configuration is read from a hole, and what it asks for are they.

use super::{Report, reader::Reader};
use crate::config::{node::Node, path::KeyPath};
use contract::Config;
use serde::de::Deserialize;
use std::{cell::RefCell, collections::BTreeMap};

/// The legal keys of each mapping, by its path.
pub(in crate::config) type LegalKeys = BTreeMap<KeyPath, &'static [&'static str]>;

/// What a hole was asked for.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) keys: LegalKeys,
    /// Which of its names the one thing has that stands in each mapping whose order counts.
    pub(super) turn: usize,
    /// How many such names there are at most.
    pub(super) turns: usize,
}

/// The legal keys of every mapping of a configuration.
pub(in crate::config) fn legal_keys() -> LegalKeys {
    let hole = Node::hole(None);
    let mut asked = Asked::default();
    loop {
        let report = RefCell::new(Report { asked: Some(asked), ..Report::default() });
        let reader = Reader { node: &hole, key: None, path: KeyPath::default(), report: &report };
        // Nothing can fail here; if a type refuses its holes, hints about its keys are all that is lost.
        let _ = Config::deserialize(reader);
        asked = report.into_inner().asked.unwrap_or_default();
        asked.turn += 1;
        if asked.turn >= asked.turns {
            return asked.keys;
        }
    }
}
