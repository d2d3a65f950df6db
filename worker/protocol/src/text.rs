//! Text that others wrote: what of it would be shown as something else than itself, and what may be a
//! name. Whoever prints or logs text of others has it pass through [`escaped`].

use std::borrow::Cow;

/// Whether a character does something to what is around it instead of being seen: control characters
/// (line breaks and tabs count), marks that turn the direction of writing, separators of lines and
/// paragraphs, and characters that take no room, but for the joiners that scripts and pictures need.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character is seen as nothing but room, or not at all.
fn is_blank(c: char) -> bool {
    let blank =
        ['\u{115f}', '\u{1160}', '\u{200c}', '\u{200d}', '\u{2800}', '\u{3164}', '\u{ffa0}'];
    c.is_whitespace() || blank.contains(&c)
}

/// The text with each hidden character as an escape, such as `\n` or `\u{1b}`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_but(text, |_| false)
}

/// The same, with line breaks as they are: for texts of several lines.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escaped_but(text, |c| c == '\n')
}

fn escaped_but(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && !stays(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// JSON that means the same, with the hidden characters in its texts escaped. Those outside of texts are
/// room; line breaks there stay.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && c != '\n';
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\t' | '\r' => shown.push(' '),
            c if hidden(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    shown += &format!("\\u{unit:04x}");
                }
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// What is wrong with a name of at most so many characters; none if it can be one.
pub fn name_problem(name: &str, most: usize) -> Option<String> {
    let count = name.chars().count();
    if !(1..=most).contains(&count) {
        return Some(format!("a name has 1 to {most} characters, not {count}"));
    }
    if let Some(c) = name.chars().find(|c| is_hidden(*c)) {
        return Some(format!("a name has no control characters, such as {}", c.escape_default()));
    }
    name.chars().all(is_blank).then(|| "a name can't be blank".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_not_be_seen_is_written_out() {
        assert_eq!(escaped("digits, 2nd"), "digits, 2nd");
        assert!(matches!(escaped("naïve \u{200f}"), Cow::Owned(_)));
        assert!(matches!(escaped("naïve 模型 \u{1f469}\u{200d}\u{1f52c}"), Cow::Borrowed(_)));
        assert_eq!(escaped("a\nb\t\u{1b}[31m\u{7}\u{9b}"), "a\\nb\\t\\u{1b}[31m\\u{7}\\u{9b}");
        assert_eq!(escaped("\u{202e}gpj.exe\0"), "\\u{202e}gpj.exe\\u{0}");
        assert_eq!(escaped_lines("a\r\nb"), "a\\r\nb");
    }

    #[test]
    fn a_name_is_seen() {
        for good in [
            "a",
            "digits, 2nd try",
            " a ",
            "naïve",
            "模型",
            "\u{1f469}\u{200d}\u{1f52c}",
            &"n".repeat(100),
        ] {
            assert_eq!(name_problem(good, 100), None, "{good}");
        }
        for bad in [
            "",
            " ",
            "\u{3000}\u{a0}",
            "\u{2800}",
            "a\nb",
            "\u{1b}[2J",
            "\u{202e}x",
            "\u{85}",
            "\0",
        ] {
            assert!(name_problem(bad, 100).is_some(), "{bad:?}");
        }
        let long = name_problem(&"n".repeat(101), 100);
        assert_eq!(long.unwrap(), "a name has 1 to 100 characters, not 101");
    }

    #[test]
    fn json_means_the_same_with_its_hidden_characters_escaped() {
        let name = "\u{202e}a\u{9b}\u{e0041}\u{7f}\n";
        let value = serde_json::json!({ "name": name, "of": [1, "é"] });
        let body = format!("\t{value}\r\n");
        let shown = escaped_json(&body);
        assert!(!shown.contains(|c| is_hidden(c) && c != '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_of_any_text(text in any::<Vec<char>>()) {
            let text = String::from_iter(text);
            prop_assert!(!escaped(&text).contains(is_hidden));
            prop_assert!(!escaped_lines(&text).contains(|c| is_hidden(c) && c != '\n'));
        }
    }
}
