//! Durations for people.

/// `0.8 s`, `42 s`, `3 min 05 s`, `2 h 07 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_two_units_at_most() {
        let shown: Vec<String> = [0.04, 9.4, 59.4, 185.0, 7_620.0].map(duration).into();
        assert_eq!(shown, ["0.0 s", "9.4 s", "59 s", "3 min 05 s", "2 h 07 min"]);
    }
}
