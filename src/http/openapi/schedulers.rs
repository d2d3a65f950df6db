//! What each scheduler takes, and what people call it: the file's own words for it (`x-schedulers`,
//! `x-enum-descriptions`), since all share one schema of settings.

use floodgauge_protocol::SchedulerKind;
use serde_json::json;
use utoipa::openapi::{OpenApi, RefOr, Schema, extensions::ExtensionsBuilder, schema::Object};

/// A setting that some schedulers have: the schema that it is in, its name, and who has it.
type Setting = (&'static str, &'static str, fn(SchedulerKind) -> bool);

const SETTINGS: [Setting; 3] = [
    ("SchedulerSpec", "eta", SchedulerKind::has_eta),
    ("SchedulerSpec", "first_rung", SchedulerKind::has_first_rung),
    ("Search", "extend", SchedulerKind::can_extend),
];

/// Tells of each setting that isn't for all schedulers which have it, and how the schedulers are called.
pub(super) fn describe(openapi: &mut OpenApi) {
    for (schema, setting, has) in SETTINGS {
        let kinds = SchedulerKind::ALL.into_iter().filter(|kind| has(*kind));
        let names: Vec<&str> = kinds.map(SchedulerKind::as_str).collect();
        if let Some(RefOr::T(Schema::Object(field))) =
            object(openapi, schema).and_then(|object| object.properties.get_mut(setting))
        {
            let extension = ExtensionsBuilder::new().add("x-schedulers", json!(names)).build();
            field.extensions.get_or_insert_default().merge(extension);
        }
    }
    if let Some(kinds) = object(openapi, "SchedulerKind") {
        let words = SchedulerKind::ALL.map(SchedulerKind::words);
        let extension = ExtensionsBuilder::new().add("x-enum-descriptions", json!(words)).build();
        kinds.extensions.get_or_insert_default().merge(extension);
    }
}

pub(super) fn object<'a>(openapi: &'a mut OpenApi, name: &str) -> Option<&'a mut Object> {
    match openapi.components.as_mut()?.schemas.get_mut(name)? {
        RefOr::T(Schema::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_setting_that_not_all_schedulers_have_says_which_do() {
        let file = serde_json::to_value(crate::http::openapi()).unwrap();
        let schemas = &file["components"]["schemas"];
        let who = |schema: &str, setting: &str| {
            schemas[schema]["properties"][setting]["x-schedulers"].clone()
        };
        assert_eq!(who("Search", "extend"), serde_json::json!(["halving"]));
        assert_eq!(who("SchedulerSpec", "eta").as_array().unwrap().len(), 3);
        assert_eq!(who("SchedulerSpec", "first_rung").as_array().unwrap().len(), 4);
        assert_eq!(who("SchedulerSpec", "priority"), Value::Null);
        let kinds = &schemas["SchedulerKind"];
        let count = |field: &str| kinds[field].as_array().unwrap().len();
        assert_eq!(count("enum"), count("x-enum-descriptions"));
        assert_eq!(kinds["enum"][1], "halving");
        assert_eq!(kinds["x-enum-descriptions"][1], "halving after onset");
    }
}
