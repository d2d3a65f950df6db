//! Numbers that somebody chose, as people read them: levels, rates, weight decays.

use std::{
    fmt::{self, Display, Formatter},
    ops::Range,
};

/// A number in the fewest digits that read back as the same one, with a power of ten where zeros alone
/// would fill the line. The page has the same rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown(pub f64);

/// Sizes that need no power of ten.
const WITHOUT_POWER: Range<f64> = 1e-5..1e7;

impl Display for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        match *number == 0.0 || WITHOUT_POWER.contains(&number.abs()) {
            true => write!(f, "{number}"),
            false => write!(f, "{number:e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_people_choose_are_told_as_they_are_written() {
        for written in ["0", "0.07", "0.00001", "0.000012", "1", "12.5", "9999999", "-0.5"] {
            assert_eq!(Shown(written.parse().unwrap()).to_string(), written);
        }
    }

    #[test]
    fn zeros_alone_never_fill_a_line() {
        for (number, shown) in [
            (1e300, "1e300"),
            (5e-324, "5e-324"),
            (1e7, "1e7"),
            (12_345_678.5, "1.23456785e7"),
            (9.9e-6, "9.9e-6"),
            (-1e-9, "-1e-9"),
        ] {
            assert_eq!(Shown(number).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_short_and_reads_back_as_the_same_number(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let shown = Shown(number).to_string();
            prop_assert!(shown.len() <= 24, "{}", shown);
            prop_assert_eq!(shown.parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
