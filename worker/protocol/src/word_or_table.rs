//! What is told by a word or, where there is more to say, by a table.

use serde::{
    Deserialize,
    de::{
        Error, MapAccess, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};
use std::fmt;

/// Reads it by what it is, so that an error points into the table; no array is taken for one.
pub struct WordOrTable<W, T, V> {
    /// What it may be, for people.
    pub expecting: &'static str,
    /// What a word makes.
    pub of_word: fn(W) -> V,
    /// What a table makes.
    pub of_table: fn(T) -> V,
}

impl<'de, W: Deserialize<'de>, T: Deserialize<'de>, V> Visitor<'de> for WordOrTable<W, T, V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<V, E> {
        W::deserialize(StrDeserializer::new(word)).map(self.of_word)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<V, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(self.of_table)
    }
}
