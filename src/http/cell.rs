//! Text in exported tables.

use std::borrow::Cow;

/// A text as the cell of a CSV file (RFC 4180). One that a spreadsheet would take for a formula gets
/// an apostrophe before it, as spreadsheets themselves write text; numbers aren't texts, and don't
/// come here.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quotes = text.contains([',', '"', '\r', '\n']);
    if !formula && !quotes {
        return Cow::Borrowed(text);
    }
    let apostrophe = if formula { "'" } else { "" };
    Cow::Owned(format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_a_text_to_it() {
        assert_eq!(text("=1+1"), "\"'=1+1\"");
        for formula in ["+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"] {
            assert!(text(formula).starts_with("\"'"), "{formula}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_are_quoted_where_they_must() {
        assert_eq!(text("flood b=0.07"), "flood b=0.07");
        assert_eq!(text("a,b"), "\"a,b\"");
        assert_eq!(text("say \"x\"\n"), "\"say \"\"x\"\"\n\"");
        assert_eq!(text(""), "");
    }
}
