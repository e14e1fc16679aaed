//! The engine's fail points; see [`contract::failpoint`].

pub use contract::failpoint::{VARIABLE, hit};

/// Every fail point of the engine, in the order a run meets them first.
pub const FAIL_POINTS: &[&str] = &[
    "store::verdict_before_rename",
    "record::folder_created",
    "record::run_before_rename",
    "record::run_after_rename",
    "store::attempt_before_lease",
    "store::attempt_created",
    "engine::after_spawn",
    "engine::before_publish",
    "store::object_before_rename",
    "store::object_after_rename",
    "store::manifest_before_rename",
    "store::manifest_after_rename",
    "engine::after_publish",
    "store::restore_before_rename",
    "store::restore_after_rename",
    "record::moved",
    "engine::after_materialise",
    "store::partial_before_rename",
    "store::partial_after_rename",
    "store::completion_before_rename",
    "cache::stat_before_rename",
    "cache::stat_after_rename",
    "cache::glance_before_rename",
    "cache::partial_before",
    "cache::partial_after",
    "cache::evict_before",
    "cache::evict_after",
    "cache::sweep_before",
    "cache::sweep_after",
    "cache::lock_before",
    "cache::lock_after",
    "cache::verify_before",
    "cache::verify_after",
    "cache::size_before_rename",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    /// All `hit("...")` in the sources, this file left out.
    fn placed(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                placed(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("failpoint.rs") {
                let text = fs_err::read_to_string(&path).unwrap();
                let calls = text.split("failpoint::hit(\"").skip(1);
                found.extend(calls.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned()));
            }
        }
    }

    #[test]
    fn the_list_names_exactly_the_places_in_the_sources() {
        let mut found = BTreeSet::new();
        placed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let listed: BTreeSet<String> = FAIL_POINTS.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(found, listed);
        assert_eq!(FAIL_POINTS.len(), listed.len(), "a name stands twice");
    }
}
