//! Who may work now: stages get their share of the machine in the order of the plan.
//!
//! A stage is announced as soon as the stages before it are done. From then on those behind it in the plan wait until it
//! is known whether it needs anything, and until it has it: so the order does not depend on how threads are scheduled,
//! and a large stage is never overtaken by small ones for ever. One that waits for something outside of the run is
//! parked; it holds nothing and holds up nobody.
//!
//! Exclusive stages come behind all others that are announced, one at a time, and work alone.

use super::capacity::{Capacity, Claim};
use std::collections::BTreeMap;

/// The places of the stages that are on their way, by their rank in the plan.
pub(super) struct Admission {
    capacity: Capacity,
    places: BTreeMap<Rank, Place>,
}

/// Exclusive ones last, then by position in the plan.
type Rank = (bool, usize);

struct Place {
    claim: Claim,
    stand: Stand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// Announced; it may want its share or leave.
    Coming,
    /// It wants its share.
    Waiting,
    /// It has its share.
    Working,
    /// It waits for something that is not of this run.
    Parked,
}

impl Admission {
    /// Nobody is on the way.
    pub(super) fn new(capacity: Capacity) -> Self {
        Self { capacity, places: BTreeMap::new() }
    }

    /// The stage at `position` of the plan is on its way, with this claim. One that held something gives it back.
    pub(super) fn announce(&mut self, position: usize, claim: Claim) {
        self.places.insert((claim.exclusive, position), Place { claim, stand: Stand::Coming });
    }

    /// It wants its share.
    pub(super) fn queue(&mut self, position: usize) {
        self.stand(position, Stand::Waiting);
    }

    /// It waits for something that is not of this run.
    pub(super) fn park(&mut self, position: usize) {
        self.stand(position, Stand::Parked);
    }

    /// It is done, or will not come. Those that can start because of it must be announced before, else others overtake
    /// them.
    pub(super) fn leave(&mut self, position: usize) {
        self.places.remove(&(false, position));
        self.places.remove(&(true, position));
    }

    /// Gives their shares to all that can have them now, in order, with the cores of each.
    pub(super) fn admit(&mut self) -> Vec<(usize, usize)> {
        let mut admitted = Vec::new();
        while let Some(rank) = self.next() {
            let Some(place) = self.places.get_mut(&rank) else { break };
            place.stand = Stand::Working;
            admitted.push((rank.1, place.claim.cores));
        }
        admitted
    }

    /// The first that waits, if nobody before it holds it up and there is room for it.
    fn next(&self) -> Option<Rank> {
        let standing = |place: &Place| matches!(place.stand, Stand::Coming | Stand::Waiting);
        let (rank, first) = self.places.iter().find(|(_, place)| standing(place))?;
        let fits = match first.claim.exclusive {
            // The very first of all: one that is parked before it will work before it.
            true => {
                let is_first = self.places.first_key_value().is_some_and(|(first, _)| first == rank);
                is_first && self.has_room(&first.claim)
            }
            false => self.has_room(&first.claim),
        };
        (first.stand == Stand::Waiting && fits).then_some(*rank)
    }

    fn has_room(&self, claim: &Claim) -> bool {
        let claims: Vec<Claim> = self.working().chain([claim]).copied().collect();
        self.capacity.has_room_for(&claims)
    }

    fn working(&self) -> impl Iterator<Item = &Claim> {
        self.places.values().filter(|place| place.stand == Stand::Working).map(|place| &place.claim)
    }

