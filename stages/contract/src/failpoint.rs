//! Fail points: places at which a test can make the process die, to prove that the next run goes on unharmed.
//!
//! `PIPELINE_FAILPOINT=name:N` aborts the process when it reaches the place `name` for the Nth time. Unset, a place costs
//! one atomic load. The engine and every stage with fail points list theirs in a constant, and a test visits each.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// The environment variable that arms a fail point.
pub const VARIABLE: &str = "PIPELINE_FAILPOINT";

struct Armed {
    name: String,
    left: AtomicU64,
}

/// Says that the process has reached the place `name`. Returns, unless a test armed it.
pub fn hit(name: &'static str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let text = std::env::var(VARIABLE).ok()?;
        Some(
            parse(&text).unwrap_or_else(|| die(&format!("{VARIABLE}={text}: expected NAME:N with N from 1"))),
        )
    });
    if let Some(armed) = armed
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        die(&format!("fail point {name}"));
    }
}

fn parse(text: &str) -> Option<Armed> {
    let (name, count) = text.rsplit_once(':')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    Some(Armed { name: name.to_owned(), left: AtomicU64::new(count) })
}

/// Dies as a kill would have it: no destructor runs, no buffer is flushed.
fn die(why: &str) -> ! {
    eprintln!("{why}: aborting");
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_point_is_armed_by_name_and_count_and_anything_else_is_refused() {
        let armed = parse("store::object_before_rename:3").expect("armed");
        assert_eq!((armed.name.as_str(), armed.left.into_inner()), ("store::object_before_rename", 3));
        for text in ["", "store::object_before_rename", "store::object_before_rename:0", "train::x:y"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
