//! How much of the machine a run may use, and how much of that a stage gets.

use super::machine;
use contract::{Cores, Resources};

/// What the stages of a run may hold at a time, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    threads: usize,
    jobs: Option<usize>,
    /// Memory, bytes.
    memory: u64,
}

/// What one stage holds while it works. It never exceeds the capacity it was made for, so no stage waits for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// Processor cores; also the worker threads it is told to use.
    pub(super) cores: usize,
    /// Memory, bytes; 0 where it does not say.
    pub(super) memory: u64,
    /// Whether no other stage of the run may work meanwhile.
    pub(super) exclusive: bool,
}

impl Capacity {
    /// `threads` cores, the memory that can be had now, and at most `jobs` stages at a time where the user says so.
    #[must_use]
    pub fn new(threads: usize, jobs: Option<usize>) -> Self {
        let memory = machine::available_memory().unwrap_or(u64::MAX);
        Self { threads: threads.max(1), jobs: jobs.map(|jobs| jobs.max(1)), memory }
    }

    /// Stages that may work at a time, whatever they hold.
    fn jobs(&self) -> usize {
        self.jobs.unwrap_or(usize::MAX)
    }

    /// Cores for all stages together. Who asks for more jobs than there are cores gets them, as with `make -j`.
    pub(super) fn cores(&self) -> usize {
        self.threads.max(self.jobs.unwrap_or(1))
    }

    /// Whether stages that hold these may work at the same time.
    pub(super) fn has_room_for(&self, claims: &[Claim]) -> bool {
        let cores: usize = claims.iter().map(|claim| claim.cores).sum();
        let memory = claims.iter().fold(0u64, |sum, claim| sum.saturating_add(claim.memory));
        let alone = claims.len() <= 1 || claims.iter().all(|claim| !claim.exclusive);
        alone && claims.len() <= self.jobs() && cores <= self.cores() && memory <= self.memory
    }

    /// What a stage gets that wants `wanted`. One that takes all cores gets them, or its share where several jobs were
    /// asked for; one that works alone gets them in any case. One that wants more than there is gets what there is.
    pub(super) fn claim(&self, wanted: &Resources) -> Claim {
        let share = match self.jobs {
            Some(jobs) if !wanted.exclusive => (self.threads / jobs).max(1),
            _ => self.threads,
        };
        let cores = match wanted.cores {
            Cores::All => share,
            Cores::Count(count) => count.clamp(1, self.threads),
        };
        Claim { cores, memory: wanted.memory.min(self.memory), exclusive: wanted.exclusive }
    }

    /// A capacity with this much memory.
    #[cfg(test)]
    pub(super) fn with_memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(threads: usize, jobs: Option<usize>, cores: Cores, exclusive: bool) -> usize {
        Capacity::new(threads, jobs).claim(&Resources { cores, memory: 0, exclusive }).cores
    }

    #[test]
    fn a_stage_that_takes_all_cores_gets_its_share_of_several_jobs() {
        assert_eq!(cores(8, None, Cores::All, false), 8);
        assert_eq!(cores(8, Some(3), Cores::All, false), 2);
        assert_eq!(cores(2, Some(3), Cores::All, false), 1);
        assert_eq!(cores(8, Some(3), Cores::All, true), 8, "alone, it shares with nobody");
    }

    #[test]
    fn nobody_gets_more_than_there_is_nor_nothing() {
        assert_eq!(cores(4, None, Cores::Count(3), false), 3);
        assert_eq!(cores(4, None, Cores::Count(64), false), 4);
        assert_eq!(cores(4, None, Cores::Count(0), false), 1);
        let capacity = Capacity::new(4, None).with_memory(100);
        let claim = |memory| capacity.claim(&Resources { memory, ..Resources::default() }).memory;
        assert_eq!((claim(40), claim(400)), (40, 100));
    }
}
