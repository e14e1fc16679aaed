//! What a program gets of the environment.
//!
//! A variable that happens to be set must not decide a result unseen. So a program starts with a few variables that say
//! where things are, the same language on every machine, and those that its entry lists, whose values are in its key.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

/// Passed on as they are and in no key: they say where programs, files and people are.
pub(crate) const INHERITED: [&str; 5] = [SEARCH_PATH, "HOME", "USER", "LOGNAME", "TMPDIR"];

/// The variable that says where programs are.
pub(crate) const SEARCH_PATH: &str = "PATH";

/// The same on every machine: the order of sorted lines, and Python that writes a line when it prints one.
const FIXED: [(&str, &str); 2] = [("LANG", "C.UTF-8"), ("PYTHONUNBUFFERED", "1")];

/// Digests of the values of the listed variables; none of one that is not set. Values may be secrets, and keys are kept.
pub(crate) fn digests(listed: &[String]) -> BTreeMap<String, Option<String>> {
    let digest = |value: OsString| blake3::hash(value.as_bytes()).to_hex().to_string();
    listed.iter().map(|name| (name.clone(), env::var_os(name).map(digest))).collect()
}

/// The environment of a program.
pub(crate) fn environment<'a>(listed: impl Iterator<Item = &'a str>) -> BTreeMap<OsString, OsString> {
    let fixed = FIXED.map(|(name, value)| (name.into(), value.into()));
    let passed = INHERITED.into_iter().chain(listed);
    let passed = passed.filter_map(|name| Some((name.into(), env::var_os(name)?)));
    fixed.into_iter().chain(passed).collect()
}

/// Whether a name can be a variable's.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit())
}

/// The folders in which programs are looked up.
pub(crate) fn search_path() -> Vec<std::path::PathBuf> {
    env::var_os(SEARCH_PATH).map(|path| env::split_paths::<OsStr>(&path).collect()).unwrap_or_default()
}
