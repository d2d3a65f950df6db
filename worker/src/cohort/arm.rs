//! Arms that share one run until the loss falls below their level.
//!
//! Until then their runs are the plain run, bit for bit. So one member trains plain for all of
//! them, and before each update those whose level lies above the mini-batch loss become members
//! of their own, with copies of its state.

use floodgauge_protocol::{ArmIx, Method};

/// An arm with its method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub ix: ArmIx,
    pub method: Method,
}

/// What arms train with together. An arm alone trains with its own method, and so finds its
/// onset without a fork.
pub(super) fn common(arms: &[Arm]) -> Method {
    match arms {
        [arm] => arm.method,
        _ => Method::Plain,
    }
}
