//! Times of a run in its own values: `${now:%Y_%m_%d_%H_%M_%S}` makes names that differ and say nothing.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// How far a time in a value may be from the start of the run, seconds: a configuration is read before the run starts.
const NEAR: i64 = 60;

/// The farthest that clocks on walls are from UTC, and their smallest step, seconds.
const FARTHEST_ZONE: i64 = 15 * 3600;
const ZONE_STEP: i64 = 15 * 60;

/// The text with `…` for every date, with or without a time, that is when the run `started`, in whatever time zone. Other
/// dates stay: they may be a data set's.
pub(super) fn timeless(text: &str, started: Timestamp) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        let length = if inside { None } else { time(rest, started) };
        inside = c.is_ascii_digit();
        match length {
            Some(length) => {
                kept.push('…');
                rest = &rest[length..];
            }
            None => {
                kept.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    kept
}

/// The length of the time that the text begins with.
fn time(text: &str, started: Timestamp) -> Option<usize> {
    [14, 12, 8].into_iter().find_map(|wanted| {
        let (digits, length) = digits(text, wanted)?;
        is_start(&digits, started).then_some(length)
    })
}

/// So many digits with at most one separator between two of them, and the length of the text that they take.
fn digits(text: &str, wanted: usize) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut separated = true;
    for (at, c) in text.char_indices() {
        match c {
            c if c.is_ascii_digit() && digits.len() == wanted => return None,
            c if c.is_ascii_digit() => digits.push(c),
            '-' | '_' | ':' | '.' | '/' | 'T' | ' ' if !separated && digits.len() < wanted => {}
            _ => return (digits.len() == wanted).then_some((digits, at)),
        }
        separated = !c.is_ascii_digit();
    }
    (digits.len() == wanted).then_some((digits, text.len()))
}

/// Whether digits, from the year on, are when the run started.
fn is_start(digits: &str, started: Timestamp) -> bool {
    let part =
        |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i8>().ok()).unwrap_or(0);
    let year = digits.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
    let parsed = DateTime::new(year, part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14), 0);
    let Some(at) = parsed.ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok()) else { return false };
    let apart = at.timestamp().as_second() - started.as_second();
    match digits.len() {
        // Some time of that day, somewhere.
        8 => (-FARTHEST_ZONE - 86_400..=FARTHEST_ZONE).contains(&apart),
        _ => {
            let beside = apart.rem_euclid(ZONE_STEP);
            apart.abs() <= FARTHEST_ZONE + NEAR && (beside <= NEAR || beside >= ZONE_STEP - 2 * NEAR)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_the_run_is_left_out_in_every_notation_and_other_dates_stay() {
        let started: Timestamp = "2026-11-22T21:00:03.5Z".parse().unwrap();
        let left = |text: &str| timeless(text, started);
        for (text, wanted) in [
            ("out/2026_11_22_21_00_02/models", "out/…/models"),
            ("2026-11-22", "…"),
            ("run 2026-11-22T23:00:03 of x", "run … of x"),
            ("20261123_0230", "…"),
            ("é2026.11.22é", "é…é"),
            ("2026_11_22_21_07_44", "…_21_07_44"),
        ] {
            assert_eq!(left(text), wanted);
        }
        for text in ["camvid_2024_01_01", "12026-11-22", "20261122000", "1/127.5", "2026-99-99"] {
            assert_eq!(left(text), text);
        }
    }
}
