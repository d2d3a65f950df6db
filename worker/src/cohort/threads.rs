//! Threads that tensor operations may use.

use super::error::TrainError;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of `threads` threads, and of one where that is 0.
pub(super) fn pool(threads: usize) -> Result<ThreadPool, TrainError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map_err(|error| TrainError::Threads(std::io::Error::other(error)))
}
