//! What a recorded value asks of today's.

use serde_json::Value;

/// Fields that are words for people.
const WORDS: [&str; 3] = ["reason", "verdict", "words"];

/// Phrases as a release put them, and as they are put since: since a metric may be better higher, and since
/// the levels of each method are counted, of which the recorded sweeps have two or three.
const REPHRASED: [(&str, &str); 7] = [
    ("the response of the probes is lowest", "the response of the probes is best"),
    ("10 of 8 levels were not trained", "10 of 24 levels were not trained"),
    ("13 of 13 levels were not trained", "13 of 26 levels were not trained"),
    ("11 of 14 levels were not trained", "11 of 28 levels were not trained"),
    ("6 of 8 levels were not trained", "6 of 16 levels were not trained"),
    ("6 of 9 levels were not trained", "6 of 18 levels were not trained"),
    ("6 of 11 levels were not trained", "6 of 22 levels were not trained"),
];

/// Recorded words as they are put since.
pub fn rephrased(words: &str) -> String {
    REPHRASED.iter().fold(words.to_owned(), |words, (then, since)| words.replace(then, since))
}

/// The first place at which `now` isn't what was recorded; none if every field that was recorded is
/// there with the same value, numbers bit for bit. Objects may have gained fields, lists may not have
/// gained items. Words are as recorded, or as they are put since.
pub fn difference(recorded: &Value, now: &Value) -> Option<String> {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            recorded.iter().find_map(|(field, recorded)| {
                let Some(now) = now.get(field) else {
                    return Some(format!("/{field} is gone, it was {recorded}"));
                };
                let words = recorded.as_str().filter(|_| WORDS.contains(&field.as_str()));
                if words.is_some_and(|words| now.as_str() == Some(&rephrased(words))) {
                    return None;
                }
                difference(recorded, now).map(|place| format!("/{field}{place}"))
            })
        }
        (Value::Array(recorded), Value::Array(now)) => {
            let pairs = recorded.iter().zip(now).enumerate();
            let differs = |(at, (recorded, now)): (usize, (&Value, &Value))| {
                difference(recorded, now).map(|place| format!("/{at}{place}"))
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
        assert_eq!(difference(&recorded, &more), None);
        assert_eq!(difference(&more, &recorded).unwrap(), "/a/1/c is gone, it was null");
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
            assert!(difference(&recorded, &now).is_some(), "{recorded} {now}");
        }
    }

    #[test]
    fn words_count_but_for_phrases_that_are_put_otherwise_since() {
        let reason = |words: &str| json!({ "reason": format!("{words} here"), "rung": 1 });
        for (then, since) in REPHRASED {
            assert_eq!(difference(&reason(then), &reason(since)), None);
            assert_eq!(difference(&reason(then), &reason(then)), None);
            assert!(difference(&reason(since), &reason(then)).is_some());
            assert!(difference(&json!({ "name": then }), &json!({ "name": since })).is_some());
        }
        assert_eq!(
            difference(&reason("a"), &reason("b")).unwrap(),
            r#"/reason is "b here", it was "a here""#
        );
    }
}
