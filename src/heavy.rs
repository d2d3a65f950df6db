//! Work that takes a processor for long, and where it is done: never on a thread that has others to answer.

use std::{num::NonZero, sync::LazyLock, thread::available_parallelism};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task::block_in_place,
};

/// Bodies from here on are read as [large] work: below, reading takes less than a millisecond.
pub const LARGE_BYTES: usize = 64 << 10;

/// Sweeps from so many trials on are planned, submitted and stepped as [large] work. Chosen: below, each of
/// these takes a few milliseconds.
const LARGE_TRIALS: usize = 1_000;

/// Pieces of large work that are done at once in this process: all processors but one, at least one.
/// However many are asked for, what is small has a processor.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZero::get);
    Semaphore::new(processors.saturating_sub(1).max(1))
});

/// Does work that may take long, once there is a place for it, while the other tasks of this thread go on.
pub async fn large<T>(work: impl FnOnce() -> T) -> T {
    // Nobody closes it: there is a place sooner or later.
    let _place = PLACES.acquire().await;
    aside(work)
}

/// Does work that may take some milliseconds, while the other tasks of this thread go on.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        // Whoever has one thread, in tests, has nowhere else to do it.
        _ => work(),
    }
}

/// Does work on a sweep of so many trials, [large] or [aside].
pub async fn on_trials<T>(trials: usize, work: impl FnOnce() -> T) -> T {
    match trials < LARGE_TRIALS {
        true => aside(work),
        false => large(work).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};

    /// Longer than anything here takes.
    const BOUND: Duration = Duration::from_secs(60);

    /// The work ends once another task of the only thread has run.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_are_answered_while_work_is_done() {
        for trials in [LARGE_TRIALS - 1, LARGE_TRIALS] {
            let (said, heard) = mpsc::channel();
            let asked =
                tokio::spawn(
                    async move { on_trials(trials, move || heard.recv_timeout(BOUND)).await },
                );
            let other = tokio::spawn(async move { said.send("answered") });
            assert_eq!(asked.await.unwrap(), Ok("answered"));
            other.await.unwrap().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn so_much_large_work_is_done_at_once_that_a_processor_is_left() {
        let places = available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1);
        let (begun, began) = mpsc::channel();
        let (mut ends, mut works) = (vec![], vec![]);
        for _ in 0..places + 3 {
            let ((end, ended), begun) = (mpsc::channel::<()>(), begun.clone());
            ends.push(end);
            works.push(tokio::spawn(large(move || {
                begun.send(()).unwrap();
                ended.recv_timeout(BOUND)
            })));
        }
        let began = aside(|| {
            (0..places).for_each(|_| began.recv_timeout(BOUND).unwrap());
            began
        });
        // Small work needs no place.
        assert_eq!(on_trials(1, || 1).await, 1);
        assert!(began.try_recv().is_err(), "the others wait");
        drop(ends);
        for work in works {
            assert!(work.await.unwrap().is_err(), "each was told to end by a closed channel");
        }
    }

    #[tokio::test]
    async fn where_there_is_one_thread_it_is_done_there() {
        assert_eq!(large(|| 2).await, 2);
    }
}
