//! Amounts of memory and disk for people.

/// `512 B`, `1.5 KiB`, `20 MiB`, `3.2 GiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" || value >= 10.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_the_largest_unit_they_fill() {
        let shown = [0, 1023, 1536, 20 << 20, 3435973837].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "20 MiB", "3.2 GiB"]);
    }
}
