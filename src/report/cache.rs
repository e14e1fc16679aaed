//! What the store holds and what became of it, for people and for programs.

use super::{cells::plain, count, table};
use crate::store::{Amount, Bound, Checked, Cleared, Part};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::SystemTime};

/// Version of the objects printed for programs; keys are only added to them.
const FORMAT: u32 = 1;

/// How much the store holds, as a table.
#[must_use]
pub fn usage(root: &Path, usage: &BTreeMap<Part, Amount>, bound: Bound, now: SystemTime) -> String {
    let since = |time: Option<SystemTime>| {
        time.map(|time| format!("{} ago", age(now.duration_since(time).unwrap_or_default().as_secs())))
    };
    let rows: Vec<[String; 5]> = Part::ALL
        .iter()
        .filter_map(|part| Some((part, usage.get(part)?)))
        .map(|(part, amount)| {
            let [oldest, newest] = [amount.oldest, amount.newest].map(|time| since(time).unwrap_or_default());
            [part.as_str().to_owned(), amount.count.to_string(), size(amount.bytes), oldest, newest]
        })
        .collect();
    let table = table(["part", "number", "size", "used longest ago", "used last"], &rows, &[1, 2]);
    let total: u64 = usage.values().map(|amount| amount.bytes).sum();
    let kept = match bound {
        Bound::Bytes(most) => format!("kept below {}", size(most)),
        Bound::Off => "without a bound".to_owned(),
    };
    format!("{}: {}, {kept}\n\n{table}", root.display(), size(total))
}

/// The same for programs.
#[must_use]
pub fn usage_json(root: &Path, usage: &BTreeMap<Part, Amount>, bound: Bound) -> String {
    let bytes: u64 = usage.values().map(|amount| amount.bytes).sum();
    let bound = match bound {
        Bound::Bytes(most) => Some(most),
        Bound::Off => None,
    };
    line(&json!({"format": FORMAT, "store": root, "bytes": bytes, "bound": bound, "parts": usage}))
}

/// What a check found.
#[must_use]
pub fn checked(root: &Path, checked: &Checked) -> String {
    let Checked { objects, bytes, results, bad_objects, bad_results } = checked;
    let seen = format!(
        "{}: {} ({}) of {} read",
        root.display(),
        count(objects, "object"),
        size(*bytes),
        count(results, "result")
    );
    if checked.is_sound() {
        return format!("{seen}, all are sound\n");
    }
    let mut text = format!("{seen}\n");
    if !bad_objects.is_empty() {
        text += &format!("\n{} corrupt and removed:\n", count(bad_objects.len(), "object"));
        for bad in bad_objects {
            let of = if bad.files.is_empty() { "of no result".to_owned() } else { bad.files.join(", ") };
            text += &format!("  {}  {}: {}\n", bad.digest, plain(&of), plain(&bad.problem));
        }
    }
    if !bad_results.is_empty() {
        text += &format!(
            "\n{} that cannot be used, removed to be made again:\n",
            count(bad_results.len(), "result")
        );
        for bad in bad_results {
            let stage = bad.stage.as_deref().unwrap_or("(unknown stage)");
            let stays = if bad.in_use { "; left in place, as a run uses it" } else { "" };
            text += &format!("  {}  {}: {}{stays}\n", bad.fingerprint, plain(stage), plain(&bad.problem));
        }
    }
    text
}

/// The same for programs.
#[must_use]
pub fn checked_json(root: &Path, checked: &Checked) -> String {
    let head = json!({"format": FORMAT, "store": root, "sound": checked.is_sound()});
    line(&with(head, json!(checked)))
}

