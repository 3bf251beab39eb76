//! What tables a database has, asked of the database itself: so that a backup forgets none that a later migration adds.
//!
//! One migration text serves both databases, so the answers agree but for the spelling of types.

use sqlx::AssertSqlSafe;

use super::On;
use super::query::{Row, Sql, Value, sql};
use crate::error::Error;

/// A table with its columns in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of its primary key, in the key's order, as places in `columns`.
    pub(crate) key: Vec<usize>,
    /// Tables that its rows refer to.
    parents: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a column holds: the types that mean the same on both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Real,
    Boolean,
    Text,
    Bytes,
    Json,
}

impl Kind {
    /// Reads a declared type as SQLite keeps it or PostgreSQL spells it.
    fn parse(declared: &str) -> Option<Self> {
        Some(match declared.to_ascii_lowercase().as_str() {
            "bigint" => Self::Integer,
            "double precision" => Self::Real,
            "boolean" => Self::Boolean,
            "text" => Self::Text,
            "bytea" => Self::Bytes,
            "jsonb" => Self::Json,
            _ => return None,
        })
    }

    /// A column's value as JSON; bytes in lowercase hex.
    pub(crate) fn read(self, row: &Row, column: &str) -> Result<serde_json::Value, Error> {
        use serde_json::Value as Json;
        Ok(match self {
            Self::Integer => row.get::<Option<i64>>(column)?.map_or(Json::Null, Json::from),
            Self::Real => row.get::<Option<f64>>(column)?.map_or(Json::Null, Json::from),
            Self::Boolean => row.get::<Option<bool>>(column)?.map_or(Json::Null, Json::from),
            Self::Text => row.get::<Option<String>>(column)?.map_or(Json::Null, Json::from),
            Self::Bytes => row.get::<Option<Vec<u8>>>(column)?.map_or(Json::Null, |bytes| hex::encode(bytes).into()),
            Self::Json => row.get::<Option<Json>>(column)?.unwrap_or(Json::Null),
        })
    }

    /// A value to bind, of what [`Kind::read`] gave.
    pub(crate) fn value(self, json: &serde_json::Value) -> Option<Value> {
        let null = json.is_null();
        Some(match self {
            Self::Integer if null => Value::Int(None),
            Self::Integer => Value::Int(Some(json.as_i64()?)),
            Self::Real if null => Value::Real(None),
            Self::Real => Value::Real(Some(json.as_f64()?)),
            Self::Boolean => Value::Bool(json.as_bool()?),
            Self::Text if null => Value::Text(None),
            Self::Text => Value::Text(Some(json.as_str()?.to_owned())),
            Self::Bytes if null => Value::Bytes(None),
            Self::Bytes => Value::Bytes(Some(hex::decode(json.as_str()?).ok()?)),
            Self::Json if null => Value::Json(None),
            Self::Json => Value::Json(Some(json.clone())),
        })
    }
}

impl Table {
    /// Rows in the order of the key, after a row's key.
    pub(crate) fn page(&self, after: Option<&[serde_json::Value]>, limit: u32) -> Result<Sql, Error> {
        let names: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let key: Vec<&str> = self.key.iter().map(|&place| names[place].as_str()).collect();
        let (key, columns, table) = (key.join(", "), names.join(", "), quoted(&self.name));
        let Some(after) = after else {
            let text = format!("SELECT {columns} FROM {table} ORDER BY {key} LIMIT {limit}");
            return Ok(sql(AssertSqlSafe(text)));
        };
        let holes = super::query::placeholders(1, self.key.len());
        let text = format!("SELECT {columns} FROM {table} WHERE ({key}) > ({holes}) ORDER BY {key} LIMIT {limit}");
        self.key.iter().zip(after).try_fold(sql(AssertSqlSafe(text)), |sql, (&place, value)| {
            let value = self.columns[place].kind.value(value);
            value.map(|value| sql.bind(value)).ok_or_else(|| Error::corrupt(format!("a key of {} is NULL", self.name)))
        })
    }

