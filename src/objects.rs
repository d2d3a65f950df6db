//! Objects that are read as objects alone. A derived reader takes an array for one too, its items for the fields in
//! the order in which they are declared: which no description says, and which changes with the next field.
//!
//! A [`Strict`] reader is another one that hands on what it is asked for, and has whatever is read within it read
//! likewise. Where a struct is asked for, an array is refused before any of its items is read. What serde holds back
//! before it reads it, as for untagged enums, is beyond its reach: what people send has none with structs in it.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// Why an array is refused.
const NO_ARRAY: &str = "an object is needed here, not an array";

/// Reads as what it holds does, but takes no array for an object.
#[derive(Debug)]
pub struct Strict<T>(pub T);

/// Takes what is read, and has what is within it read strictly.
struct Within<V> {
    visitor: V,
    /// Whether it is a struct that is asked for.
    is_object: bool,
}

impl<V> Within<V> {
    fn of(visitor: V) -> Self {
        Self { visitor, is_object: false }
    }

    fn object(visitor: V) -> Self {
        Self { visitor, is_object: true }
    }
}

/// Methods of a deserializer that are handed on with whatever else they take.
macro_rules! hand_on {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(
            fn $method<V: Visitor<'de>>(
                self,
                $($name: $type,)*
                visitor: V,
            ) -> Result<V::Value, Self::Error> {
                self.0.$method($($name,)* Within::of(visitor))
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Within::object(visitor))
    }

    hand_on! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Methods of a visitor that take a value with nothing within it.
macro_rules! take {
    ($($method:ident($type:ty);)*) => {
        $(
            fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
                self.visitor.$method(value)
            }
        )*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    take! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict(some))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        match self.is_object {
            true => Err(A::Error::custom(NO_ARRAY)),
            false => self.visitor.visit_seq(Strict(items)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Strict(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Strict(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Strict(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) = self.0.variant_seed(Strict(seed))?;
        Ok((name, Strict(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Within::of(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Within::object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, de::DeserializeOwned};
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Point {
        x: f64,
        y: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Point);

    #[derive(Debug, PartialEq, Deserialize)]
    enum Shape {
        Dot,
        At(Point),
        Pair(Point, u8),
        Circle { center: Point, radius: f64 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        one: Point,
        wrapped: Wrapped,
        maybe: Option<Point>,
        many: Vec<Point>,
        named: BTreeMap<String, Point>,
        pair: (Point, Point),
        numbers: [f64; 2],
        shapes: Vec<Shape>,
    }

    const ALL: &str = r#"{
        "one": {"x": 1, "y": 2}, "wrapped": {"x": 1, "y": 2}, "maybe": {"x": 1, "y": 2},
        "many": [{"x": 1, "y": 2}], "named": {"a": {"x": 1, "y": 2}},
        "pair": [{"x": 1, "y": 2}, {"x": 1, "y": 2}], "numbers": [1, 2],
        "shapes": ["Dot", {"At": {"x": 1, "y": 2}}, {"Pair": [{"x": 1, "y": 2}, 3]},
                   {"Circle": {"center": {"x": 1, "y": 2}, "radius": 3}}]}"#;

    const POINT: &str = r#"{"x": 1, "y": 2}"#;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        T::deserialize(Strict(&mut json)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_as_it_should_be_is_read_as_ever() {
        assert_eq!(read::<All>(ALL).unwrap(), serde_json::from_str(ALL).unwrap());
        for text in ["true", "-3", "4.5", "\"text\"", "null", "[1, {\"a\": []}]"] {
            let read = read::<serde_json::Value>(text).unwrap();
            assert_eq!(read, serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
        assert_eq!(read::<Option<Point>>("null"), Ok(None));
    }

    #[test]
    fn an_array_is_no_object_wherever_one_is_read() {
        assert!(serde_json::from_str::<Point>("[1, 2]").is_ok(), "which is why");
        assert!(read::<Point>("[1, 2]").unwrap_err().starts_with(NO_ARRAY));
        let places: Vec<_> = ALL.match_indices(POINT).map(|(at, _)| at).collect();
        assert_eq!(places.len(), 10);
        for at in places {
            let text = format!("{}[1, 2]{}", &ALL[..at], &ALL[at + POINT.len()..]);
            assert!(serde_json::from_str::<All>(&text).is_ok(), "{text}");
            assert!(read::<All>(&text).unwrap_err().starts_with(NO_ARRAY), "{text}");
        }
        let circle = format!(r#"{{"Circle": [{POINT}, 3]}}"#);
        assert!(serde_json::from_str::<Shape>(&circle).is_ok());
        assert!(read::<Shape>(&circle).unwrap_err().starts_with(NO_ARRAY));
    }

    #[test]
    fn nothing_of_a_refused_array_is_read() {
        let long = format!("[{}", "1,".repeat(1 << 20));
        assert!(read::<Point>(&long).unwrap_err().contains("line 1 column 1"), "no item was");
    }
}