/// What was cleared away, or would be.
#[must_use]
pub fn cleared(root: &Path, cleared: &Cleared, dry_run: bool) -> String {
    let Cleared { results, parts, in_use, bytes_before, bytes_after, .. } = cleared;
    let removed = if dry_run { "would be removed" } else { "removed" };
    let mut text = String::new();
    if !results.is_empty() {
        let rows: Vec<[String; 4]> = results
            .iter()
            .map(|result| {
                let why = match &result.damage {
                    Some(damage) => damage.clone(),
                    None => format!("not used for {}", age(result.idle_seconds)),
                };
                let stage = result.stage.clone().unwrap_or_else(|| "(unknown)".to_owned());
                [stage, size(result.bytes), why, result.fingerprint.to_string().chars().take(12).collect()]
            })
            .collect();
        text += &table(["result of", "size", "why", "fingerprint"], &rows, &[1]);
        text.push('\n');
    }
    let what: Vec<String> = parts
        .iter()
        .map(|(part, amount)| format!("{} {} ({})", amount.count, part.as_str(), size(amount.bytes)))
        .collect();
    match what.as_slice() {
        [] => text += "nothing to remove\n",
        what => text += &format!("{removed}: {}\n", what.join(", ")),
    }
    if *in_use > 0 {
        text += &format!("{} beyond the bounds stay: runs use them\n", count(*in_use as usize, "result"));
    }
    let (before, after) = (size(*bytes_before), size(*bytes_after));
    let verb = if dry_run { "would hold" } else { "holds" };
    text + &format!("{} {verb} {after} (before: {before})\n", root.display())
}

/// The same for programs.
#[must_use]
pub fn cleared_json(root: &Path, cleared: &Cleared, dry_run: bool) -> String {
    let head = json!({"format": FORMAT, "store": root, "dry_run": dry_run});
    line(&with(head, json!(cleared)))
}

/// What a run tells of results that were cleared away at its end.
#[must_use]
pub fn cleared_note(cleared: &Cleared, most: u64) -> String {
    let stages: Vec<&str> = {
        let mut stages: Vec<&str> =
            cleared.results.iter().filter_map(|result| result.stage.as_deref()).collect();
        stages.sort_unstable();
        stages.dedup();
        stages
    };
    let what = match (cleared.results.iter().map(|result| result.idle_seconds).min(), stages.as_slice()) {
        (Some(idle), [_, ..]) => format!(
            "{} that were not used for {} or longer ({})",
            count(cleared.results.len(), "result"),
            age(idle),
            stages.join(", ")
        ),
        _ => "what no result needs".to_owned(),
    };
    let is_beyond = cleared.bytes_after > most;
    let (most, left) = (size(most), size(cleared.bytes_after));
    if cleared.parts.is_empty() {
        return format!(
            "the store holds {left}, which is beyond {most}, but all of it is in use or a checkpoint of unfinished work; \
             PIPELINE_CACHE_SIZE sets another bound"
        );
    }
    let freed = size(cleared.bytes_before.saturating_sub(cleared.bytes_after));
    let stays = if cleared.stopped {
        "; the rest goes when the next run ends".to_owned()
    } else if is_beyond {
        format!("; {left} are in use or checkpoints and stay")
    } else {
        String::new()
    };
    format!(
        "the store grew beyond {most}, so {what} went, {freed}{stays}; PIPELINE_CACHE_SIZE sets another bound"
    )
}

/// How far a check has come.
#[must_use]
pub fn checking(done: u64, all: u64) -> String {
    let percent = if all == 0 { 100 } else { (done.min(all) as f64 / all as f64 * 100.0) as u32 };
    format!("verifying  {percent:>3}%  {} of {}", size(done), size(all))
}

/// An object with the fields of another behind its own.
fn with(mut head: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut head, more) {
        fields.extend(more);
    }
    head
}

fn line(value: &Value) -> String {
    format!("{value:#}\n")
}

