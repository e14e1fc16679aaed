//! Job slots: how many stages work at a time.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A counted resource that is given out in the order of the plan.
pub(super) struct Slots {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: usize,
    waiting: BTreeSet<usize>,
}

/// A held slot; dropping it gives it back.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    /// So many slots, at least one.
    #[must_use]
    pub(super) fn new(count: usize) -> Self {
        Self {
            state: Mutex::new(State { free: count.max(1), waiting: BTreeSet::new() }),
            changed: Condvar::new(),
        }
    }

    /// Says that `rank` may come for a slot: until it does, or [`Slots::withdraw`]s, those behind it in the plan wait. So
    /// stages that are ready at the same time start in the order of the plan, however their threads are scheduled.
    pub(super) fn announce(&self, rank: usize) {
        self.lock().waiting.insert(rank);
    }

    /// Says that `rank` will not come.
    pub(super) fn withdraw(&self, rank: usize) {
        self.lock().waiting.remove(&rank);
        self.changed.notify_all();
    }

    /// Waits for a slot; among those that wait the smallest `rank` goes first. None once `give_up` says so.
    pub(super) fn take(&self, rank: usize, give_up: impl Fn() -> bool) -> Option<Slot<'_>> {
        let mut state = self.lock();
        state.waiting.insert(rank);
        loop {
            if give_up() {
                state.waiting.remove(&rank);
                self.changed.notify_all();
                return None;
            }
            if state.free > 0 && state.waiting.first() == Some(&rank) {
                state.free -= 1;
                state.waiting.remove(&rank);
                self.changed.notify_all();
                return Some(Slot(self));
            }
            let waited = self.changed.wait_timeout(state, Duration::from_millis(100));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_first_in_the_plan_gets_the_slot_that_is_given_back() {
        let slots = Slots::new(1);
        let held = slots.take(0, || false);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for rank in [3, 2, 1] {
                let (slots, sender) = (&slots, sender.clone());
                scope.spawn(move || {
                    let _slot = slots.take(rank, || false);
                    sender.send(rank).ok();
                });
            }
            while slots.lock().waiting.len() < 3 {
                std::thread::yield_now();
            }
            drop(held);
        });
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn an_announced_rank_goes_before_a_later_one_until_it_withdraws() {
        let slots = Slots::new(1);
        slots.announce(0);
        let tries = std::cell::Cell::new(0);
        let give_up_later = || tries.replace(tries.get() + 1) > 0;
        assert!(slots.take(1, give_up_later).is_none());
        slots.withdraw(0);
        assert!(slots.take(1, || false).is_some());
    }

    #[test]
    fn who_gives_up_gets_no_slot_and_blocks_nobody() {
        let slots = Slots::new(1);
        assert!(slots.take(0, || true).is_none());
        assert!(slots.take(1, || false).is_some());
    }
}
