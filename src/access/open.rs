//! To whom a server is open that has no tokens, and how fast those of others may ask.

/// Requests a second of a token that has no bound of its own, unless the server is told otherwise.
pub const DEFAULT_RATE: u32 = 100;

/// To whom a server is open as long as there never was a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenTo {
    /// To who calls it by a name of this machine.
    ThisMachine,
    /// To whoever reaches it.
    Everyone,
    /// To nobody: it was told to listen where others reach it.
    Nobody,
}