/// An amount in the units in which bounds are given: `512 B`, `1.5 kB`, `20 GB`.
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if unit == "B" || value >= 10.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// A span in one unit: `40 s`, `5 min`, `3 h`, `12 days`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{BadObject, BadResult, ClearedResult, Digest};
    use std::time::Duration;

    const DAY: u64 = 86_400;

    fn root() -> &'static Path {
        Path::new("/home/u/.cache/pipeline")
    }

    fn amount(count: u64, bytes: u64, oldest: u64, newest: u64) -> Amount {
        let then = |days| Some(now() - Duration::from_secs(days * DAY));
        Amount { count, bytes, oldest: then(oldest), newest: then(newest) }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(20_000 * DAY)
    }

    fn some_usage() -> BTreeMap<Part, Amount> {
        BTreeMap::from([
            (Part::Objects, amount(120, 15_300_000_000, 40, 0)),
            (Part::Results, amount(31, 412_000, 40, 0)),
            (Part::Partials, amount(1, 96_000_000, 3, 3)),
            (Part::Verdicts, Amount::default()),
        ])
    }

    #[test]
    fn what_the_store_holds_is_a_table_or_an_object() {
        insta::assert_snapshot!("cache_usage", usage(root(), &some_usage(), Bound::default(), now()));
        insta::assert_snapshot!("cache_usage_json", usage_json(root(), &some_usage(), Bound::Off));
    }

    #[test]
    fn a_check_names_what_was_corrupt() {
        let (object, result) = (Digest::of(b"object"), Digest::of(b"result"));
        let one = Checked { objects: 1, bytes: 3, results: 1, ..Checked::default() };
        assert_eq!(checked(Path::new("S"), &one), "S: 1 object (3 B) of 1 result read, all are sound\n");
        let sound = Checked { objects: 12, bytes: 3_000_000, results: 4, ..Checked::default() };
        let bad = Checked {
            bad_objects: vec![BadObject {
                digest: object,
                problem: "its bytes are not those that were stored".to_owned(),
                files: vec!["train: saved_models/best_model.h5".to_owned()],
            }],
            bad_results: vec![
                BadResult {
                    stage: Some("train".to_owned()),
                    fingerprint: result,
                    problem: "`saved_models/best_model.h5` is corrupt".to_owned(),
                    in_use: false,
                },
                BadResult {
                    stage: None,
                    fingerprint: object,
                    problem: "its checksum is wrong".to_owned(),
                    in_use: true,
                },
            ],
            ..sound.clone()
        };
        let text = [checked(root(), &sound), checked(root(), &bad), checked_json(root(), &bad)].join("---\n");
        insta::assert_snapshot!("cache_checked", text);
    }

    #[test]
    fn a_clearing_says_what_went_by_stage_size_and_age() {
        let result = |stage: Option<&str>, bytes, idle_seconds, damage: Option<&str>| ClearedResult {
            stage: stage.map(str::to_owned),
            fingerprint: Digest::of(&[bytes as u8]),
            bytes,
            idle_seconds,
            damage: damage.map(str::to_owned),
        };
        let done = Cleared {
            results: vec![
                result(None, 900, 5 * DAY, Some("its checksum is wrong")),
                result(Some("train"), 9_400_000, 40 * DAY, None),
                result(Some("quantize"), 810_000, 12 * DAY, None),
            ],
            parts: BTreeMap::from([
                (Part::Objects, amount(11, 10_200_000, 40, 12)),
                (Part::Results, amount(3, 12_000, 40, 12)),
            ]),
            in_use: 2,
            bytes_before: 21_400_000_000,
            bytes_after: 21_389_788_000,
            stopped: false,
        };
        let nothing = Cleared { bytes_before: 10, bytes_after: 10, ..Cleared::default() };
        let text = [
            cleared(root(), &done, false),
            cleared(root(), &done, true),
            cleared(root(), &nothing, false),
            cleared_json(root(), &done, true),
            cleared_note(&done, 20_000_000_000) + "\n",
            cleared_note(&done, 22_000_000_000) + "\n",
            cleared_note(&nothing, 5) + "\n",
            cleared_note(&Cleared { stopped: true, ..done.clone() }, 20_000_000_000) + "\n",
        ];
        insta::assert_snapshot!("cache_cleared", text.join("---\n"));
    }

    #[test]
    fn progress_is_told_in_percent_and_bytes() {
        assert_eq!(checking(340_000_000, 1_000_000_000), "verifying   34%  340 MB of 1.0 GB");
        assert_eq!(checking(0, 0), "verifying  100%  0 B of 0 B");
    }
}
