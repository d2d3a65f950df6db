//! What happened to a sweep: its log, entry by entry.

use crate::{line::LogLine, status::SweepStatus};
use floodgauge_protocol::SweepId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The data of one message: an entry of a sweep's log.
///
/// What happened and what was decided are JSON, or whatever types of them the reader has: those of
/// later versions have more of both, which nobody needs who only follows a sweep to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry<E = Value, D = Value> {
    /// The id of the sweep whose log it is in.
    pub sweep: SweepId,
    /// Its place in the sweep's log, from 1.
    pub seq: u64,
    /// When it was committed, by the database's clock.
    pub at: Timestamp,
    /// What happened.
    pub event: E,
    /// What the scheduler made of it.
    pub decisions: Vec<D>,
    /// Both in words; none for reports that change nothing else. Servers of version 0.1 send none.
    #[serde(default)]
    pub lines: Vec<LogLine>,
}

impl LogEntry {
    /// The event's name, such as `reported`.
    pub fn name(&self) -> &str {
        self.event.get("type").and_then(Value::as_str).unwrap_or("unknown")
    }
}

impl<E, D: Serialize> LogEntry<E, D> {
    /// How the sweep ended, if this entry ended it. One that is extended after that goes on.
    pub fn ending(&self) -> Option<SweepStatus> {
        self.decisions.iter().find_map(|decision| {
            let decision = serde_json::to_value(decision).ok()?;
            match decision.get("action")?.as_str()? {
                "complete" => Some(SweepStatus::Completed),
                "fail" => Some(SweepStatus::Failed),
                "cancel" => Some(SweepStatus::Cancelled),
                _ => None,
            }
        })
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use super::{LogEntry, LogLine};
    use floodgauge_protocol::SweepId;
    use std::borrow::Cow;
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{
            ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat,
            schema::Type,
        },
    };

    /// The schema of an entry whose parts have schemas, under one name whatever these are.
    impl<E: ToSchema, D: ToSchema> PartialSchema for LogEntry<E, D> {
        fn schema() -> RefOr<Schema> {
            let of = |name: Cow<'static, str>| Ref::from_schema_name(name);
            let described = |name, words: &str| {
                let mut reference = of(name);
                reference.description = words.into();
                reference
            };
            let at = ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .description(Some("When it was committed."))
                .examples(["2026-01-01T00:00:05Z"]);
            let seq = ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .description(Some("Its place in the sweep's log, from 1."));
            let decisions = ArrayBuilder::new()
                .items(of(D::name()))
                .description(Some("What the scheduler made of it."));
            let lines = ArrayBuilder::new()
                .items(of(LogLine::name()))
                .description(Some("Both in words; none for reports that change nothing else."));
            ObjectBuilder::new()
                .description(Some("The data of one message: an entry of a sweep's log."))
                .property("sweep", described(SweepId::name(), "The sweep."))
                .property("seq", seq)
                .property("at", at)
                .property("event", described(E::name(), "What happened."))
                .property("decisions", decisions)
                .property("lines", lines)
                .required("sweep")
                .required("seq")
                .required("at")
                .required("event")
                .required("decisions")
                .required("lines")
                .into()
        }
    }

    impl<E: ToSchema, D: ToSchema> ToSchema for LogEntry<E, D> {
        fn name() -> Cow<'static, str> {
            Cow::Borrowed("LogEntry")
        }

        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((SweepId::name().into(), SweepId::schema()));
            schemas.push((E::name().into(), E::schema()));
            schemas.push((D::name().into(), D::schema()));
            schemas.push((LogLine::name().into(), LogLine::schema()));
            LogLine::schemas(schemas);
            E::schemas(schemas);
            D::schemas(schemas);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_read_whatever_it_tells_and_says_whether_it_ends_its_sweep() {
        let entry = |decisions: Value| -> LogEntry {
            serde_json::from_value(json!({
                "sweep": "01970000-0000-7000-8000-000000000000", "seq": 1,
                "at": "2026-01-01T00:00:00Z", "event": { "type": "of_later_versions" },
                "decisions": decisions
            }))
            .unwrap()
        };
        let running = entry(json!([{ "action": "enqueue", "reason": "" }, { "action": "new" }]));
        assert_eq!((running.name(), running.ending()), ("of_later_versions", None));
        let ended = entry(json!([{ "action": "rest" }, { "action": "cancel", "reason": "" }]));
        assert_eq!(ended.ending(), Some(SweepStatus::Cancelled));
    }
}
