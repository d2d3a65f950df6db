//! Tagged unions as generators of clients want them: every variant a schema with a name of its own,
//! and the field that tells them apart a discriminator.
//!
//! What is derived of serde's tagged enums is a `oneOf` of nameless objects, and of a struct with such
//! an enum flattened into it an `allOf` of a `oneOf`. Generators call the former `Type1`, `Type2` and so
//! on, and give up on the latter. A struct with another flattened into it is an `allOf` that may be a
//! variant itself; it becomes one object. All are the same values as what is made of them here.

use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::{
    AllOf, Discriminator, Object, OneOf, OpenApi, Ref, RefOr, Schema,
    extensions::ExtensionsBuilder,
    schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type},
};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Where schemas lie in the file.
const SCHEMAS: &str = "#/components/schemas/";

/// Names the variants of every tagged union. What nothing refers to once it has become a part of others
/// goes.
pub(super) fn name(openapi: &mut OpenApi) {
    let gone = with_schemas(openapi, |schemas| {
        for schema in schemas.values_mut() {
            if let RefOr::T(Schema::OneOf(union)) = schema {
                move_default(union);
            }
        }
        let mut gone = flatten(schemas);
        gone.extend(put_together(schemas));
        gone.extend(spread(schemas));
        gone
    });
    let text = openapi.to_json().unwrap_or_default();
    let is_used = |name: &str| text.contains(&format!("\"{SCHEMAS}{name}\""));
    with_schemas(openapi, |schemas| {
        schemas.retain(|name, _| !gone.contains(name) || is_used(name));
        for (name, union) in tagged(schemas) {
            let (named, variants) = union.named(&name);
            schemas.insert(name, RefOr::T(Schema::OneOf(named)));
            schemas.extend(variants);
        }
    });
}

fn with_schemas<T>(openapi: &mut OpenApi, change: impl FnOnce(&mut Schemas) -> T) -> T {
    change(&mut openapi.components.get_or_insert_default().schemas)
}

/// Every tagged union, by its name.
fn tagged(schemas: &Schemas) -> BTreeMap<String, Tagged> {
    let union = |(name, schema): (&String, _)| Some((name.clone(), Tagged::of(schema)?));
    schemas.iter().filter_map(union).collect()
}

/// A union whose variants are objects that a field with one value each tells apart.
#[derive(Clone)]
struct Tagged {
    union: OneOf,
    tag: String,
    /// By the tag's value, in the order of the union.
    variants: Vec<(String, Object)>,
}

impl Tagged {
    fn of(schema: &RefOr<Schema>) -> Option<Self> {
        let RefOr::T(Schema::OneOf(union)) = schema else { return None };
        let objects: Option<Vec<&Object>> = union.items.iter().map(object).collect();
        let objects = objects?;
        let fields = objects.first()?.properties.keys();
        let tag =
            fields.into_iter().find(|name| objects.iter().all(|o| only(o, name).is_some()))?;
        let variants =
            objects.iter().filter_map(|object| Some((only(object, tag)?, (*object).clone())));
        Some(Self { union: union.clone(), tag: tag.clone(), variants: variants.collect() })
    }

    /// The union of references, and the schemas that they lead to.
    fn named(self, name: &str) -> (OneOf, Schemas) {
        let mut discriminator = Discriminator::new(&self.tag);
        let mut schemas = Schemas::new();
        let mut union = OneOfBuilder::new()
            .description(self.union.description)
            .extensions(self.union.extensions);
        for (value, object) in self.variants {
            let variant = format!("{name}{}", pascal_case(&value));
            let reference = Ref::from_schema_name(&variant);
            discriminator.mapping.insert(value, reference.ref_location.clone());
            union = union.item(reference);
            schemas.insert(variant, RefOr::T(Schema::Object(object)));
        }
        (union.discriminator(Some(discriminator)).build(), schemas)
    }
}

/// Generators can't make an object of a class that they have yet to choose: such a default is told in
/// words, and to those who know of it as `x-default`.
fn move_default(union: &mut OneOf) {
    let Some(default) = union.default.take_if(|default| default.is_object()) else { return };
    let words = format!("Unless set: `{default}`.");
    let before = union.description.take();
    let described = before.map(|before| format!("{before}\n\n{words}"));
    union.description = Some(described.unwrap_or(words));
    let extensions = ExtensionsBuilder::new().add("x-default", default).build();
    union.extensions.get_or_insert_default().merge(extensions);
}

