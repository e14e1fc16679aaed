//! The nearest legal name to a mistyped one.

/// The candidate nearest to `found`, if one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long garbage would only cost time.
    if found.len() > 100 {
        return None;
    }
    let found = normal(found);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&found, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(found.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letter case and the choice between `-`, blank and `_` are no differences.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', ' '], "_")
}

/// "did you mean `x`?", and all legal names.
#[must_use]
pub fn help(found: &str, what: &str, candidates: &[&str]) -> String {
    let list = list(candidates);
    match nearest(found, candidates.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}

/// Names with commas between them.
#[must_use]
pub fn list(names: &[&str]) -> String {
    names.join(", ")
}
