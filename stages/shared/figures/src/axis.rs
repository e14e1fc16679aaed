//! Axes with round numbers.

/// Round positions that cover `low..=high` in about `wanted` steps, first and last included.
pub(crate) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = if high > low { high - low } else { high.abs().max(1.0) };
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
        let ticks = ticks(3.0, 3.0, 4);
        assert!(ticks.len() >= 2 && ticks[0] <= 3.0 && ticks[ticks.len() - 1] >= 3.0, "{ticks:?}");
    }
}
