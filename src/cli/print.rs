//! Words to standard output and complaints to standard error.

use super::Failure;
use console::style;
use std::io::{self, Write as _};

/// Writes a line (or several) to standard output. A reader that has gone, as in
/// `floodgauge list | head -1`, has had what it wanted.
///
/// # Errors
/// Any other trouble of standard output.
pub fn out(text: &str) -> Result<(), Failure> {
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
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes why a command didn't end well to standard error.
pub fn complain(failure: &Failure) {
    note(&format!("{} {failure}", style("error:").for_stderr().red().bold()));
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
}
