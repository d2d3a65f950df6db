//! What the verbs need from a connection, the same for both databases: integers, reals and
//! text go in, and come out as our own types.

use crate::store::StoreError;
use floodgauge_protocol::{ArmIx, Digest, FamilyIx, LeaseId, Metric, SegmentId, SweepId};
use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;
use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Encode, Executor,
    IntoArguments, Postgres, Sqlite, Type, query_with,
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

/// How many ids one statement asks for. SQLite looks a numbered place up among all before it, so a
/// statement costs the square of its places; a hundred are cheaper than what else a statement costs.
pub(in crate::store) const MAX_IDS: usize = 100;

/// How a database takes many rows in one statement.
pub(in crate::store) trait ManyRows {
    /// The most values that such a statement has.
    const MAX_VALUES: usize;

    /// Writes the place of the value number `place`, from 1.
    fn write_place(sql: &mut String, place: usize);
}

impl ManyRows for Sqlite {
    // Chosen: so few that a connection can keep many such statements, and so many that a row costs
    // more than its part of the statement.
    const MAX_VALUES: usize = 1_000;

    /// Without a number: it would be looked up among all before it.
    fn write_place(sql: &mut String, _: usize) {
        sql.push('?');
    }
}

impl ManyRows for Postgres {
    // Each statement is a journey to the server and back. It could have 65,535.
    const MAX_VALUES: usize = 30_000;

    fn write_place(sql: &mut String, place: usize) {
        // Writing to a String can't fail.
        let _ = write!(sql, "${place}");
    }
}

/// A connection, with or without an open transaction.
pub(in crate::store) trait Statements: Send {
    type Row: Columns + Send;
    type Rows: ManyRows;

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

    /// Runs a statement; answers what is made of each of its rows. Only a few of the rows themselves, which
    /// take a multiple, are in memory at a time.
    fn fetch_each<T: Send>(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
        each: impl Fn(&Self::Row) -> Result<T, StoreError> + Send,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// Runs a statement that answers at most one row.
    fn fetch_optional(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send {
        async move { Ok(self.fetch(sql, values).await?.pop()) }
    }

    /// Runs `head values (…), (…) tail` for all of `rows`, each as wide as the first, in as few
    /// statements as the database is to have. All but the last are the same text, which it
    /// reads once. Rows are made as they are sent.
    fn insert_rows(
        &mut self,
        head: &str,
        rows: impl Iterator<Item = Result<Vec<Value>, StoreError>> + Send,
        tail: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            let mut rows = rows.peekable();
            let width = match rows.peek() {
                Some(Ok(row)) => row.len(),
                _ => 1,
            };
            let at_once = (Self::Rows::MAX_VALUES / width).max(1);
            loop {
                let some = rows.by_ref().take(at_once).collect::<Result<Vec<_>, _>>()?;
                if some.is_empty() {
                    return Ok(());
                }
                let places = places::<Self::Rows>(some.len(), width);
                let sql = format!("{head} values {places} {tail}");
                self.execute(sql, some.into_iter().flatten().collect()).await?;
            }
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

/// The places of so many rows of so many values: `(?, ?), (?, ?)`.
fn places<R: ManyRows>(rows: usize, width: usize) -> String {
    let mut sql = String::new();
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { "), (" });
        for value in 1..=width {
            if value > 1 {
                sql.push_str(", ");
            }
            R::write_place(&mut sql, row * width + value);
        }
    }
    sql.push(')');
    sql
}

/// So many numbered places from `first` on, for a list of ids: `$2, $3, $4`.
pub(in crate::store) fn numbered(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

impl<C> Statements for C
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    <C::Database as Database>::Arguments: IntoArguments<C::Database>,
    <C::Database as Database>::Row: Columns + Send,
    <C::Database as Database>::QueryResult: Changed,
    C::Database: ManyRows,
    for<'q> Option<i64>: Encode<'q, C::Database> + Type<C::Database>,
    for<'q> Option<f64>: Encode<'q, C::Database> + Type<C::Database>,
    for<'q> Option<String>: Encode<'q, C::Database> + Type<C::Database>,
{
    type Row = <C::Database as Database>::Row;
    type Rows = C::Database;

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

    async fn fetch_each<T: Send>(
        &mut self,
        sql: impl Into<Sql> + Send,
        values: Vec<Value>,
        each: impl Fn(&Self::Row) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let query = query_with(AssertSqlSafe(sql.into()), bind::<C::Database>(values)?);
        let mut rows = Executor::fetch(self, query);
        let mut made = vec![];
        while let Some(row) = rows.try_next().await? {
            made.push(each(&row)?);
        }
        Ok(made)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down what it is to run.
    #[derive(Default)]
    struct Recorder(Vec<(String, Vec<Value>)>);

    impl Statements for Recorder {
        type Row = sqlx::sqlite::SqliteRow;
        type Rows = Sqlite;

        async fn execute(
            &mut self,
            sql: impl Into<Sql> + Send,
            values: Vec<Value>,
        ) -> Result<u64, StoreError> {
            self.0.push((sql.into().into_owned(), values));
            Ok(0)
        }

        async fn fetch(
            &mut self,
            _: impl Into<Sql> + Send,
            _: Vec<Value>,
        ) -> Result<Vec<Self::Row>, StoreError> {
            Ok(vec![])
        }

        async fn fetch_each<T: Send>(
            &mut self,
            _: impl Into<Sql> + Send,
            _: Vec<Value>,
            _: impl Fn(&Self::Row) -> Result<T, StoreError> + Send,
        ) -> Result<Vec<T>, StoreError> {
            Ok(vec![])
        }
    }

    async fn inserted(rows: i64) -> Vec<(String, Vec<Value>)> {
        let mut recorder = Recorder::default();
        let rows = (0..rows).map(|row| Ok(values![row, -row]));
        recorder.insert_rows("insert into t", rows, "on conflict do nothing").await.unwrap();
        recorder.0
    }

    #[tokio::test]
    async fn rows_of_any_number_go_in_statements_of_a_bounded_size_and_few_texts() {
        for rows in [0, 1, 2, 499, 500, 501, 12_224, 95_500] {
            let statements = inserted(rows).await;
            let texts: std::collections::BTreeSet<_> =
                statements.iter().map(|(sql, _)| sql.as_str()).collect();
            assert!(texts.len() <= 2, "{rows} rows: one text, and one for what is left");
            for (sql, values) in &statements {
                assert!(values.len() <= Sqlite::MAX_VALUES, "{rows} rows");
                assert_eq!(sql.matches('?').count(), values.len(), "{rows} rows");
            }
            let written: Vec<_> = statements.into_iter().flat_map(|(_, values)| values).collect();
            let expected: Vec<_> = (0..rows).flat_map(|row| values![row, -row]).collect();
            assert_eq!(format!("{written:?}"), format!("{expected:?}"), "each row once, in order");
        }
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_written_ends_it() {
        let bad = || Err(StoreError::Corrupt("bad".into()));
        let rows = [Ok(values![1i64]), bad()].into_iter();
        let mut recorder = Recorder::default();
        assert!(recorder.insert_rows("insert into t", rows, "").await.is_err());
        assert!(recorder.0.is_empty());
    }

    #[test]
    fn places_are_as_the_database_takes_them() {
        assert_eq!(places::<Sqlite>(2, 2), "(?, ?), (?, ?)");
        assert_eq!(places::<Postgres>(2, 2), "($1, $2), ($3, $4)");
        assert_eq!(places::<Postgres>(3, 1), "($1), ($2), ($3)");
        assert_eq!(numbered(2, 3), "$2, $3, $4");
    }
}
