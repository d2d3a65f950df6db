//! Numbers of the command line and of the environment, refused in words that say what was expected.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    ops::RangeInclusive,
};

/// The largest whole number that a floating-point number holds exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// More processor cores than any machine has.
const MAX_CORES: u64 = 65_536;

/// What reads a whole number within bounds, be it written as `100`, `100.0` or `1e2`.
pub fn whole<T>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: TryFrom<u64> + 'static,
{
    move |text: &str| {
        let number = read(text.trim()).filter(|number| bounds.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            format!("expected a whole number from {} to {}", bounds.start(), bounds.end())
        })
    }
}

/// Any whole number that such a setting can hold.
pub const ANY: RangeInclusive<u64> = 0..=4_294_967_295;

/// The same from one on.
pub const FROM_ONE: RangeInclusive<u64> = 1..=4_294_967_295;

fn read(text: &str) -> Option<u64> {
    let written = |text: &str| {
        let number: f64 = text.parse().ok()?;
        let is_whole = number.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&number);
        is_whole.then_some(number as u64)
    };
    text.parse().ok().or_else(|| written(text))
}

/// Reads how many connections there may be.
///
/// # Errors
/// Says what was expected.
pub fn connections(text: &str) -> Result<NonZeroU32, String> {
    let number = whole::<u32>(FROM_ONE)(text)?;
    NonZeroU32::new(number).ok_or_else(|| "expected at least 1".into())
}

/// Reads how many processor cores to use.
///
/// # Errors
/// Says what was expected.
pub fn cores(text: &str) -> Result<NonZeroUsize, String> {
    let number = whole::<usize>(1..=MAX_CORES)(text)?;
    NonZeroUsize::new(number).ok_or_else(|| "expected at least 1".into())
}

/// Reads a flood level.
///
/// # Errors
/// Says what one looks like.
pub fn level(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number such as 0.25, several with commas between them".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for text in ["100", "100.0", "1e2", " 100 "] {
            assert_eq!(whole::<u32>(ANY)(text), Ok(100), "{text}");
        }
        assert_eq!(whole::<u16>(0..=65_535)("65535"), Ok(u16::MAX));
        assert_eq!(whole::<u32>(ANY)("4294967295"), Ok(u32::MAX));
    }

    #[test]
    fn what_is_none_is_told_what_was_expected() {
        for text in ["", "x", "1", "3601", "-2", "2.5", "nan", "1e300", "0x10"] {
            let refused = whole::<u32>(2..=3600)(text).unwrap_err();
            assert_eq!(refused, "expected a whole number from 2 to 3600", "{text}");
        }
        assert!(connections("0").unwrap_err().contains("from 1 to"));
        assert_eq!(cores("4").map(NonZeroUsize::get), Ok(4));
        assert!(cores("many").unwrap_err().contains("whole number"));
    }

    #[test]
    fn a_level_is_a_finite_number() {
        assert_eq!(level("0.25"), Ok(0.25));
        for text in ["", "a", "inf", "nan", "0,25"] {
            assert!(level(text).unwrap_err().contains("0.25"), "{text}");
        }
    }
}
