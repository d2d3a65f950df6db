//! Words to standard output and complaints to standard error.
//!
//! What others wrote does nothing to the terminal: texts of a server are escaped where they are read
//! (`args::connect`), those of files and of the database where they are taken in, both by
//! [`text::escaped`]. What goes out passes here once more, where only line breaks and the colours that
//! commands set get through.

use super::Failure;
use console::style;
use floodgauge_protocol::text::{self, is_hidden};
use std::{
    borrow::Cow,
    io::{self, Write as _},
};

/// Writes a line (or several) to standard output. A reader that has gone, as in
/// `floodgauge list | head -1`, has had what it wanted.
///
/// # Errors
/// Any other trouble of standard output.
pub fn out(text: &str) -> Result<(), Failure> {
    verbatim(&plain(text))
}

/// Writes JSON to standard output, hidden characters in it as JSON escapes.
///
/// # Errors
/// As of [`out`].
pub fn json(body: &str) -> Result<(), Failure> {
    verbatim(&text::escaped_json(body))
}

/// Writes what this program made all by itself, such as scripts, to standard output.
///
/// # Errors
/// As of [`out`].
pub fn verbatim(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("standard output").into())
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error; nobody is left to tell if that fails.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

/// Writes why a command didn't end well to standard error.
pub fn complain(failure: &Failure) {
    note(&complaint(failure));
}

/// Why a command didn't end well, as it is written.
pub fn complaint(failure: &Failure) -> String {
    let why = failure.to_string();
    let why = text::escaped_lines(&why);
    format!("{} {why}", style("error:").for_stderr().red().bold())
}

/// A text in which only line breaks and colours are left of what is hidden.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_hidden(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\u{1b}') {
        shown += &text::escaped_lines(&rest[..at]);
        let colour = colour(&rest[at..]);
        shown += colour.unwrap_or("\\u{1b}");
        rest = &rest[at + colour.map_or(1, str::len)..];
    }
    shown += &text::escaped_lines(rest);
    Cow::Owned(shown)
}

/// The escape sequence at the beginning of a text, if it sets how text looks (ECMA-48, SGR).
fn colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then(|| &text[..end + 3])
}

/// How many columns the terminal has that standard output is; none where it is none.
pub fn width() -> Option<usize> {
    let term = console::Term::stdout();
    term.is_term().then(|| usize::from(term.size().1))
}

/// The narrowest that words are wrapped to, however narrow the terminal.
const MIN_COLUMNS: usize = 24;

/// Breaks text between words so that it fits a width, of which the first `indent` columns are
/// taken; the lines after the first are indented by as many. No width, no breaks.
pub fn wrapped(text: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width else { return text.into() };
    let room = width.saturating_sub(indent).max(MIN_COLUMNS);
    let lines = textwrap::wrap(text, textwrap::Options::new(room).break_words(false));
    lines.join(&format!("\n{:indent$}", ""))
}

/// Rows with a header as a table that fits a width: columns are left out, the first named of
/// `expendable` first, until the rest fits. With `notes` the last column is one of long texts,
/// which stand under their rows where they don't fit beside them.
pub fn fitted(
    rows: &[Vec<String>],
    expendable: &[&str],
    notes: bool,
    width: Option<usize>,
) -> String {
    let Some(width) = width else { return table(rows) };
    let mut rows = rows.to_vec();
    let mut lines: Vec<String> = Vec::new();
    let is_wider = |rows: &[Vec<String>]| {
        table(rows).lines().any(|line| console::measure_text_width(line) > width)
    };
    if notes && is_wider(&rows) {
        lines = rows.iter_mut().filter_map(Vec::pop).collect();
    }
    for name in expendable {
        if !is_wider(&rows) {
            break;
        }
        if let Some(at) = rows.first().and_then(|header| header.iter().position(|n| n == name)) {
            rows.iter_mut().filter(|row| at < row.len()).for_each(|row| drop(row.remove(at)));
        }
    }
    let table = table(&rows);
    // The header of the notes stands over none of them.
    let notes = lines.iter().enumerate().map(|(row, note)| (row > 0).then_some(note));
    let notes = notes.chain(std::iter::repeat(None));
    let lines = table.lines().zip(notes).map(|(line, note)| match note {
        Some(note) if !note.is_empty() => {
            let note = format!("    {}", wrapped(note, Some(width), 4));
            let dim = note.lines().map(|part| style(part).dim().to_string());
            format!("{line}\n{}", dim.collect::<Vec<_>>().join("\n"))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Sets rows out in columns, two spaces apart; the first row is the header.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| console::measure_text_width(cell)).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| {
            console::pad_str(cell, width, console::Alignment::Left, None).into_owned()
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        let text = table(&[row(["NAME", "B"]), row(["digits", "0.07"]), row(["x", ""])]);
        assert_eq!(text, "NAME    B\ndigits  0.07\nx");
    }

    #[test]
    fn colours_get_through_and_nothing_else_that_is_hidden() {
        assert_eq!(plain("two\nlines"), "two\nlines");
        let red = "\u{1b}[1;31merror:\u{1b}[0m é";
        assert_eq!(plain(red), red);
        assert_eq!(plain("a\u{1b}]0;title\u{7}"), "a\\u{1b}]0;title\\u{7}");
        assert_eq!(plain("\u{1b}[2J\u{1b}[31\u{1b}"), "\\u{1b}[2J\\u{1b}[31\\u{1b}");
    }

    fn rows(cells: &[[&str; 3]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.map(String::from).to_vec()).collect()
    }

    #[test]
    fn words_are_kept_whole_and_hang_under_the_first() {
        assert_eq!(wrapped("one two three", None, 3), "one two three");
        let text = "a level of the grid that is never reached";
        assert_eq!(wrapped(text, Some(30), 4), "a level of the grid that\n    is never reached");
    }

    #[test]
    fn a_table_that_is_too_wide_does_without_its_least_columns() {
        let rows = rows(&[["NAME", "DATA", "BEST"], ["digits", "digits", "flood b=0.07"]]);
        let all = table(&rows);
        assert_eq!(fitted(&rows, &["DATA"], false, None), all);
        assert_eq!(fitted(&rows, &["DATA"], false, Some(28)), all);
        assert_eq!(fitted(&rows, &["DATA"], false, Some(27)), "NAME    BEST\ndigits  flood b=0.07");
    }

    #[test]
    fn long_notes_stand_under_their_rows() {
        let rows = rows(&[
            ["ARM", "STATUS", "WHY"],
            ["b=0.1", "pruned", "its objective is the highest of all"],
            ["b=0.2", "active", ""],
        ]);
        let text = fitted(&rows, &[], true, Some(30));
        assert_eq!(
            console::strip_ansi_codes(&text),
            "ARM    STATUS\nb=0.1  pruned\n    its objective is the\n    highest of all\nb=0.2  active"
        );
        assert_eq!(fitted(&rows, &[], true, Some(60)), table(&rows));
    }
}
