//! Values as text, for people and for programs.

/// Significant digits of a column's largest value, and of its smallest as far as [`DECIMALS`] go.
const DIGITS: (i32, i32) = (5, 3);

/// Decimals that a column has for the sake of small values at most.
const DECIMALS: i32 = 6;

/// The values of a column with as many decimals as tell them apart, and none that all end in zero. NaN stays.
pub(super) fn aligned(values: &[Option<f64>]) -> Vec<String> {
    let finite = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let largest = finite().fold(0.0f64, |largest, value| largest.max(value.abs()));
    if finite().all(|value| value.fract() == 0.0) && largest < 1e15 {
        return values.iter().map(|value| shown(*value, |value| format!("{value:.0}"))).collect();
    }
    if !(1e-4..1e15).contains(&largest) {
        return values.iter().map(|value| shown(*value, |value| format!("{value:.3e}"))).collect();
    }
    let smallest = finite().map(f64::abs).filter(|value| *value > 0.0).fold(largest, f64::min);
    let decimals = |digits: i32, value: f64| digits - 1 - value.log10().floor() as i32;
    let decimals =
        decimals(DIGITS.0, largest).max(decimals(DIGITS.1, smallest).min(DECIMALS)).clamp(1, 8) as usize;
    // A value that would lose all but one digit is told in another way.
    let tiny = |value: f64| value != 0.0 && value.abs() < 10f64.powi(1 - decimals as i32);
    let text = |value: f64| if tiny(value) { format!("{value:.2e}") } else { format!("{value:.decimals$}") };
    let texts: Vec<String> = values.iter().map(|value| shown(*value, text)).collect();
    let decimal = |text: &&String| text.contains('.') && !text.contains('e');
    let zeros = |text: &String| text.len() - text.trim_end_matches('0').len();
    let spare = texts.iter().filter(decimal).map(zeros).min().unwrap_or(0).min(decimals - 1);
    texts
        .iter()
        .map(|text| if decimal(&text) { text[..text.len() - spare].to_owned() } else { text.clone() })
        .collect()
}

fn shown(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    match value {
        Some(value) if value.is_finite() => text(value),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// A number with all its digits, as every program reads it back: `0.1`, `688724`, `1e-300`, `NaN`.
pub(super) fn exact(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(values: &[f64]) -> Vec<String> {
        aligned(&values.iter().map(|value| Some(*value)).collect::<Vec<_>>())
    }

    #[test]
    fn values_of_a_column_have_the_same_decimals_and_no_more_than_tell_something() {
        assert_eq!(column(&[85.53, 85.45, 9.0]), ["85.53", "85.45", "9.00"]);
        assert_eq!(column(&[688_724.0, 12.0, 0.0]), ["688724", "12", "0"]);
        assert_eq!(column(&[0.567_588_005, 0.25]), ["0.56759", "0.25000"]);
        assert_eq!(column(&[2_617.976_562_5, 712.363]), ["2618.0", "712.4"]);
        assert_eq!(column(&[1.750_854, 0.005_171_2]), ["1.75085", "0.00517"]);
        assert_eq!(column(&[0.9, 1.5e-7]), ["0.9", "1.50e-7"]);
        assert_eq!(column(&[1e-5, 2.5e-6]), ["1.000e-5", "2.500e-6"]);
        assert_eq!(column(&[f64::NAN, 0.5, f64::NEG_INFINITY]), ["NaN", "0.5", "-inf"]);
        assert_eq!(aligned(&[None, Some(-1.25)]), ["", "-1.25"]);
        assert_eq!(column(&[]), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn an_exact_number_reads_back_as_the_same(value in any::<f64>()) {
            let back: f64 = exact(value).parse().unwrap();
            prop_assert!(back == value || back.is_nan() && value.is_nan());
        }

        #[test]
        fn no_column_makes_it_panic(values in proptest::collection::vec(any::<Option<f64>>(), 0..5)) {
            prop_assert_eq!(aligned(&values).len(), values.len());
        }
    }
}
