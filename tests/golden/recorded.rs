//! What a recorded value asks of today's.

use serde_json::Value;

/// Fields that are words for people.
const WORDS: [&str; 1] = ["reason"];

/// Phrases of decisions as a release put them, and as they are put since: since a metric may be better higher,
/// and since what is told is told in plainer words. They take their turns.
const REPHRASED: [(&str, &str); 13] = [
    ("the response of the probes is lowest", "the response of the probes is best"),
    (" more are there now", " more added"),
    (
        "pruned: with another seed it ended early, so nothing compares it",
        "pruned: not trained on every seed",
    ),
    (
        "at rest, as nothing tells it from the one that goes on",
        "at rest, indistinguishable from the one that continues",
    ),
    (" goes to the end", " is trained to the end"),
    ("; its onset is at epoch ", "; it starts after "),
    (", it goes on from ", " epochs and resumes after epoch "),
    ("resumes after epoch 0", "is trained from the start"),
    (
        "the training loss never fell below it: it is the plain run",
        "the training loss never fell below it, so it equals plain",
    ),
    ("; what it saved is gone on from", "; resumes from what it saved"),
    ("a user asked for it", "by a user"),
    (
        "not trained: the levels beside it tell what it does",
        "not trained: estimated from its neighbours",
    ),
    ("; others go on", "; others continue"),
];

/// Whether words say what was recorded, as it was put then or as it is put since.
pub fn says(recorded: &str, now: &str) -> bool {
    recorded == now || rephrased(recorded) == now
}

/// Recorded words as they are put since.
fn rephrased(words: &str) -> String {
    let words =
        REPHRASED.iter().fold(words.to_owned(), |words, (then, since)| words.replace(then, since));
    counted_from_one(&words)
}

/// Epochs as they are told since: from 1, in what is to be trained as in what was compared (`in epochs`).
fn counted_from_one(words: &str) -> String {
    let mut parts = words.split("epochs ");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match range(part) {
            Some((from, to, rest)) => {
                let first = from + u64::from(!told.ends_with(" in "));
                told += &match first == to {
                    true => format!("epoch {to}{rest}"),
                    false => format!("epochs {first}–{to}{rest}"),
                };
            }
            None => told += &format!("epochs {part}"),
        }
    }
    told
}

/// Two numbers with `to` between them that a text begins with, and the rest of it.
fn range(text: &str) -> Option<(u64, u64, &str)> {
    let (from, rest) = text.split_once(" to ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((from.parse().ok()?, rest[..end].parse().ok()?, &rest[end..]))
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
                let words = recorded.as_str().zip(now.as_str());
                let words = words.filter(|_| WORDS.contains(&field.as_str()));
                if words.is_some_and(|(recorded, now)| says(recorded, now)) {
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
        for (then, since) in [
            (
                "rung 1 of 2: 3 arms, seed 0, epochs 0 to 9",
                "rung 1 of 2: 3 arms, seed 0, epochs 1–9",
            ),
            ("to the end: 1 arm, seed 0, epochs 8 to 9", "to the end: 1 arm, seed 0, epoch 9"),
            ("0.5 in epochs 4 to 6, after its onset", "0.5 in epochs 4–6, after its onset"),
            (
                "added; its onset is at epoch 3.5, it goes on from 3",
                "added; it starts after 3.5 epochs and resumes after epoch 3",
            ),
            (
                "added; its onset is at epoch 0.5, it goes on from 0",
                "added; it starts after 0.5 epochs and is trained from the start",
            ),
        ] {
            assert_eq!(difference(&reason(then), &reason(since)), None);
        }
        assert_eq!(
            difference(&reason("a"), &reason("b")).unwrap(),
            r#"/reason is "b here", it was "a here""#
        );
    }
}
