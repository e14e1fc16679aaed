//! Fail points: places at which a test can make the process die, to prove that the next run goes on unharmed.
//!
//! `PIPELINE_FAILPOINT=name:N` aborts the process when it reaches the place `name` for the Nth time. Unset, a place
//! costs one atomic load.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// The environment variable that arms a fail point.
pub const VARIABLE: &str = "PIPELINE_FAILPOINT";

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
    "engine::after_materialise",
    "store::partial_before_rename",
    "store::partial_after_rename",
];

struct Armed {
    name: String,
    left: AtomicU64,
}

/// Says that the process has reached the place `name`. Returns, unless a test armed it.
pub fn hit(name: &'static str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(text) => parse(&text).unwrap_or_else(|problem| die(&problem)),
        Err(_) => None,
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        die(&format!("fail point {name}"));
    }
}

/// What a variable's text arms in this process: nothing when the place is a stage's, which dies on its own.
fn parse(text: &str) -> Result<Option<Armed>, String> {
    let problem =
        || format!("{VARIABLE}={text}: expected NAME:N with N from 1 and NAME one of {FAIL_POINTS:?}");
    let (name, count) = text.rsplit_once(':').ok_or_else(problem)?;
    let count: u64 = count.parse().map_err(|_| problem())?;
    let is_ours = ["engine::", "record::", "store::"].iter().any(|part| name.starts_with(part));
    if count == 0 || (is_ours && !FAIL_POINTS.contains(&name)) {
        return Err(problem());
    }
    Ok(is_ours.then(|| Armed { name: name.to_owned(), left: AtomicU64::new(count) }))
}

/// Dies as a kill would have it: no destructor runs, no buffer is flushed.
fn die(why: &str) -> ! {
    eprintln!("{why}: aborting");
    std::process::abort()
}

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

    #[test]
    fn a_fail_point_is_armed_by_name_and_count_and_anything_else_is_refused() {
        let armed = parse("store::object_before_rename:3").unwrap().unwrap();
        assert_eq!((armed.name.as_str(), armed.left.into_inner()), ("store::object_before_rename", 3));
        for text in ["", "store::object_before_rename", "store::object_before_rename:0", "store::nowhere:1"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("train::after_checkpoint:2").unwrap().is_none(), "that place is in a stage's process");
    }
}
