//! An arm described: which it is, and what it trains with.

use crate::{
    ids::ArmIx,
    method::{Method, Parameter},
    space::SearchSpace,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An arm of a sweep, described; what only refers to one has its index alone.
///
/// Within a sweep the index says which arm it is. Arms of different sweeps have no index in common:
/// their methods and parameters say which are alike. Names are for people, and may be put otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Arm {
    /// The arm's index.
    #[serde(rename = "arm")]
    pub ix: ArmIx,
    /// The arm in words.
    #[cfg_attr(feature = "openapi", schema(example = "flood b=0.07"))]
    pub name: String,
    /// The arm's method.
    #[cfg_attr(feature = "openapi", schema(example = "flood"))]
    pub method: String,
    /// The arm's flood level, in nats; null for plain, and for methods that have none.
    #[cfg_attr(feature = "openapi", schema(required, example = 0.07))]
    pub b: Option<f64>,
    /// What tells the arm from others of its method; null for plain.
    #[cfg_attr(feature = "openapi", schema(required, example = 0.07))]
    pub parameter: Option<Parameter>,
}

impl Arm {
    /// An arm by its method.
    pub fn new(ix: ArmIx, method: Method) -> Self {
        Self {
            ix,
            name: method.to_string(),
            method: method.name().into(),
            b: method.level(),
            parameter: method.parameter(),
        }
    }

    /// The arms of a search space, by index.
    pub fn all(space: &SearchSpace) -> Vec<Self> {
        space.arm_ids().zip(&space.arms).map(|(ix, method)| Self::new(ix, *method)).collect()
    }

    /// Whether it is the baseline.
    pub fn is_plain(&self) -> bool {
        self.ix == ArmIx::PLAIN
    }
}

/// In words, as people call it.
impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn described(method: Method) -> Value {
        let arm = Arm::new(ArmIx(7), method);
        let value = serde_json::to_value(&arm).unwrap();
        assert_eq!(serde_json::from_value::<Arm>(value.clone()).unwrap(), arm);
        value
    }

    #[test]
    fn an_arm_has_its_index_its_name_its_method_its_level_and_its_parameter() {
        let flood = json!({ "arm": 7, "name": "flood b=0.07", "method": "flood", "b": 0.07,
                            "parameter": 0.07 });
        assert_eq!(described(Method::Flood { b: 0.07 }), flood);
        let plain = json!({ "arm": 7, "name": "plain", "method": "plain", "b": null,
                            "parameter": null });
        assert_eq!(described(Method::Plain), plain);
        let penalty = described(Method::GradientPenalty { lambda: 0.1, rho: 0.05 });
        assert_eq!((&penalty["b"], &penalty["parameter"]), (&json!(null), &json!(0.1)));
        let far = described(Method::GradientPenalty { lambda: 0.1, rho: 0.5 });
        assert_eq!(far["parameter"], json!([0.1, 0.5]));
        let rates = described(Method::Alternating { descent: 0.1, ascent: 0.05 });
        assert_eq!((&rates["b"], &rates["parameter"]), (&json!(null), &json!([0.1, 0.05])));
    }

    #[test]
    fn whole_numbers_are_parameters_too() {
        let read = |parameter: Value| {
            let arm = json!({ "arm": 1, "name": "", "method": "", "b": 1, "parameter": parameter });
            serde_json::from_value::<Arm>(arm).unwrap().parameter
        };
        assert_eq!(read(json!(1)), Some(Parameter::Number(1.0)));
        assert_eq!(read(json!([2, 1])), Some(Parameter::Pair([2.0, 1.0])));
        assert_eq!(read(json!(null)), None);
    }
}
