//! Models as stacks of members.

mod mlp;

pub use mlp::{Architecture, Mlp};
