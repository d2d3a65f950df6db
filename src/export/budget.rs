//! What may be kept of a file while it is read.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::{cell::Cell, fmt};

/// How much of something may still come.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u64>,
    most: u64,
    what: &'static str,
    is_exceeded: Cell<bool>,
}

impl Budget {
    /// At most so many of what this calls.
    pub fn new(most: u64, what: &'static str) -> Self {
        Self { left: Cell::new(most), most, what, is_exceeded: Cell::new(false) }
    }

    /// Takes some of it.
    ///
    /// # Errors
    /// If there aren't as many left.
    pub fn take<E: Error>(&self, count: u64) -> Result<(), E> {
        match self.left.get().checked_sub(count) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.is_exceeded.set(true);
                Err(E::custom(self.words()))
            }
        }
    }

    /// How much has been taken.
    pub fn taken(&self) -> u64 {
        self.most - self.left.get()
    }

    /// That more of it came than may, if so.
    pub fn exceeded(&self) -> Option<String> {
        self.is_exceeded.get().then(|| self.words())
    }

    fn words(&self) -> String {
        format!("it holds more than {} {}", self.most, self.what)
    }
}

/// How many bytes of a text count as one of whatever else there is.
const TEXT_BYTES: u64 = 16;

/// Reads a value whose parts are counted: whatever is small in files that nobody meddled with.
#[derive(Clone, Copy)]
pub struct Counted<'a>(pub &'a Budget);

impl Counted<'_> {
    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.take(1 + text.len() as u64 / TEXT_BYTES)
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.take(1)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.take(1)?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.take(1)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.take(1)?;
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.take(1)?;
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.text(value)?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.take(1)?;
        let mut all = vec![];
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        self.0.take(1)?;
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            self.text(&name)?;
            all.insert(name, fields.next_value_seed(self)?);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Deserializer, json};

    fn read(json: &str, most: u64) -> Result<Value, String> {
        let budget = Budget::new(most, "parts");
        let read = Counted(&budget).deserialize(&mut Deserializer::from_str(json));
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_is_read_as_it_is_until_there_is_too_much_of_it() {
        let value = json!({ "a": [1, -2, 0.1, true, null], "b": "text" });
        // Each value and each name is one.
        assert_eq!(read(&value.to_string(), 10), Ok(value.clone()));
        let refused = read(&value.to_string(), 9).unwrap_err();
        assert!(refused.starts_with("it holds more than 9 parts"), "{refused}");
        assert!(read(&format!("\"{}\"", "x".repeat(160)), 10).is_err());
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(read(&deep, 1000).is_err(), "depth is bounded");
    }
}