    fn stand(&mut self, position: usize, stand: Stand) {
        for rank in [(false, position), (true, position)] {
            if let Some(place) = self.places.get_mut(&rank) {
                place.stand = stand;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Cores, Resources};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const MEMORY: u64 = 100;

    fn capacity(threads: usize, jobs: Option<usize>) -> Capacity {
        Capacity::new(threads, jobs).with_memory(MEMORY)
    }

    fn wants(cores: usize, memory: u64, exclusive: bool) -> Resources {
        Resources { cores: Cores::Count(cores), memory, exclusive }
    }

    /// Announces stages that all want their share.
    fn all_waiting(capacity: Capacity, wanted: &[Resources]) -> Admission {
        let mut admission = Admission::new(capacity);
        for (position, wanted) in wanted.iter().enumerate() {
            admission.announce(position, capacity.claim(wanted));
            admission.queue(position);
        }
        admission
    }

    fn admitted(admission: &mut Admission) -> Vec<usize> {
        admission.admit().into_iter().map(|(position, _)| position).collect()
    }

    #[test]
    fn as_many_work_as_there_are_cores_or_jobs_or_as_memory_allows() {
        let small = [wants(1, 0, false); 5];
        assert_eq!(admitted(&mut all_waiting(capacity(3, None), &small)), [0, 1, 2]);
        assert_eq!(admitted(&mut all_waiting(capacity(3, Some(2)), &small)), [0, 1]);
        assert_eq!(admitted(&mut all_waiting(capacity(2, Some(4)), &small)), [0, 1, 2, 3]);
        assert_eq!(admitted(&mut all_waiting(capacity(8, None), &[wants(1, 40, false); 5])), [0, 1]);
    }

    #[test]
    fn a_large_stage_is_not_overtaken_by_small_ones_behind_it() {
        let mut admission =
            all_waiting(capacity(4, None), &[wants(1, 0, false), wants(4, 0, false), wants(1, 0, false)]);
        assert_eq!(admission.admit(), [(0, 1)]);
        admission.leave(0);
        assert_eq!(admission.admit(), [(1, 4)]);
        admission.leave(1);
        assert_eq!(admission.admit(), [(2, 1)]);
    }

    #[test]
    fn one_that_may_still_come_holds_up_those_behind_it_and_one_that_is_parked_does_not() {
        let capacity = capacity(1, None);
        let mut admission = all_waiting(capacity, &[wants(1, 0, false); 2]);
        admission.announce(0, capacity.claim(&wants(1, 0, false)));
        assert!(admitted(&mut admission).is_empty());
        admission.park(0);
        assert_eq!(admitted(&mut admission), [1]);
        admission.queue(0);
        assert!(admitted(&mut admission).is_empty(), "the core is taken");
    }

    #[test]
    fn an_exclusive_stage_comes_last_and_others_wait_for_it() {
        let capacity = capacity(4, None);
        let mut admission =
            all_waiting(capacity, &[wants(1, 0, true), wants(1, 0, true), wants(1, 0, false)]);
        assert_eq!(admitted(&mut admission), [2]);
        admission.park(2);
        assert!(admitted(&mut admission).is_empty(), "one that is parked will work later");
        admission.leave(2);
        assert_eq!(admitted(&mut admission), [0]);
        admission.announce(3, capacity.claim(&wants(1, 0, false)));
        admission.queue(3);
        assert!(admitted(&mut admission).is_empty(), "it works alone");
        admission.leave(0);
        assert_eq!(admitted(&mut admission), [3]);
        admission.leave(3);
        assert_eq!(admitted(&mut admission), [1]);
    }

    /// A stage of a made-up plan: what it wants, and which of the stages before it must be done first.
    #[derive(Debug, Clone)]
    struct Job {
        wanted: Resources,
        after: BTreeSet<usize>,
    }

    fn plans() -> impl Strategy<Value = Vec<Job>> {
        let job = |position: usize| {
            let after = prop::collection::btree_set(0..position.max(1), 0..=position.min(3));
            (0..6usize, 0..150u64, prop::bool::weighted(0.2), after).prop_map(
                move |(cores, memory, exclusive, mut after)| {
                    after.retain(|before| *before < position);
                    let cores = if cores == 5 { Cores::All } else { Cores::Count(cores) };
                    Job { wanted: Resources { cores, memory, exclusive }, after }
                },
            )
        };
        (1..14usize).prop_flat_map(move |count| (0..count).map(job).collect::<Vec<_>>())
    }

    /// Runs a plan as the board does: what is ready is announced, then looks at the store (`chance` decides whether it is
    /// there already), is parked now and then, works, and ends in any order. Gives back who worked, in order.
    fn simulate(
        plan: &[Job],
        threads: usize,
        jobs: Option<usize>,
        chance: &mut impl FnMut(usize) -> usize,
    ) -> Result<Vec<usize>, TestCaseError> {
        let capacity = capacity(threads, jobs);
        let (most_cores, most_jobs) = (threads.max(jobs.unwrap_or(1)), jobs.unwrap_or(usize::MAX));
        let mut admission = Admission::new(capacity);
        let (mut done, mut announced) = (BTreeSet::new(), BTreeSet::new());
        let (mut looking, mut parked, mut working) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut leaving = None;
        let mut worked = Vec::new();
        while done.len() < plan.len() {
            for (position, job) in plan.iter().enumerate() {
                if job.after.is_subset(&done) && announced.insert(position) {
                    admission.announce(position, capacity.claim(&job.wanted));
                    looking.insert(position);
                }
            }
            if let Some(position) = leaving.take() {
                admission.leave(position);
            }
            for (position, cores) in admission.admit() {
                prop_assert!(cores >= 1);
                let is_exclusive = plan[position].wanted.exclusive;
                if is_exclusive {
                    let others = announced.difference(&done).filter(|other| !plan[**other].wanted.exclusive);
                    prop_assert_eq!(others.count(), 0, "all others come first");
                }
                working.insert(position);
                worked.push(position);
            }
            let held: Vec<Claim> =
                working.iter().map(|position| capacity.claim(&plan[*position].wanted)).collect();
            prop_assert!(held.iter().map(|claim| claim.cores).sum::<usize>() <= most_cores);
            prop_assert!(held.iter().map(|claim| claim.memory).sum::<u64>() <= MEMORY);
            prop_assert!(held.len() <= most_jobs);
            prop_assert!(held.len() <= 1 || held.iter().all(|claim| !claim.exclusive));

            let going_on: Vec<usize> = looking.iter().chain(&parked).chain(&working).copied().collect();
            prop_assert!(!going_on.is_empty(), "nothing goes on, and {:?} is not done", plan);
            let position = going_on[chance(going_on.len())];
            if working.remove(&position) {
                done.insert(position);
                leaving = Some(position);
            } else if parked.remove(&position) {
                looking.insert(position);
                admission.announce(position, capacity.claim(&plan[position].wanted));
            } else {
                looking.remove(&position);
                match chance(4) {
                    0 => {
                        parked.insert(position);
                        admission.park(position);
                    }
                    1 => {
                        done.insert(position);
                        leaving = Some(position);
                    }
                    _ => admission.queue(position),
                }
            }
        }
        Ok(worked)
    }

    proptest! {
        #[test]
        fn every_plan_ends_within_the_capacity_and_exclusive_stages_work_alone_and_last(
            plan in plans(),
            threads in 1..5usize,
            jobs in prop::option::of(1..4usize),
            seed: u64,
        ) {
            let mut draws = 0;
            let mut chance = |bound: usize| {
                draws += 1;
                contract::Random::new(seed, "admission", draws, 0).below(bound as u32) as usize
            };
            simulate(&plan, threads, jobs, &mut chance)?;
        }

        #[test]
        fn stages_that_are_ready_at_once_start_in_the_order_of_the_plan(
            mut plan in plans(),
            threads in 1..5usize,
            seed: u64,
        ) {
            for job in &mut plan {
                job.after.clear();
            }
            // They look at the store in any order, and nobody is parked or done already.
            let mut draws = 0;
            let mut chance = |bound: usize| {
                draws += 1;
                if bound == 4 { return 3 }
                contract::Random::new(seed, "admission", draws, 0).below(bound as u32) as usize
            };
            let worked = simulate(&plan, threads, None, &mut chance)?;
            let mut expected: Vec<usize> = (0..plan.len()).collect();
            expected.sort_by_key(|position| plan[*position].wanted.exclusive);
            prop_assert_eq!(worked, expected);
        }
    }
}
