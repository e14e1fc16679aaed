//! Threads that do one piece of work after the other. A thousand short stages need a few of them, not thousands.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, Scope},
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
    /// All threads.
    threads: usize,
    /// Bytes of a new thread's stack; none for as many as is usual.
    stack: Option<usize>,
    /// Whether there will be no more.
    over: bool,
}

impl<W: Send> Crew<W> {
    /// Nobody yet.
    pub(super) fn new() -> Self {
        let queue = Queue { waiting: VecDeque::new(), idle: 0, threads: 0, stack: None, over: false };
        Self { queue: Mutex::new(queue), news: Condvar::new() }
    }

    /// Has a piece of work done at once: by a thread that waits, else by a new one. No work waits for other work, as some
    /// takes hours; only where the system gives no more threads it waits for the first that is free.
    ///
    /// # Errors
    /// The work, and why there is no thread for it, where there is none at all.
    pub(super) fn give<'scope, 'env>(
        &'env self,
        work: W,
        scope: &'scope Scope<'scope, 'env>,
        perform: &'env (impl Fn(W) + Sync),
    ) -> Result<(), (W, io::Error)> {
        let mut queue = self.queue();
        queue.waiting.push_back(work);
        if queue.waiting.len() <= queue.idle {
            self.news.notify_one();
            return Ok(());
        }
        let builder = queue.stack.into_iter().fold(Builder::new(), Builder::stack_size);
        match builder.spawn_scoped(scope, move || self.work(perform)) {
            Ok(_) => queue.threads += 1,
            Err(error) if queue.threads > 0 => {
                tracing::warn!(%error, threads = queue.threads, "no further thread; work waits for a free one");
            }
            Err(error) => return queue.waiting.pop_back().map_or(Ok(()), |work| Err((work, error))),
        }
        Ok(())
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
            (0..4).for_each(|number| crew.give(number, scope, &perform).unwrap());
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
            (0..1000).for_each(|number| crew.give(number, scope, &perform).unwrap());
        });
        assert_eq!(sum.into_inner(), 999 * 1000 / 2);
    }

    /// More than any machine has addresses for.
    const TOO_MUCH: Option<usize> = Some(1 << 50);

    #[test]
    fn work_for_which_there_is_no_thread_at_all_comes_back() {
        let perform = |_: usize| ();
        let crew = Crew::new();
        crew.queue().stack = TOO_MUCH;
        std::thread::scope(|scope| {
            let _dismissal = crew.dismissal();
            assert_eq!(crew.give(7, scope, &perform).unwrap_err().0, 7);
            assert!(crew.queue().waiting.is_empty());
        });
    }

    #[test]
    fn where_there_are_no_more_threads_those_that_are_there_do_all_work() {
        let done = AtomicUsize::new(0);
        let perform = |_: usize| {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let crew = Crew::new();
        std::thread::scope(|scope| {
            let _dismissal = crew.dismissal();
            crew.give(0, scope, &perform).unwrap();
            crew.queue().stack = TOO_MUCH;
            (1..100).for_each(|number| crew.give(number, scope, &perform).unwrap());
        });
        assert_eq!(done.into_inner(), 100);
    }
}
