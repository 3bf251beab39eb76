//! One SQL text with its values, and one row, for both databases.
//!
//! An accessor writes `sql("SELECT ... WHERE x = $1").bind(value)` and reads `row.get::<i64>("x")?`. Neither side says
//! which database answers. The values that can be bound are the ones whose column types mean the same on both.

use jiff::Timestamp;
use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Decode, Encode, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite, Type};

use crate::error::Error;

/// A statement and the values of its `$1`, `$2`, ...
#[derive(Debug)]
pub(crate) struct Sql {
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement without values yet. Text that is put together at run time comes wrapped in `AssertSqlSafe`.
pub(crate) fn sql(text: impl SqlSafeStr) -> Sql {
    Sql { text: text.into_sql_str(), values: Vec::new() }
}

/// `$from, $from+1, ...`: the placeholders of a list of `count` values.
pub(crate) fn placeholders(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// A value to bind.
#[derive(Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Bool(bool),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Json(Option<Json>),
}

impl Sql {
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) fn bind_all<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    /// The statement as one database's driver takes it.
    pub(super) fn prepared<'q, D: Database>(self) -> Result<sqlx::query::Query<'q, D, D::Arguments>, Error>
    where
        Option<i64>: Encode<'q, D> + Type<D>,
        Option<f64>: Encode<'q, D> + Type<D>,
        bool: Encode<'q, D> + Type<D>,
        Option<String>: Encode<'q, D> + Type<D>,
        Option<Vec<u8>>: Encode<'q, D> + Type<D>,
        Option<Json>: Encode<'q, D> + Type<D>,
    {
        let mut query = sqlx::query(self.text);
        for value in self.values {
            value.check()?;
            query = match value {
                Value::Int(v) => query.bind(v),
                Value::Real(v) => query.bind(v),
                Value::Bool(v) => query.bind(v),
                Value::Text(v) => query.bind(v),
                Value::Bytes(v) => query.bind(v),
                Value::Json(v) => query.bind(v),
            };
        }
        Ok(query)
    }
}

impl Value {
    /// Refuses what only one database would take: PostgreSQL has no NUL character in text or in JSON strings, SQLite
    /// no NaN, and SQLite would read a bare JSON number back as a number column.
    fn check(&self) -> Result<(), Error> {
        let refused = match self {
            Self::Text(Some(text)) if text.contains('\0') => "text with a NUL character",
            Self::Json(Some(json)) if !json.is_object() && !json.is_array() => "JSON that is no object and no array",
            Self::Json(Some(json)) if has_nul(json) => "text with a NUL character",
            Self::Real(Some(real)) if !real.is_finite() => "a number that is not finite",
            _ => return Ok(()),
        };
        Err(Error::NotStorable { what: refused.to_owned() })
    }
}

fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}

impl From<u32> for Value {
    fn from(v: u32) -> Self {
        Self::Int(Some(v.into()))
    }
}

/// Counts and indexes stay far below 2^63; one that does not is caught by the database's own checks.
impl From<u64> for Value {
    fn from(v: u64) -> Self {
        Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX)))
    }
}

impl From<Option<u64>> for Value {
    fn from(v: Option<u64>) -> Self {
        v.map_or(Self::Int(None), Self::from)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Self::Real(Some(v))
    }
}

impl From<Option<f64>> for Value {
    fn from(v: Option<f64>) -> Self {
        Self::Real(v)
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(Some(v.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(v: Option<&str>) -> Self {
        Self::Text(v.map(str::to_owned))
    }
}

impl From<&[u8]> for Value {
    fn from(v: &[u8]) -> Self {
        Self::Bytes(Some(v.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(v: Option<&[u8]>) -> Self {
        Self::Bytes(v.map(<[u8]>::to_vec))
    }
}

impl From<Json> for Value {
    fn from(v: Json) -> Self {
        Self::Json(Some(v))
    }
}

impl From<Timestamp> for Value {
    fn from(v: Timestamp) -> Self {
        Self::Int(Some(v.as_millisecond()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(v: Option<Timestamp>) -> Self {
        Self::Int(v.map(Timestamp::as_millisecond))
    }
}

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column value that both drivers read.
pub(crate) trait Column:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Column for T where T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {}

impl Row {
    /// The value of a column: `i64`, `f64`, `bool`, `String`, `Vec<u8>`, JSON, or an `Option` of one.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        let got = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        got.map_err(|e| Error::corrupt(format!("column {column}: {e}")))
    }

    /// A count or an index.
    pub(crate) fn count(&self, column: &str) -> Result<u64, Error> {
        not_negative(column, self.get(column)?)
    }

    pub(crate) fn count_or_none(&self, column: &str) -> Result<Option<u64>, Error> {
        self.get::<Option<i64>>(column)?.map(|v| not_negative(column, v)).transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, Error> {
        timestamp(column, self.get(column)?)
    }

    pub(crate) fn time_or_none(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        self.get::<Option<i64>>(column)?.map(|v| timestamp(column, v)).transpose()
    }

    /// A SHA-256 digest kept as 32 bytes.
    pub(crate) fn hash(&self, column: &str) -> Result<[u8; 32], Error> {
        hash(column, &self.get::<Vec<u8>>(column)?)
    }

    pub(crate) fn hash_or_none(&self, column: &str) -> Result<Option<[u8; 32]>, Error> {
        self.get::<Option<Vec<u8>>>(column)?.map(|v| hash(column, &v)).transpose()
    }
}

fn not_negative(column: &str, value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| Error::corrupt(format!("column {column} is negative: {value}")))
}

fn timestamp(column: &str, millis: i64) -> Result<Timestamp, Error> {
    Timestamp::from_millisecond(millis).map_err(|e| Error::corrupt(format!("column {column}: {e}")))
}

fn hash(column: &str, bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::corrupt(format!("column {column} has {} bytes, not 32", bytes.len())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_one_database_would_take_is_refused() {
        for bad in [
            Value::from("a\0b"),
            Value::from(json!(["a\0"])),
            Value::from(json!({ "k": { "a\0": 1 } })),
            Value::from(json!([[{ "k": "\0" }]])),
            Value::from(json!(1)),
            Value::from(f64::NAN),
        ] {
            assert!(matches!(bad.check(), Err(Error::NotStorable { .. })), "{bad:?}");
        }
        for good in [Value::from("a"), Value::from(json!({ "k": ["\\u0000", 1, null] })), Value::from(&b"\0"[..])] {
            assert!(good.check().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn stored_values_that_cannot_be_ours_are_corrupt() {
        assert!(matches!(not_negative("size", -1), Err(Error::Corrupt { .. })));
        assert!(matches!(timestamp("at", i64::MAX), Err(Error::Corrupt { .. })));
        assert!(matches!(hash("hash", &[0; 31]), Err(Error::Corrupt { .. })));
        assert_eq!(timestamp("at", 1_500).unwrap().as_millisecond(), 1_500);
    }

    #[test]
    fn placeholders_count_on() {
        assert_eq!(placeholders(3, 2), "$3, $4");
    }
}
