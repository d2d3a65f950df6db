//! Enums whose variants a field `kind` tells apart, read field by field.
//!
//! Serde's tagged enums hold a value back until they know its variant, and forget meanwhile which
//! field it was that didn't read; people are to be pointed at it. So a field is read as what it is in
//! every variant that has it, and which variant it is, is asked once all are read. The variants
//! are the one list of fields there is: fields of one name must have one type, and a kind refuses
//! what others have.

use serde::{Deserializer, de, de::DeserializeSeed};

/// Declares an enum that is read by its `kind`. Behind the type of a field stands, with `=`, what
/// it is where it's left out, or, with `=>`, what people are told it is where it's needed.
macro_rules! by_kind {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$variant_meta:meta])*
                $variant:ident {
                    $(
                        $(#[$field_meta:meta])*
                        $field:ident: $type:ty $(= $default:expr)? $(=> $what:literal)?
                    ),* $(,)?
                }
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $(
                $(#[$variant_meta])*
                $variant {
                    $(
                        $(#[$field_meta])*
                        $field: $type,
                    )*
                },
            )*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(rename_all = "snake_case")]
                enum Kind {
                    $($variant,)*
                }

                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a table with a kind")
                    }

                    #[allow(
                        unused_assignments,
                        unused_mut,
                        unused_variables,
                        reason = "a field that several kinds have is declared for each: the last counts"
                    )]
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        use serde::de::Error as _;
                        let mut kind: Option<Kind> = None;
                        $($(let mut $field: Option<$type> = None;)*)*
                        while let Some(key) = map.next_key::<String>()? {
                            let twice = match key.as_str() {
                                "kind" => kind.replace(map.next_value()?).map(|_| "kind"),
                                $($(
                                    field if field == stringify!($field) => {
                                        let before = $field.replace(map.next_value()?);
                                        before.map(|_| stringify!($field))
                                    }
                                )*)*
                                _ => {
                                    let fields = ["kind", $($(stringify!($field),)*)*];
                                    map.next_value_seed($crate::by_kind::Unknown(&key, &fields))?;
                                    None
                                }
                            };
                            if let Some(field) = twice {
                                return Err(A::Error::duplicate_field(field));
                            }
                        }
                        let given = [$($(($field.is_some(), stringify!($field)),)*)*];
                        match kind.ok_or_else(|| A::Error::missing_field("kind"))? {
                            $(
                                Kind::$variant => {
                                    let kind = $crate::by_kind::snake_case(stringify!($variant));
                                    let own: &[&str] = &[$(stringify!($field),)*];
                                    let mut given = given.iter().filter(|(given, _)| *given);
                                    if let Some((_, stray)) = given.find(|(_, of)| !own.contains(of)) {
                                        return Err(A::Error::custom(format!("{kind} has no {stray}")));
                                    }
                                    Ok($name::$variant {
                                        $(
                                            $field: by_kind!(
                                                @value A, kind, $field $(= $default)? $(=> $what)?
                                            ),
                                        )*
                                    })
                                }
                            )*
                        }
                    }
                }

                deserializer.deserialize_map(Fields)
            }
        }
    };
    (@value $access:ident, $kind:ident, $field:ident = $default:expr) => {
        $field.unwrap_or_else(|| $default)
    };
    (@value $access:ident, $kind:ident, $field:ident => $what:literal) => {
        $field.ok_or_else(|| {
            $access::Error::custom(format!("{} needs {}, {}", $kind, stringify!($field), $what))
        })?
    };
    (@value $access:ident, $kind:ident, $field:ident) => {
        $field.ok_or_else(|| $access::Error::missing_field(stringify!($field)))?
    };
}

pub(crate) use by_kind;

/// Refuses the value of a field that no kind has, so that the error is that field's.
pub(crate) struct Unknown<'a>(pub &'a str, pub &'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Unknown<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        let Self(field, known) = self;
        let mut names: Vec<String> = vec![];
        for name in known.iter().map(|name| format!("`{name}`")) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let message = format!("unknown field `{field}`, expected one of {}", names.join(", "));
        Err(de::Error::custom(message))
    }
}

/// The kind of a variant: `GradientPenalty` is `gradient_penalty`.
pub(crate) fn snake_case(variant: &str) -> String {
    let mut kind = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !kind.is_empty() {
            kind.push('_');
        }
        kind.extend(letter.to_lowercase());
    }
    kind
}

