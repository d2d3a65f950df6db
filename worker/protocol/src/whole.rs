//! Whole numbers as people write them: `100`, and `100.0` or `1e2` too.

use serde::{
    Deserializer,
    de::{Error, Visitor},
};
use std::fmt::{self, Display};

/// Reads a whole number, however it is written.
///
/// # Errors
/// Says that it is none, or that it is out of range.
pub fn whole<'de, D: Deserializer<'de>>(number: D) -> Result<u32, D::Error> {
    number.deserialize_any(Whole)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        number.try_into().map_err(|_| out_of_range(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        number.try_into().map_err(|_| out_of_range(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u32, E> {
        if number.fract() != 0.0 {
            return Err(E::custom(format_args!("must be a whole number, not {number}")));
        }
        match (0.0..=f64::from(u32::MAX)).contains(&number) {
            true => Ok(number as u32),
            false => Err(out_of_range(number)),
        }
    }
}

fn out_of_range<E: Error>(number: impl Display) -> E {
    E::custom(format_args!("must be from 0 to {}, not {number}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Deserializer, Value, json};

    fn read(number: Value) -> Result<u32, String> {
        whole(number).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for written in ["100", "100.0", "1e2", "1.0E+2"] {
            assert_eq!(whole(&mut Deserializer::from_str(written)).unwrap(), 100, "{written}");
        }
        assert_eq!(read(json!(0)), Ok(0));
        assert_eq!(read(json!(u32::MAX)), Ok(u32::MAX));
    }

    #[test]
    fn what_is_none_is_told_why() {
        assert_eq!(read(json!(1.5)), Err("must be a whole number, not 1.5".into()));
        for number in [json!(-1), json!(-1.0), json!(1u64 << 32), json!(1e300)] {
            let refused = read(number).unwrap_err();
            assert!(refused.starts_with("must be from 0 to 4294967295, not "), "{refused}");
        }
        assert!(read(json!("100")).unwrap_err().contains("expected a whole number"));
    }
}
