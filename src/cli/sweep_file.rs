//! Sweep files: TOML or JSON, the shape of `POST /v1/sweeps`.

use super::Failure;
use crate::{http::Limit, objects::Strict, small_text};
use anyhow::Context as _;
use floodgauge_net::plain_io;
use floodgauge_protocol::SweepSpec;
use serde::Deserialize as _;
use serde_json::Value;
use std::{fs::File, path::Path};

/// Reads a sweep from a file, or from standard input for `-`.
///
/// # Errors
/// [`Failure::BadInput`] with the line or the field that doesn't read.
pub fn read(path: &Path) -> Result<SweepSpec, Failure> {
    let name = path.display().to_string();
    let bad = |reason: String| Failure::BadInput(format!("{name}: {reason}"));
    // As long as the server takes a sweep.
    let most = Limit::JSON.bytes();
    let text = if name == "-" {
        small_text::read(std::io::stdin(), most, "sweep")
    } else {
        File::open(path).and_then(|file| small_text::read(file, most, "sweep"))
    };
    let text = text.map_err(|error| bad(format!("can't be read: {}", plain_io(&error))))?;
    let spec = parse(&text).map_err(bad)?;
    // TOML has them, JSON doesn't: the server would be sent a null.
    let sent = serde_json::to_value(&spec).context("the sweep as JSON")?;
    match null_in(&sent) {
        Some(pointer) => Err(bad(format!("{pointer}: must be a finite number"))),
        None => Ok(spec),
    }
}

/// A pointer to the first null, which is how JSON writes NaN and infinity; a sweep has no other.
fn null_in(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| Some(format!("/{at}{}", null_in(item)?)))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(name, field)| Some(format!("/{name}{}", null_in(field)?)))
        }
        _ => None,
    }
}

/// Reads a sweep from text: JSON if it begins with a brace, TOML otherwise.
///
/// # Errors
/// Says which line or field doesn't read, and why.
pub fn parse(text: &str) -> Result<SweepSpec, String> {
    if text.trim_start().starts_with('{') {
        let read = &mut serde_json::Deserializer::from_str(text);
        let spec = serde_path_to_error::deserialize(Strict(read));
        return spec.map_err(|error| match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        });
    }
    let read = toml::Deserializer::parse(text).map(Strict);
    read.and_then(SweepSpec::deserialize).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{SchedulerKind, SearchSpace};

    #[test]
    fn the_examples_can_be_run() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut count = 0;
        for entry in std::fs::read_dir(examples).unwrap() {
            let spec = read(&entry.unwrap().path()).unwrap();
            assert_eq!(spec.problems(), [], "{}", spec.name);
            count += 1;
        }
        assert!(count >= 3);
    }

    #[test]
    fn the_demo_sweeps_the_papers_twenty_levels_and_plain() {
        let spec = parse(include_str!("../../examples/digits.toml")).unwrap();
        assert_eq!(SearchSpace::of(&spec).arms.len(), 21);
        assert_eq!(spec.scheduler.kind, SchedulerKind::Halving);
        assert_eq!(spec.recipe.dataset.label_noise, 0.2);
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = "name = \"x\"\n[recipe]\ndataset = { name = \"spiral\" }";
        let json = r#" { "name": "x", "recipe": { "dataset": { "name": "spiral" } } }"#;
        assert_eq!(parse(toml).unwrap(), parse(json).unwrap());
    }

    #[test]
    fn an_array_is_no_table() {
        let toml = "name = \"x\"\nrecipe = [{ name = \"spiral\" }]";
        let message = parse(toml).unwrap_err();
        assert!(message.contains("line 2") && message.contains("not an array"), "{message}");
        let json = r#"{ "name": "x", "recipe": [{ "name": "spiral" }] }"#;
        assert!(parse(json).unwrap_err().starts_with("recipe: an object is needed here"));
    }

    #[test]
    fn a_bad_field_is_named() {
        let toml = "name = \"x\"\n[recipe]\ndataset = { name = \"spiral\" }\nepochs = \"many\"";
        assert!(parse(toml).unwrap_err().contains("line 4"));
        let json = r#"{ "name": "x", "recipe": { "dataset": { "name": "Two Moons" } } }"#;
        let message = parse(json).unwrap_err();
        assert!(message.starts_with("recipe.dataset.name: `Two Moons` is not a name"), "{message}");
    }

    #[test]
    fn a_number_that_json_lacks_is_bad_input_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nan.toml");
        for (line, pointer) in [
            ("levels = [0.1, nan]", "/search/levels/1"),
            ("levels = { from = 0.1, to = inf, step = 0.1 }", "/search/levels/to"),
            ("weight_decay = [-inf]", "/search/weight_decay/0"),
        ] {
            let toml = format!(
                "name = \"x\"\n[recipe]\ndataset = {{ name = \"spiral\" }}\n[search]\n{line}"
            );
            std::fs::write(&file, toml).unwrap();
            let Failure::BadInput(text) = read(&file).unwrap_err() else { panic!("{line}") };
            assert_eq!(text, format!("{}: {pointer}: must be a finite number", file.display()));
        }
    }

    #[test]
    fn a_file_is_read_no_further_than_the_server_takes_a_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("long.toml");
        let sweep = "name = \"x\"\n[recipe]\ndataset = { name = \"spiral\" }\n#";
        let most = Limit::JSON.bytes() as usize;
        let of = |length: usize| format!("{sweep}{}", "x".repeat(length - sweep.len()));
        std::fs::write(&file, of(most)).unwrap();
        assert_eq!(read(&file).unwrap().name, "x");
        std::fs::write(&file, of(most + 1)).unwrap();
        let Failure::BadInput(text) = read(&file).unwrap_err() else { panic!("another failure") };
        let words = "can't be read: it has more than 1.0 MiB, which no sweep has";
        assert_eq!(text, format!("{}: {words}", file.display()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_never_ends_is_bad_input() {
        let failure = read(Path::new("/dev/zero")).unwrap_err();
        assert!(matches!(&failure, Failure::BadInput(text) if text.contains("more than")));
    }

    #[test]
    fn a_file_that_is_not_there_is_bad_input() {
        let failure = read(Path::new("not/there.toml")).unwrap_err();
        assert!(matches!(&failure, Failure::BadInput(text) if text
                == "not/there.toml: can't be read: there is no such file or folder"));
    }
}