#[cfg(test)]
mod tests {
    use crate::{model::Model, recipe::Optimizer, schedule::Schedule};
    use serde_json::{Value, json};

    fn optimizer(json: Value) -> Result<Optimizer, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let adam = optimizer(json!({ "kind": "adam", "lr": 0.001 })).unwrap();
        assert_eq!(optimizer(serde_json::to_value(&adam).unwrap()), Ok(adam));
        let model = Model::Mlp { hidden: vec![3], batch_norm: true };
        let read: Model = serde_json::from_value(serde_json::to_value(&model).unwrap()).unwrap();
        assert_eq!(read, model);
        let cnn = json!({ "kind": "cnn", "channels": [4], "kernel": 5, "hidden": [], "batch_norm": true });
        let resnet = json!({ "kind": "resnet", "depth": 8, "width": 4 });
        for json in [cnn, resnet] {
            let model: Model = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(model).unwrap(), json);
        }
    }

    #[test]
    fn an_optimizer_takes_no_parameter_of_the_other() {
        let mixed = optimizer(json!({ "kind": "sgd", "lr": 0.1, "beta_1": 0.9 }));
        assert_eq!(mixed, Err("sgd has no beta_1".into()));
        let mixed = optimizer(json!({ "kind": "adam", "lr": 0.1, "momentum": 0.9 }));
        assert_eq!(mixed, Err("adam has no momentum".into()));
        let mixed = optimizer(json!({ "kind": "adamw", "lr": 0.1, "nesterov": true }));
        assert_eq!(mixed, Err("adamw has no nesterov".into()));
        let empty = optimizer(json!({ "kind": "sgd", "lr": 0.1, "nesterov": null }));
        assert!(empty.unwrap_err().contains("null"));
    }

    #[test]
    fn an_unknown_field_is_answered_with_each_field_once() {
        let refused = optimizer(json!({ "kind": "sgd", "lr": 0.1, "rate": 1 })).unwrap_err();
        let expected = "unknown field `rate`, expected one of `kind`, `lr`, `momentum`, \
                        `nesterov`, `schedule`, `beta_1`, `beta_2`, `epsilon`";
        assert_eq!(refused, expected);
        let refused = optimizer(json!({ "lr": 0.1 })).unwrap_err();
        assert_eq!(refused, "missing field `kind`");
        let twice: Result<Optimizer, _> =
            serde_json::from_str(r#"{"kind": "sgd", "lr": 1, "lr": 2}"#);
        assert!(twice.unwrap_err().to_string().starts_with("duplicate field `lr`"));
    }

    #[test]
    fn a_model_takes_what_its_kind_has_and_needs_it() {
        let model = |json| serde_json::from_value::<Model>(json).map_err(|error| error.to_string());
        for (json, problem) in [
            (json!({ "kind": "mlp" }), "mlp needs hidden"),
            (json!({ "kind": "mlp", "hidden": [], "kernel": 3 }), "mlp has no kernel"),
            (json!({ "kind": "cnn", "depth": 8 }), "cnn has no depth"),
            (json!({ "kind": "resnet" }), "resnet needs depth"),
            (
                json!({ "kind": "resnet", "depth": 8, "batch_norm": true }),
                "resnet has no batch_norm",
            ),
        ] {
            let refusal = model(json).unwrap_err();
            assert!(refusal.contains(problem), "{refusal}");
        }
    }

    #[test]
    fn a_schedule_takes_what_its_kind_has_and_needs_it() {
        let schedule =
            |schedule| optimizer(json!({ "kind": "sgd", "lr": 1, "schedule": schedule }));
        let step = schedule(json!({ "kind": "step", "every": 30, "factor": 0.1 })).unwrap();
        assert_eq!(*step.schedule(), Schedule::Step { every: 30, factor: 0.1, warmup: 0 });
        assert_eq!(optimizer(serde_json::to_value(&step).unwrap()), Ok(step));
        let short = schedule(json!({ "kind": "step", "every": 30 })).unwrap_err();
        assert_eq!(short, "step needs factor, by which each change multiplies");
        let mixed = schedule(json!({ "kind": "cosine", "every": 30 }));
        assert_eq!(mixed, Err("cosine has no every".into()));
    }
}
