//! What a test takes of memory.

use peak_alloc::PeakAlloc;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Has tests run one at a time, so that each sees its own memory.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs something, and tells how many MiB it took at most.
pub fn taken<T>(what: impl FnOnce() -> T) -> (T, f32) {
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let done = what();
    (done, MEMORY.peak_usage_as_mb() - before)
}
