//! What the verbs need from a connection, the same for both databases: integers, reals and
//! text go in, and come out as our own types.

use crate::store::StoreError;
use floodgauge_protocol::{ArmIx, Digest, FamilyIx, LeaseId, Metric, SegmentId, SweepId};
use serde::de::DeserializeOwned;
use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Encode, Executor,
    IntoArguments, Type, query_with,
};
use std::{borrow::Cow, fmt::Write, str::FromStr, time::Duration};

/// SQL with `$1`, `$2`, … for its values.
pub(in crate::store) type Sql = Cow<'static, str>;

/// A value to bind. The types are kept apart since Postgres wants to know that of a null.
#[derive(Clone, Debug)]
pub(in crate::store) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
}

/// Makes the list of a statement's values.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::store::sql::statements::Value::from($value)),*]
    };
}
pub(in crate::store) use values;

/// A connection, with or without an open transaction.
pub(in crate::store) trait Statements: Send {
    type Row: Columns + Send;

    /// Runs a statement; answers how many rows it changed.
    fn execute(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a statement; answers its rows.
    fn fetch(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Runs a statement that answers at most one row.
    fn fetch_optional(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send {
        async move { Ok(self.fetch(sql, values).await?.pop()) }
    }

    /// Runs `head values (…), (…) tail` for all of `rows`, each as wide as the first, in as
    /// few statements as may be.
    fn insert_rows(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            let width = rows.first().map_or(1, Vec::len);
            // SQLite takes 32,766 values a statement, Postgres twice as many.
            for rows in rows.chunks(30_000 / width) {
                let sql = format!("{head} values {} {tail}", placeholders(rows.len(), width));
                self.execute(sql, rows.concat()).await?;
            }
            Ok(())
        }
    }
}

/// The columns of a row, by name.
pub(in crate::store) trait Columns {
    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn maybe_real(&self, column: &str) -> Result<Option<f64>, StoreError>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError>;

    fn maybe_number<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let narrow = |wide| T::try_from(wide).map_err(|_| corrupt(column, wide));
        self.maybe_int(column)?.map(narrow).transpose()
    }

    fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        self.maybe_number(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    fn text(&self, column: &str) -> Result<String, StoreError> {
        self.maybe_text(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    fn maybe_parse<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let parse = |text: String| text.parse().map_err(|_| corrupt(column, text));
        self.maybe_text(column)?.map(parse).transpose()
    }

    fn parse<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        self.maybe_parse(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let read = |text: String| serde_json::from_str(&text).map_err(|e| corrupt(column, e));
        self.maybe_text(column)?.map(read).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        self.maybe_json(column)?.ok_or_else(|| corrupt(column, "null"))
    }

    fn metric(&self, column: &str) -> Result<Metric, StoreError> {
        Ok(self.maybe_real(column)?.map_or(Metric::Diverged, Metric::Finite))
    }
}

fn corrupt(column: &str, what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {what}"))
}

fn placeholders(rows: usize, width: usize) -> String {
    let mut text = String::new();
    for place in 1..=rows * width {
        let before = match place % width {
            1 if place == 1 => "(",
            1 => "), (",
            _ if width == 1 && place > 1 => "), (",
            _ if width == 1 => "(",
            _ => ", ",
        };
        // Writing to a String can't fail.
        let _ = write!(text, "{before}${place}");
    }
    text.push(')');
    text
}

impl<C> Statements for C
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    <C::Database as Database>::Arguments: IntoArguments<C::Database>,
    <C::Database as Database>::Row: Columns + Send,
    <C::Database as Database>::QueryResult: Changed,
    for<'q> Option<i64>: Encode<'q, C::Database> + Type<C::Database>,
    for<'q> Option<f64>: Encode<'q, C::Database> + Type<C::Database>,
    for<'q> Option<String>: Encode<'q, C::Database> + Type<C::Database>,
{
    type Row = <C::Database as Database>::Row;

    async fn execute(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let query = query_with(AssertSqlSafe(sql.into()), bind::<C::Database>(values)?);
        Ok(Executor::execute(self, query).await?.changed())
    }

    async fn fetch(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> Result<Vec<Self::Row>, StoreError> {
        let query = query_with(AssertSqlSafe(sql.into()), bind::<C::Database>(values)?);
        Ok(Executor::fetch_all(self, query).await?)
    }
}

fn bind<DB: Database>(values: Vec<Value>) -> Result<DB::Arguments, StoreError>
where
    for<'q> Option<i64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<f64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<String>: Encode<'q, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        match value {
            Value::Int(int) => arguments.add(int),
            Value::Real(real) => arguments.add(real),
            Value::Text(text) => arguments.add(text),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl<R> Columns for R
where
    R: sqlx::Row,
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> f64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_real(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

/// How many rows a statement changed.
pub(in crate::store) trait Changed {
    fn changed(&self) -> u64;
}

impl Changed for sqlx::sqlite::SqliteQueryResult {
    fn changed(&self) -> u64 {
        self.rows_affected()
    }
}

impl Changed for sqlx::postgres::PgQueryResult {
    fn changed(&self) -> u64 {
        self.rows_affected()
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(Some(int))
    }
}

impl From<u64> for Value {
    /// Clients may name any place in a log; none is beyond `i64`.
    fn from(int: u64) -> Self {
        i64::try_from(int).unwrap_or(i64::MAX).into()
    }
}

impl From<Option<u64>> for Value {
    fn from(int: Option<u64>) -> Self {
        int.map_or(Self::Int(None), Self::from)
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        // A lease of 30,000 years is as good as one for ever, and added to now it still fits.
        i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(1_000_000_000_000_000).into()
    }
}

impl From<Option<f64>> for Value {
    fn from(real: Option<f64>) -> Self {
        Self::Real(real)
    }
}

impl From<Metric> for Value {
    fn from(metric: Metric) -> Self {
        Self::Real(metric.finite())
    }
}

impl From<Option<String>> for Value {
    /// Postgres text can't hold a zero byte, and no name needs one.
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(|text| text.replace('\0', "\u{fffd}")))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Some(text).into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        Self::Text(Some(json.to_string()))
    }
}

macro_rules! value_from {
    (text: $($text:ty),*; int: $($int:ty),*; index: $($index:ty),*) => {
        $(impl From<$text> for Value {
            fn from(id: $text) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }
        impl From<Option<$text>> for Value {
            fn from(id: Option<$text>) -> Self {
                Self::Text(id.map(|id| id.to_string()))
            }
        })*
        $(impl From<$int> for Value {
            fn from(int: $int) -> Self {
                i64::from(int).into()
            }
        })*
        $(impl From<$index> for Value {
            fn from(index: $index) -> Self {
                i64::from(index.0).into()
            }
        })*
    };
}
value_from!(text: SweepId, LeaseId, Digest; int: u32, i32; index: ArmIx, FamilyIx, SegmentId);