/// Makes one object of each struct that is an `allOf` of others and of what it has beside them. The
/// names of the structs that were taken in so.
fn flatten(schemas: &mut Schemas) -> BTreeSet<String> {
    let named = |(name, schema): (&String, _)| Some((name.clone(), object(schema)?.clone()));
    let structs: BTreeMap<String, Object> = schemas.iter().filter_map(named).collect();
    let mut taken_in = BTreeSet::new();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let Some(object) = whole(all, &structs) else { continue };
        taken_in.extend(all.items.iter().filter_map(referred).map(str::to_owned));
        *schema = RefOr::T(Schema::Object(object));
    }
    taken_in
}

/// Makes one object of each variant that is an `allOf` of a struct and the tag. The names of the structs
/// that were taken in so.
fn put_together(schemas: &mut Schemas) -> BTreeSet<String> {
    let named = |(name, schema): (&String, _)| Some((name.clone(), object(schema)?.clone()));
    let structs: BTreeMap<String, Object> = schemas.iter().filter_map(named).collect();
    let mut taken_in = BTreeSet::new();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::OneOf(union)) = schema else { continue };
        for variant in &mut union.items {
            let RefOr::T(Schema::AllOf(all)) = variant else { continue };
            let Some(object) = whole(all, &structs) else { continue };
            taken_in.extend(all.items.iter().filter_map(referred).map(str::to_owned));
            *variant = RefOr::T(Schema::Object(object));
        }
    }
    taken_in
}

/// The object that has all that the parts of an `allOf` have, where these are objects or one of the
/// `structs`.
fn whole(all: &AllOf, structs: &BTreeMap<String, Object>) -> Option<Object> {
    let part = |part| match referred(part) {
        Some(name) => structs.get(name),
        None => object(part),
    };
    let parts: Vec<_> = all.items.iter().map(part).collect::<Option<_>>()?;
    let mut whole = ObjectBuilder::new().description(all.description.clone()).build();
    for part in parts {
        whole.properties.extend(part.properties.clone());
        whole.required.extend(part.required.clone());
    }
    Some(whole)
}

/// Makes every `allOf` of a tagged union and objects a tagged union whose variants have all that these
/// objects have. The names of the unions that were spread so.
fn spread(schemas: &mut Schemas) -> BTreeSet<String> {
    let mut bases = BTreeSet::new();
    let unions = tagged(schemas);
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let base = all.items.iter().filter_map(referred).find(|name| unions.contains_key(*name));
        let Some(base) = base.map(str::to_owned) else { continue };
        let union = unions[&base].clone();
        *schema = RefOr::T(Schema::OneOf(over(union, all, &base)));
        bases.insert(base);
    }
    bases
}

/// The union with what an `allOf` asks for beside it in each of its variants.
fn over(union: Tagged, all: &AllOf, base: &str) -> OneOf {
    let beside = all.items.iter().filter(|item| referred(item) != Some(base)).filter_map(object);
    let beside: Vec<&Object> = beside.collect();
    let mut spread = OneOfBuilder::new().description(all.description.clone());
    for (_, mut variant) in union.variants {
        for object in &beside {
            variant.properties.extend(object.properties.clone());
            variant.required.extend(object.required.clone());
        }
        spread = spread.item(variant);
    }
    spread.build()
}

fn object(schema: &RefOr<Schema>) -> Option<&Object> {
    match schema {
        RefOr::T(Schema::Object(object))
            if object.schema_type == SchemaType::from(Type::Object) =>
        {
            Some(object)
        }
        _ => None,
    }
}

/// The name of the schema that a reference leads to.
fn referred(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(reference) => reference.ref_location.strip_prefix(SCHEMAS),
        RefOr::T(_) => None,
    }
}

/// The value of a field that must be there and can have this value alone.
fn only(object: &Object, name: &str) -> Option<String> {
    let RefOr::T(Schema::Object(field)) = object.properties.get(name)? else { return None };
    match field.enum_values.as_deref()? {
        [value] if object.required.iter().any(|required| required == name) => {
            Some(value.as_str()?.to_owned())
        }
        _ => None,
    }
}

/// `gradient_penalty` as `GradientPenalty`.
fn pascal_case(value: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    value.split('_').map(word).collect()
}
