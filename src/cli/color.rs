//! When what people read is coloured.

/// When to colour what people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Into files and pipes too
    Always,
    /// Never
    Never,
}

impl Color {
    /// Has all that is printed from now on keep to it.
    pub fn apply(self) {
        let wanted = match self {
            // The library looks for a terminal and heeds NO_COLOR.
            Self::Auto => return,
            Self::Always => true,
            Self::Never => false,
        };
        console::set_colors_enabled(wanted);
        console::set_colors_enabled_stderr(wanted);
    }
}
