//! What keeps the file usable to those who generate clients from it.

use super::openapi;
use serde_json::Value;
use std::sync::LazyLock;

static FILE: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(openapi()).unwrap());

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Every operation with its name.
fn operations() -> Vec<(String, &'static Value)> {
    let paths = FILE["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        METHODS.iter().map(move |method| (format!("{method} {path}"), &item[*method]))
    });
    methods.filter(|(_, operation)| operation.is_object()).collect()
}

/// Visits every object of the file with its JSON pointer.
fn visit(value: &'static Value, at: &str, see: &mut dyn FnMut(&str, &'static Value)) {
    see(at, value);
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                visit(field, &format!("{at}/{}", name.replace('/', "~1")), see);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                visit(item, &format!("{at}/{i}"), see);
            }
        }
        _ => {}
    }
}

fn everywhere(mut see: impl FnMut(&str, &'static Value)) {
    visit(&FILE, "", &mut see);
}

/// A schema without its reference.
fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(to) => FILE.pointer(to.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The objects that a choice is between, if all that it is between are objects.
fn objects(schema: &'static Value) -> Option<Vec<&'static Value>> {
    let variants = schema["oneOf"].as_array()?.iter().filter(|each| each["type"] != "null");
    let variants: Vec<_> = variants.map(resolved).collect();
    let choice = variants.len() > 1 && variants.iter().all(|variant| variant["type"] == "object");
    choice.then_some(variants)
}

/// The values that a schema has of a field that must be there, if it can have but one.
fn only<'a>(schema: &'a Value, field: &str) -> Option<&'a Value> {
    let must = schema["required"].as_array()?.iter().any(|name| name == field);
    let values = schema["properties"][field]["enum"].as_array()?;
    (must && values.len() == 1).then(|| &values[0])
}

#[test]
fn variants_have_names_and_are_told_apart_by_a_field_of_theirs() {
    let mut unions = 0;
    everywhere(|at, schema| {
        let Some(variants) = objects(schema) else { return };
        let named = schema["oneOf"].as_array().unwrap().iter().all(|each| each["$ref"].is_string());
        assert!(named, "{at} has nameless variants");
        let fields = variants[0]["properties"].as_object().unwrap().keys();
        let tag = fields.into_iter().find(|f| variants.iter().all(|v| only(v, f).is_some()));
        let Some(tag) = tag else {
            // Ranges of levels: which one it is, their required fields tell, and none takes the other's.
            let closed = |variant: &&Value| variant["additionalProperties"] == false;
            assert!(variants.iter().all(closed), "nothing tells the variants of {at} apart");
            return;
        };
        let discriminator = &schema["discriminator"];
        assert_eq!(discriminator["propertyName"], **tag, "{at}");
        for (reference, variant) in schema["oneOf"].as_array().unwrap().iter().zip(&variants) {
            let value = only(variant, tag).unwrap().as_str().unwrap();
            assert_eq!(discriminator["mapping"][value], reference["$ref"], "{at} {value}");
        }
        assert_eq!(discriminator["mapping"].as_object().unwrap().len(), variants.len(), "{at}");
        unions += 1;
    });
    assert!(unions >= 8, "only {unions} unions are told");
}

#[test]
fn no_choice_has_an_object_as_its_default() {
    everywhere(|at, schema| {
        let is_choice = schema["oneOf"].is_array() || resolved(schema)["oneOf"].is_array();
        assert!(!(is_choice && schema["default"].is_object()), "{at}");
    });
}

#[test]
fn nothing_is_all_of_a_choice() {
    everywhere(|at, schema| {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            assert!(!resolved(part)["oneOf"].is_array(), "{at}");
        }
    });
}

#[test]
fn no_variant_of_a_choice_is_all_of_several_things() {
    everywhere(|at, schema| {
        for variant in schema["oneOf"].as_array().into_iter().flatten().map(resolved) {
            assert!(variant["allOf"].is_null(), "{at}: {variant}");
        }
    });
}

#[test]
fn no_answer_is_one_of_two_things() {
    for (name, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = response["content"].as_object().into_iter().flatten();
            for schema in content.map(|(_, content)| resolved(&content["schema"])) {
                assert!(!schema["oneOf"].is_array(), "{name} {status}");
            }
        }
    }
}

#[test]
fn every_operation_has_a_description() {
    for (name, operation) in operations() {
        let words = operation["description"].as_str().unwrap_or_default();
        assert!(words.len() > 20, "{name}: `{words}`");
        assert!(words.ends_with(['.', '`']), "{name}: `{words}`");
    }
}

#[test]
fn servers_are_told() {
    let servers = FILE["servers"].as_array().unwrap();
    assert_eq!(servers[0]["url"], "http://{address}");
    assert_eq!(servers[0]["variables"]["address"]["default"], crate::config::DEFAULT_LISTEN);
    assert_eq!(servers[1]["url"], ".");
}

#[test]
fn no_schema_is_told_that_nothing_refers_to() {
    let text = FILE.to_string();
    for name in FILE["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name}");
    }
}