    /// An insertion of so many rows.
    pub(crate) fn insert(&self, rows: &[Vec<serde_json::Value>]) -> Result<Sql, Error> {
        let names: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let width = self.columns.len();
        let tuples: Vec<String> =
            (0..rows.len()).map(|row| format!("({})", super::query::placeholders(row * width + 1, width))).collect();
        let text = format!("INSERT INTO {} ({}) VALUES {}", quoted(&self.name), names.join(", "), tuples.join(", "));
        rows.iter().try_fold(sql(AssertSqlSafe(text)), |mut sql, row| {
            if row.len() != width {
                return Err(Error::corrupt(format!("a row of {} has {} values, not {width}", self.name, row.len())));
            }
            for (column, value) in self.columns.iter().zip(row) {
                let value = column.kind.value(value).ok_or_else(|| {
                    Error::corrupt(format!("a value of {}.{} is not {:?}", self.name, column.name, column.kind))
                })?;
                sql = sql.bind(value);
            }
            Ok(sql)
        })
    }
}

/// All tables but the list of migrations, parents before their children.
pub(crate) async fn tables(on: &mut On<'_>) -> Result<Vec<Table>, Error> {
    let postgres = on.is_postgres();
    let names = sql(if postgres {
        "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    } else {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    });
    let mut tables = Vec::new();
    for row in on.read(names).await? {
        let name: String = row.get("name")?;
        if name != "schema_migrations" {
            tables.push(table(on, name).await?);
        }
    }
    parents_first(tables)
}

async fn table(on: &mut On<'_>, name: String) -> Result<Table, Error> {
    let postgres = on.is_postgres();
    let asked = |sqlite: &'static str, postgresql: &'static str| {
        sql(if postgres { postgresql } else { sqlite }).bind(name.as_str())
    };
    let mut columns = Vec::new();
    let columns_of = asked(
        "SELECT name, type AS declared FROM pragma_table_info($1) ORDER BY cid",
        "SELECT column_name::text AS name, data_type::text AS declared FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
    );
    for row in on.read(columns_of).await? {
        let (column, declared): (String, String) = (row.get("name")?, row.get("declared")?);
        let kind = Kind::parse(&declared)
            .ok_or_else(|| Error::corrupt(format!("{name}.{column} has the type {declared}, which is not shared")))?;
        columns.push(Column { name: column, kind });
    }
    let key_of = asked(
        "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
        "SELECT a.attname::text AS name FROM pg_index i JOIN pg_attribute a
             ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = to_regclass($1) AND i.indisprimary
         ORDER BY array_position(i.indkey::int2[], a.attnum)",
    );
    let mut key = Vec::new();
    for row in on.read(key_of).await? {
        let part: String = row.get("name")?;
        key.extend(columns.iter().position(|column| column.name == part));
    }
    if key.is_empty() {
        return Err(Error::corrupt(format!("table {name} has no primary key")));
    }
    let parents_of = asked(
        "SELECT \"table\" AS parent FROM pragma_foreign_key_list($1)",
        "SELECT c.relname::text AS parent FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid
         WHERE k.conrelid = to_regclass($1) AND k.contype = 'f'",
    );
    let rows = on.read(parents_of).await?;
    let parents = rows.iter().map(|row| row.get("parent")).collect::<Result<_, _>>()?;
    Ok(Table { name, columns, key, parents })
}

fn parents_first(mut waiting: Vec<Table>) -> Result<Vec<Table>, Error> {
    let mut sorted: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let ready = |table: &Table| {
            table.parents.iter().all(|parent| *parent == table.name || sorted.iter().any(|done| done.name == *parent))
        };
        let Some(place) = waiting.iter().position(ready) else {
            return Err(Error::corrupt("tables refer to each other in a circle"));
        };
        sorted.push(waiting.remove(place));
    }
    Ok(sorted)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(name: &str, parents: &[&str]) -> Table {
        let parents = parents.iter().map(ToString::to_string).collect();
        Table { name: name.to_owned(), columns: Vec::new(), key: Vec::new(), parents }
    }

    #[test]
    fn parents_come_before_their_children() {
        let sorted = parents_first(vec![named("a", &["b", "a"]), named("b", &["c"]), named("c", &[])]).unwrap();
        assert_eq!(sorted.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
        assert!(parents_first(vec![named("a", &["b"]), named("b", &["a"])]).is_err());
    }

    #[test]
    fn values_that_are_not_of_the_column_are_refused() {
        assert!(Kind::Integer.value(&json!("1")).is_none());
        assert!(Kind::Bytes.value(&json!("0g")).is_none());
        assert!(Kind::Boolean.value(&json!(null)).is_none());
        assert!(matches!(Kind::Bytes.value(&json!("00ff")), Some(Value::Bytes(Some(bytes))) if bytes == [0, 255]));
        assert!(matches!(Kind::Text.value(&json!(null)), Some(Value::Text(None))));
    }
}
