//! The program's log: to standard error, so that standard output stays the answer's. Its spans
//! go to an OpenTelemetry collector too, where the environment names one.
//!
//! A line is a line: what others wrote, be it a worker's reason or a name, is escaped wherever it is
//! logged, so that it makes no further lines and does nothing to a terminal.

use super::Failure;
use crate::config::{Log, LogFormat};
use floodgauge_protocol::text::{escaped, escaped_json};
use std::{fmt, io};
use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    field::MakeExt as _,
    fmt::format::{Writer, debug_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Keeps what was started by [`start`] going; dropped, it sends what is left.
#[must_use = "spans are sent as long as it is there"]
#[derive(Debug)]
pub struct Logging {
    #[cfg(feature = "otlp")]
    _exporter: Option<crate::trace::Exporter>,
}

/// Starts logging, under the name `service` where spans are sent.
///
/// # Errors
/// A filter that doesn't read as one; a collector's address that can't be used.
pub fn start(
    config: &Log,
    default_filter: &str,
    service: &'static str,
) -> Result<Logging, Failure> {
    let filter = config.filter.as_deref().unwrap_or(default_filter);
    let filter = EnvFilter::try_new(filter).map_err(|_| Failure::BadInput(unreadable(filter)))?;
    let ansi = console::colors_enabled_stderr();
    let subscriber = tracing_subscriber::registry()
        .with(layer(config.format, ansi, io::stderr).with_filter(filter));
    #[cfg(feature = "otlp")]
    let (subscriber, logging) = {
        use tracing_subscriber::filter::{LevelFilter, Targets};
        let exporter = crate::trace::Exporter::from_env(service)
            .map_err(|error| Failure::BadInput(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))?;
        // The libraries' own spans would be many; that of the exporter, without end.
        let ours = Targets::new().with_target("floodgauge", LevelFilter::INFO);
        let spans = exporter.as_ref().map(|exporter| {
            tracing_opentelemetry::layer().with_tracer(exporter.tracer()).with_filter(ours)
        });
        (subscriber.with(spans), Logging { _exporter: exporter })
    };
    #[cfg(not(feature = "otlp"))]
    let logging = {
        let _ = service;
        Logging {}
    };
    let started = subscriber.try_init();
    started
        .map_err(|error| Failure::Other(anyhow::anyhow!("logging can't be started: {error}")))?;
    Ok(logging)
}

/// That a filter can't be read, and what one looks like.
fn unreadable(filter: &str) -> String {
    format!(
        "--log {filter}: expected a level (error, warn, info, debug, trace), or levels by module, such as \
         info,floodgauge=debug"
    )
}

/// What writes the log of a subscriber, in colours where it's text and `ansi` says so.
fn layer<S, W>(
    format: LogFormat,
    ansi: bool,
    to: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn tracing_subscriber::Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: io::Write + 'static,
{
    let log = tracing_subscriber::fmt::layer();
    match format {
        LogFormat::Json => log.with_writer(move || Lines(to())).json().flatten_event(true).boxed(),
        LogFormat::Text => {
            let fields = debug_fn(field).delimited(" ");
            log.with_writer(to).fmt_fields(fields).with_ansi(ansi).boxed()
        }
    }
}

/// Writes a field as lines of text have them, as far as it can be seen.
fn field(to: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = escaped(&value);
    match field.name() {
        "message" => write!(to, "{value}"),
        // What the crate `log` tells of itself is part of the line already.
        name if name.starts_with("log.") => Ok(()),
        name if to.has_ansi_escapes() => {
            write!(to, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{value}")
        }
        name => write!(to, "{name}={value}"),
    }
}

/// Writes lines of JSON, of which each comes at once, with what is hidden in their texts escaped.
struct Lines<W>(W);

impl<W: io::Write> io::Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(escaped_json(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::text::is_hidden;
    use serde_json::Value;
    use std::{
        path::Path,
        sync::{Arc, Mutex},
    };

    /// What is written, for whoever looks.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, ansi: bool, happens: impl FnOnce()) -> String {
        let written = Written::default();
        let to = written.clone();
        let subscriber =
            tracing_subscriber::registry().with(layer(format, ansi, move || to.clone()));
        tracing::subscriber::with_default(subscriber, happens);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    const FORGED: &str =
        "boom\n2026-01-01T00:00:00Z ERROR floodgauge: all is lost\u{1b}[2J\u{9b}\u{202e}";

    fn failed() {
        let span = tracing::info_span!("request", path = FORGED, sweep = tracing::field::Empty);
        span.record("sweep", tracing::field::display(FORGED));
        let _entered = span.enter();
        tracing::error!(failure = FORGED, why = %FORGED, "a segment failed: {FORGED}");
    }

    #[test]
    fn what_others_wrote_makes_no_line_of_its_own() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, false, failed);
            assert_eq!(log.lines().count(), 1, "{log}");
            assert!(!log.trim_end_matches('\n').contains(is_hidden), "{log:?}");
        }
        let log = logged(LogFormat::Text, true, failed);
        assert_eq!(log.lines().count(), 1, "{log}");
        let plain = console::strip_ansi_codes(&log);
        assert!(!plain.trim_end_matches('\n').contains(is_hidden), "{plain:?}");
        assert!(!log.contains("\u{1b}[2J"), "{log:?}");
    }

    #[test]
    fn a_line_of_text_tells_message_and_fields() {
        let log = logged(LogFormat::Text, false, || {
            let _entered = tracing::info_span!("request", path = "/x").entered();
            tracing::warn!(worker = "w", rows = 3, status = %404, "came");
        });
        let expected = "request{path=\"/x\"}: floodgauge::cli::log::tests: \
                        came worker=\"w\" rows=3 status=404\n";
        assert!(log.ends_with(expected), "{log}");
    }

    #[test]
    fn a_line_of_json_keeps_the_texts_and_its_own_fields() {
        let log = logged(LogFormat::Json, false, failed);
        let line: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(line["message"], format!("a segment failed: {FORGED}"));
        assert_eq!(line["failure"], FORGED);
        assert_eq!(line["span"]["path"], FORGED);
        assert_eq!(line["level"], "ERROR");
    }

    /// What a line of JSON has of its own: a field of the same name would stand in its place.
    const OWN: [&str; 9] = [
        "message",
        "timestamp",
        "level",
        "target",
        "span",
        "spans",
        "filename",
        "line_number",
        "threadName",
    ];

    /// The names of the fields that the calls of `tracing`'s macros in a source text give.
    fn fields(source: &str) -> Vec<String> {
        let mut found = vec![];
        for (at, _) in source.match_indices("tracing::") {
            let rest = &source[at + "tracing::".len()..];
            let Some((_, arguments)) = rest
                .split_once("!(")
                .filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            else {
                continue;
            };
            let (mut depth, mut quoted, mut argument) = (0, false, String::new());
            for (c, before) in arguments.chars().zip(std::iter::once(' ').chain(arguments.chars()))
            {
                match c {
                    '"' if before != '\\' => quoted = !quoted,
                    '(' | '[' | '{' if !quoted => depth += 1,
                    ')' | ']' | '}' if !quoted => depth -= 1,
                    _ => {}
                }
                if depth < 0 || (c == ',' && depth == 0 && !quoted) {
                    let whole = argument.trim().trim_start_matches(['%', '?']);
                    let name = whole.split('=').next().unwrap_or_default().trim();
                    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
                        found.push(name.to_owned());
                    }
                    argument.clear();
                } else {
                    argument.push(c);
                }
                if depth < 0 {
                    break;
                }
            }
        }
        found
    }

    #[test]
    fn no_field_is_called_as_what_a_line_has_of_its_own() {
        assert_eq!(
            fields(r#"tracing::warn!(sweep = %a, b, ?message, "a \"b\", {c}", d = f(x, y)); x"#),
            ["sweep", "b", "message", "d"]
        );
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("src"), root.join("worker/src"), root.join("client/src")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let names = fields(&std::fs::read_to_string(&path).unwrap());
                    seen += names.len();
                    let own = names.iter().find(|name| OWN.contains(&name.as_str()));
                    // The example above is one.
                    let here = path.ends_with("cli/log.rs");
                    assert!(here || own.is_none(), "{}: {own:?}", path.display());
                }
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
