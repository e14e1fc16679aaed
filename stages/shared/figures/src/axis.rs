//! Axes with round numbers.

/// Round positions that cover `low..=high` in about `wanted` steps, first and last included.
pub(crate) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    // A single value lies in the middle of twice itself.
    let (low, high) = match high {
        _ if high > low => (low, high),
        0.0 => (0.0, 1.0),
        value => ((2.0 * value).min(0.0), (2.0 * value).max(0.0)),
    };
    let span = high - low;
    let rough = span / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough * 0.999_999);
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    (0..=(last - first) as usize).map(|index| (first + index as f64) * step).collect()
}

/// Labels for ticks with as many decimals as their distance needs.
pub(crate) fn labels(ticks: &[f64]) -> Vec<String> {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let largest = ticks.iter().fold(0.0f64, |largest, tick| largest.max(tick.abs()));
    if !step.is_finite() || step <= 0.0 {
        return ticks.iter().map(ToString::to_string).collect();
    }
    if largest >= 1e6 || step < 1e-5 {
        return ticks.iter().map(|tick| format!("{tick:.1e}")).collect();
    }
    let decimals =
        (0..=6).find(|&d| (step * 10f64.powi(d) - (step * 10f64.powi(d)).round()).abs() < 1e-6).unwrap_or(6);
    ticks.iter().map(|tick| format!("{:.*}", decimals as usize, tick + 0.0)).collect()
}

/// Ticks with their labels for a logarithmic axis from `10^low` to `10^high`: powers of ten, and where there are few of
/// them two and five times these.
pub(crate) fn decades(low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    let first = low.floor() as i32;
    let last = high.ceil() as i32;
    let all = |factors: &[u32], stride: usize| -> Vec<(f64, String)> {
        let powers = (first..=last).filter(|power| power.rem_euclid(stride as i32) == 0);
        let ticks = powers.flat_map(|power| factors.iter().map(move |factor| (*factor, power)));
        let inside = |(value, _): &(f64, String)| (low..=high).contains(&value.log10());
        ticks
            .map(|(factor, power)| (f64::from(factor) * 10f64.powi(power), power_label(factor, power)))
            .filter(inside)
            .collect()
    };
    let fine = all(&[1, 2, 5], 1);
    if fine.len() <= wanted + 2 {
        return fine;
    }
    let stride = ((last - first) as usize).div_ceil(wanted.max(1)).max(1);
    all(&[1], stride)
}

/// `500` of 5 and 2, `0.02` of 2 and -2, `5e7` of 5 and 7.
fn power_label(factor: u32, power: i32) -> String {
    match power {
        0..=5 => (u64::from(factor) * 10u64.pow(power.unsigned_abs())).to_string(),
        -4..0 => format!("{:.*}", power.unsigned_abs() as usize, f64::from(factor) * 10f64.powi(power)),
        _ => format!("{factor}e{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(labels(&ticks(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&ticks(1.0, 60.0, 6)), ["0", "10", "20", "30", "40", "50", "60"]);
        assert_eq!(labels(&ticks(0.31, 0.97, 4)), ["0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn a_single_value_gets_an_axis_too() {
        assert_eq!(ticks(3.0, 3.0, 4), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(labels(&ticks(0.001, 0.001, 5)), ["0.0000", "0.0005", "0.0010", "0.0015", "0.0020"]);
        assert_eq!(labels(&ticks(-1.0, -1.0, 4)), ["-2.0", "-1.5", "-1.0", "-0.5", "0.0"]);
        assert_eq!(labels(&ticks(0.0, 0.0, 4)), ["0.00", "0.25", "0.50", "0.75", "1.00"]);
    }

    #[test]
    fn a_logarithmic_axis_has_round_ticks_inside_and_a_sensible_number_of_them() {
        let labels = |low: f64, high: f64| -> Vec<String> {
            decades(low.log10(), high.log10(), 6).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.04, 7.0), ["0.05", "0.1", "0.2", "0.5", "1", "2", "5"]);
        assert_eq!(labels(0.5, 20_000.0), ["1", "10", "100", "1000", "10000"]);
        assert_eq!(labels(1e-9, 1e9), ["1e-9", "1e-6", "0.001", "1", "1000", "1e6", "1e9"]);
    }
}
