//! Events in words.

use contract::EventKind;

/// How a run stood before it went on, behind `which`.
pub(crate) fn stood(after: &str) -> String {
    match after {
        "failed" => "had failed".to_owned(),
        other => format!("was {other}"),
    }
}

/// An event as a line for people; nothing for what is only shown as it happens.
#[must_use]
pub fn describe(kind: &EventKind) -> Option<String> {
    let short = |fingerprint: &str| fingerprint.chars().take(12).collect::<String>();
    Some(match kind {
        EventKind::Progress(_) => return None,
        EventKind::RunStarted { run, operation_mode, .. } => format!("run {run} starts: {operation_mode}"),
        EventKind::RunResumed { run, operation_mode, after, .. } => {
            format!("run {run}, which {}, goes on: {operation_mode}", stood(after))
        }
        EventKind::StagePlanned { after } if after.is_empty() => "planned".to_owned(),
        EventKind::StagePlanned { after } => format!("planned after {}", after.join(", ")),
        EventKind::StageStarted { fingerprint } => format!("starts ({})", short(fingerprint)),
        EventKind::CacheHit { fingerprint } => format!("the store has its result ({})", short(fingerprint)),
        EventKind::Metric { name, step: Some(step), value } => format!("{name} = {value} (step {step})"),
        EventKind::Metric { name, step: None, value } => format!("{name} = {value}"),
        EventKind::Figure { title, path } => format!("figure: {title} ({path})"),
        EventKind::Note { message, .. } => message.clone(),
        EventKind::Warning { message, .. } => format!("warning: {message}"),
        EventKind::ArtifactPublished { path, bytes, .. } => format!("wrote {path} ({bytes} bytes)"),
        EventKind::StageFinished { seconds } => format!("done in {seconds:.1} s"),
        EventKind::StageFailed { code, message, help: None } => format!("failed: {message} [{code}]"),
        EventKind::StageFailed { code, message, help: Some(help) } => {
            format!("failed: {message} [{code}]; help: {help}")
        }
        EventKind::RunFinished { outcome, seconds } => format!("run {outcome} after {seconds:.1} s"),
    })
}

#[cfg(test)]
mod tests {
    use super::stood;

    #[test]
    fn a_run_had_failed_and_was_anything_else() {
        assert_eq!(
            ["failed", "killed", "cancelled"].map(stood),
            ["had failed", "was killed", "was cancelled"]
        );
    }
}
