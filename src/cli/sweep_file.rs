//! Sweep files: TOML or JSON, the shape of `POST /v1/sweeps`.

use super::Failure;
use floodgauge_protocol::SweepSpec;
use std::{io::Read as _, path::Path};

/// Reads a sweep from a file, or from standard input for `-`.
///
/// # Errors
/// [`Failure::BadInput`] with the line or the field that doesn't read.
pub fn read(path: &Path) -> Result<SweepSpec, Failure> {
    let name = path.display().to_string();
    let bad = |reason: String| Failure::BadInput(format!("{name}: {reason}"));
    let text = if name == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    parse(&text.map_err(|error| bad(error.to_string()))?).map_err(bad)
}

/// Reads a sweep from text: JSON if it begins with a brace, TOML otherwise.
///
/// # Errors
/// Says which line or field doesn't read, and why.
pub fn parse(text: &str) -> Result<SweepSpec, String> {
    if text.trim_start().starts_with('{') {
        let read = &mut serde_json::Deserializer::from_str(text);
        let spec = serde_path_to_error::deserialize(read);
        return spec.map_err(|error| format!("{}: {}", error.path(), error.inner()));
    }
    toml::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{Plan, SchedulerKind};

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
        assert_eq!(Plan::of(&spec).arms.len(), 21);
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
    fn a_bad_field_is_named() {
        let toml = "name = \"x\"\n[recipe]\ndataset = { name = \"spiral\" }\nepochs = \"many\"";
        assert!(parse(toml).unwrap_err().contains("line 4"));
        let json = r#"{ "name": "x", "recipe": { "dataset": { "name": "moons" } } }"#;
        assert!(parse(json).unwrap_err().starts_with("recipe.dataset.name: unknown variant"));
    }

    #[test]
    fn a_file_that_is_not_there_is_bad_input() {
        let failure = read(Path::new("not/there.toml")).unwrap_err();
        assert!(
            matches!(&failure, Failure::BadInput(text) if text.starts_with("not/there.toml: "))
        );
    }
}
