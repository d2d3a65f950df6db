//! Where the arithmetic runs.

mod name;

pub use name::{DeviceError, DeviceName};

use crate::memory;
use burn::tensor::Device;
use std::{num::NonZeroUsize, thread::available_parallelism};

/// A device, and how much of it and of the processor to use.
#[derive(Clone, Debug)]
pub struct Machine {
    device: Device,
    name: DeviceName,
    /// What the device calls itself, where that says more than its name.
    model: Option<String>,
    threads: usize,
    memory: u64,
    block: u64,
    arithmetic: Arithmetic,
}

/// Who does what is neither a layer nor its gradient: losses, weights of samples, updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Loops of our own over what the device lends without a copy, which is the fastest way on the
    /// CPU. Losses are known at once.
    Loops,
    /// Operations of the device's, which goes on by itself until somebody reads what they gave.
    Tensors,
}

/// Steps whose losses are read at once on a device that waiting would stall.
const STEPS_PER_BLOCK: u64 = 16;

impl Machine {
    /// The CPU with burn's `flex` backend and at most `threads` threads at a time; results don't
    /// depend on their number.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self {
            device: Device::flex(),
            name: DeviceName::Flex,
            model: None,
            threads: threads.get(),
            memory: memory::half(),
            block: 1,
            arithmetic: Arithmetic::Loops,
        }
    }

    /// Another device in the place of the CPU.
    ///
    /// # Errors
    /// When this build lacks it, or this machine.
    pub fn on(self, name: DeviceName) -> Result<Self, DeviceError> {
        if name == DeviceName::Flex {
            return Ok(self);
        }
        let device = name.open()?;
        let model = name::model(&device);
        let arithmetic = Arithmetic::Tensors;
        Ok(Self { device, name, model, block: STEPS_PER_BLOCK, arithmetic, ..self })
    }

    /// Bytes that training may take; half of the system's by default. Results
    /// don't depend on them.
    pub fn with_memory(self, bytes: u64) -> Self {
        Self { memory: bytes, ..self }
    }

    /// Looks at losses after every `steps` steps, at once. On the CPU results don't depend on it.
    pub fn in_blocks_of(self, steps: NonZeroUsize) -> Self {
        Self { block: steps.get() as u64, ..self }
    }

    /// Another way to compute than the device's own. Each has its own bits.
    pub fn by(self, arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    /// burn's name for where the tensors of a segment live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many threads to use.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Whether results repeat to the bit, whatever is trained together.
    pub fn is_exact(&self) -> bool {
        self.name == DeviceName::Flex
    }

    /// Stacks that are trained side by side: one a thread on the CPU. Another device has work for
    /// all its parts in one stack.
    pub fn lanes(&self) -> usize {
        if self.is_exact() { self.threads } else { 1 }
    }

    /// Bytes that training may take.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Steps whose losses are read at once.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// Who computes what the layers don't.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// The device for people, with its model where it tells.
    pub fn words(&self) -> String {
        let model = self.model.iter().map(String::as_str);
        let words = std::iter::once(self.name.to_string()).chain(model.map(str::to_owned));
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Default for Machine {
    /// A thread for each processor.
    fn default() -> Self {
        Self::new(available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}
