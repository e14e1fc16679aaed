//! Threads that do one piece of work after the other. A thousand short stages need a few of them, not thousands.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::Scope,
};

/// The threads of a run, and the work that waits for one.
pub(super) struct Crew<W> {
    queue: Mutex<Queue<W>>,
    news: Condvar,
}

struct Queue<W> {
    waiting: VecDeque<W>,
    /// Threads that wait for work.
    idle: usize,
    /// Whether there will be no more.
    over: bool,
}

impl<W: Send> Crew<W> {
    /// Nobody yet.
    pub(super) fn new() -> Self {
        let queue = Queue { waiting: VecDeque::new(), idle: 0, over: false };
        Self { queue: Mutex::new(queue), news: Condvar::new() }
    }

    /// Has a piece of work done at once: by a thread that waits, else by a new one. No work waits for other work, as some
    /// takes hours.
    pub(super) fn give<'scope, 'env>(
        &'env self,
        work: W,
        scope: &'scope Scope<'scope, 'env>,
        perform: &'env (impl Fn(W) + Sync),
    ) {
        let mut queue = self.queue();
        queue.waiting.push_back(work);
        if queue.waiting.len() > queue.idle {
            scope.spawn(move || self.work(perform));
        } else {
            self.news.notify_one();
        }
    }

    /// Lets the threads go when they have nothing to do any more, also when the one that gives work panics.
    pub(super) fn dismissal(&self) -> Dismissal<'_, W> {
        Dismissal(self)
    }

    fn work(&self, perform: &impl Fn(W)) {
        let mut queue = self.queue();
        loop {
            match queue.waiting.pop_front() {
                Some(work) => {
                    drop(queue);
                    perform(work);
                    queue = self.queue();
                }
                None if queue.over => return,
                None => {
                    queue.idle += 1;
                    queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
                    queue.idle -= 1;
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dismisses the crew when it is dropped.
pub(super) struct Dismissal<'a, W: Send>(&'a Crew<W>);

impl<W: Send> Drop for Dismissal<'_, W> {
    fn drop(&mut self) {
        self.0.queue().over = true;
        self.0.news.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    #[test]
    fn work_that_waits_for_other_work_given_later_does_not_hold_it_up() {
        let barrier = Barrier::new(4);
        let perform = |_: usize| {
            barrier.wait();
        };
        let crew = Crew::new();
        std::thread::scope(|scope| {
            let _dismissal = crew.dismissal();
            (0..4).for_each(|number| crew.give(number, scope, &perform));
        });
    }

    #[test]
    fn all_work_is_done_once() {
        let sum = AtomicUsize::new(0);
        let perform = |number: usize| {
            sum.fetch_add(number, Ordering::Relaxed);
        };
        let crew = Crew::new();
        std::thread::scope(|scope| {
            let _dismissal = crew.dismissal();
            (0..1000).for_each(|number| crew.give(number, scope, &perform));
        });
        assert_eq!(sum.into_inner(), 999 * 1000 / 2);
    }
}
