//! What is listed once within a pass, whoever asks, and by how many threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Pass;

/// The listings of the newest pass. An older pass that asks again gets a fresh one: nothing is shared between two.
pub(super) struct PerPass<T>(Mutex<Option<(Pass, Arc<T>)>>);

impl<T: Default> PerPass<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The listings of this pass, empty at first.
    pub(super) fn of(&self, pass: Pass) -> Arc<T> {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some((known, listing)) if *known == pass => Arc::clone(listing),
            _ => {
                let listing = Arc::new(T::default());
                *newest = Some((pass, Arc::clone(&listing)));
                listing
            }
        }
    }

    /// The listings of the newest pass, if there was one.
    pub(super) fn newest(&self) -> Option<Arc<T>> {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.as_ref().map(|(_, listing)| Arc::clone(listing))
    }
}

/// Answers that are each fetched once; who asks meanwhile waits for the same answer.
pub(super) struct Answers<V>(Mutex<BTreeMap<String, Arc<OnceLock<V>>>>);

impl<V> Default for Answers<V> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<V: Clone> Answers<V> {
    pub(super) fn get(&self, key: &str, fetch: impl FnOnce() -> V) -> V {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.to_owned()).or_default())
        };
        cell.get_or_init(fetch).clone()
    }
}

/// Does the work for every item, on so many threads; with one worker on this thread, in order. The results stand in
/// the order of the items.
pub(super) fn each<T: Sync, R: Send>(
    workers: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    if workers <= 1 || items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let toil = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match items.get(at) {
                Some(item) => done.push((at, work(item))),
                None => return done,
            }
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.min(items.len()))
            .map(|_| scope.spawn(toil))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{Answers, Pass, PerPass, each};

    #[test]
    fn a_pass_fetches_once_and_shares_nothing_with_the_next() {
        let fetched = AtomicUsize::new(0);
        let listings: PerPass<Answers<usize>> = PerPass::new();
        let ask = |pass| {
            listings
                .of(Pass(pass))
                .get("projects", || fetched.fetch_add(1, Ordering::Relaxed))
        };
        assert_eq!([ask(1), ask(1), ask(2), ask(2), ask(1)], [0, 0, 1, 1, 2]);
    }

    #[test]
    fn threads_that_ask_together_fetch_once() {
        let fetched = AtomicUsize::new(0);
        let answers: Answers<usize> = Answers::default();
        let seen = each(8, &[(); 64], |()| {
            answers.get("k", || fetched.fetch_add(1, Ordering::Relaxed))
        });
        assert_eq!(seen, [0; 64]);
        assert_eq!(fetched.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for workers in [1, 7] {
            assert_eq!(
                each(workers, &items, |item| item * 2),
                items.iter().map(|i| i * 2).collect::<Vec<_>>()
            );
        }
    }
}
