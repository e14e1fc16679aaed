//! Taking times.

use std::time::{Duration, Instant};

/// Runs before times are taken: caches, clocks and branch predictors settle.
pub(crate) const WARM_UP: usize = 3;
/// Runs at least.
pub(crate) const LEAST_RUNS: usize = 30;
/// Time spent at least, so that a fast model is run more often.
pub(crate) const LEAST_TIME: Duration = Duration::from_secs(1);
/// Runs at most, which a model of microseconds would reach.
pub(crate) const MOST_RUNS: usize = 10_000;
/// Time spent at most. A model that has not run [`LEAST_RUNS`] times by then is slow enough for fewer to do.
pub(crate) const MOST_TIME: Duration = Duration::from_secs(60);

/// Times of single runs, shortest first, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Latency(Vec<Duration>);

impl Latency {
    /// Runs `work` [`WARM_UP`] times, then until it ran [`LEAST_RUNS`] times and for [`LEAST_TIME`], within the limits.
    /// `told` hears how many runs are done before each, and ends the measurement by an error.
    pub(crate) fn measure<E>(
        mut work: impl FnMut() -> Result<(), E>,
        mut told: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        let begin = Instant::now();
        // A model that takes seconds is warm after one run.
        for _ in 0..WARM_UP {
            told(0)?;
            work()?;
            if begin.elapsed() > MOST_TIME / 10 {
                break;
            }
        }
        let begin = Instant::now();
        let mut times = Vec::with_capacity(LEAST_RUNS);
        loop {
            told(times.len())?;
            let start = Instant::now();
            work()?;
            times.push(start.elapsed());
            if enough(times.len(), begin.elapsed()) {
                break;
            }
        }
        times.sort_unstable();
        Ok(Self(times))
    }

    pub(crate) fn runs(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn least(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        let upper = self.at(self.0.len() / 2);
        if self.0.len() % 2 == 1 { upper } else { (self.at(self.0.len() / 2 - 1) + upper) / 2 }
    }

    /// The time that nine of ten runs do not exceed (nearest rank).
    pub(crate) fn p90(&self) -> Duration {
        self.at((self.0.len() * 9).div_ceil(10).saturating_sub(1))
    }

    fn at(&self, rank: usize) -> Duration {
        self.0.get(rank).copied().unwrap_or_default()
    }
}

fn enough(runs: usize, spent: Duration) -> bool {
    runs >= MOST_RUNS || spent >= MOST_TIME || (runs >= LEAST_RUNS && spent >= LEAST_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(milliseconds: impl IntoIterator<Item = u64>) -> Latency {
        Latency(milliseconds.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_ones() {
        let of = |latency: &Latency| {
            [latency.least(), latency.median(), latency.p90()].map(|time| time.as_micros() as u64)
        };
        assert_eq!(of(&latency([1, 2, 4])), [1000, 2000, 4000]);
        assert_eq!(of(&latency([1, 2, 5, 9])), [1000, 3500, 9000]);
        assert_eq!(of(&latency(1..=10)), [1000, 5500, 9000]);
        assert_eq!(of(&latency([7])), [7000, 7000, 7000]);
    }

    #[test]
    fn both_the_runs_and_the_time_must_be_enough_unless_a_limit_is_reached() {
        assert!(!enough(LEAST_RUNS - 1, LEAST_TIME) && !enough(LEAST_RUNS, LEAST_TIME / 2));
        assert!(enough(LEAST_RUNS, LEAST_TIME));
        assert!(enough(1, MOST_TIME) && enough(MOST_RUNS, Duration::ZERO));
    }

    #[test]
    fn times_are_those_of_the_work_after_the_warm_up_and_an_error_ends_it() {
        let mut runs = 0;
        let sleep = || {
            runs += 1;
            std::thread::sleep(Duration::from_millis(20));
            Ok::<(), ()>(())
        };
        let latency = Latency::measure(sleep, |_| Ok(())).expect("nothing fails");
        assert!(latency.runs() >= LEAST_RUNS && runs == latency.runs() + WARM_UP);
        assert!(latency.least() >= Duration::from_millis(20));
        assert_eq!(
            Latency::measure(|| Ok(()), |done| if done < 5 { Ok(()) } else { Err("stop") }),
            Err("stop")
        );
    }
}
