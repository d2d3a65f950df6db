//! What a recorded value asks of today's.

use serde_json::Value;

/// Fields that are words for people, of which a release may say that they were put otherwise since.
const WORDS: [&str; 3] = ["reason", "verdict", "words"];

/// The first place at which `now` isn't what was recorded; none if every field that was recorded is
/// there with the same value, numbers bit for bit. Objects may have gained fields, lists may not have
/// gained items. Words are compared unless they were `reworded` since.
pub fn difference(recorded: &Value, now: &Value, reworded: bool) -> Option<String> {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => recorded
            .iter()
            .filter(|(field, _)| !(reworded && WORDS.contains(&field.as_str())))
            .find_map(|(field, recorded)| {
                let Some(now) = now.get(field) else {
                    return Some(format!("/{field} is gone, it was {recorded}"));
                };
                difference(recorded, now, reworded).map(|place| format!("/{field}{place}"))
            }),
        (Value::Array(recorded), Value::Array(now)) => {
            let pairs = recorded.iter().zip(now).enumerate();
            let differs = |(at, (recorded, now)): (usize, (&Value, &Value))| {
                difference(recorded, now, reworded).map(|place| format!("/{at}{place}"))
            };
            pairs.map(differs).find_map(|place| place).or_else(|| {
                let (before, now) = (recorded.len(), now.len());
                (before != now).then(|| format!(" has {now} items, it had {before}"))
            })
        }
        // As text 0.0 and -0.0 differ, as their bits do.
        _ => (text(recorded) != text(now)).then(|| format!(" is {now}, it was {recorded}")),
    }
}

fn text(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_more_is_no_difference_and_a_field_less_is_one() {
        let recorded = json!({ "a": [1, { "b": 0.1 }] });
        let more = json!({ "a": [1, { "b": 0.1, "c": null }], "d": 2 });
        assert_eq!(difference(&recorded, &more, false), None);
        assert_eq!(difference(&more, &recorded, false).unwrap(), "/a/1/c is gone, it was null");
    }

    #[test]
    fn an_item_more_another_bit_and_another_sign_are_differences() {
        for (recorded, now) in [
            (json!([1]), json!([1, 2])),
            (json!([1, 2]), json!([1])),
            (json!(0.1), json!(0.1f64.next_up())),
            (json!(0.0), json!(-0.0)),
            (json!(1), json!(1.0)),
            (json!(null), json!({})),
        ] {
            assert!(difference(&recorded, &now, false).is_some(), "{recorded} {now}");
        }
    }

    #[test]
    fn words_count_until_they_are_said_to_be_put_otherwise() {
        let (recorded, now) =
            (json!({ "reason": "a", "rung": 1 }), json!({ "reason": "b", "rung": 1 }));
        assert_eq!(difference(&recorded, &now, false).unwrap(), r#"/reason is "b", it was "a""#);
        assert_eq!(difference(&recorded, &now, true), None);
    }
}
