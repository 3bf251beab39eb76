//! The transparency log's rows: leaves, the hashes of complete subtrees, signed checkpoints.
//!
//! The store does no hashing: the caller computes nodes and proofs (RFC 6962) and the store keeps them. Appends
//! serialise on the one row that holds the size: [`LogWriter::lock`] takes it until the unit ends, so indexes are dense
//! whatever the number of processes. A unit that needs several such rows takes them in one order everywhere, so that no
//! two wait for each other: the year's counter, the log's head, the audit trail's head.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, placeholders, sql};
use crate::error::Error;

/// Most entries in one page.
pub const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Most leaf hashes in one page.
pub const PAGE_LEAF_HASHES_MAX: u32 = 10_000;

/// Nodes asked for in one statement; SQLite takes 32,766 values in one, and two name a node.
const NODES_PER_STATEMENT: usize = 500;

/// A leaf's or node's SHA-256.
pub type Hash = [u8; 32];

/// A node: its level above the leaves (0) and its index from the left on that level.
pub type NodeId = (u8, u64);

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place, from 0.
    pub index: u64,
    /// Its hash.
    pub leaf_hash: Hash,
    /// What was logged, byte for byte.
    pub entry: Vec<u8>,
    /// When it was logged.
    pub created_at: Timestamp,
}

/// A signed statement of the log's size and root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheckpoint {
    /// The size it is about.
    pub size: u64,
    /// The signed note, byte for byte.
    pub note: String,
    /// When it was signed.
    pub created_at: Timestamp,
}

/// The log, to be read.
pub struct Log<'a> {
    on: On<'a>,
}

impl<'a> Log<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// How many leaves there are.
    pub async fn size(&mut self) -> Result<u64, Error> {
        let row = self.on.read_one(sql("SELECT size FROM log_head WHERE id = 1")).await?;
        row.ok_or_else(no_head)?.count("size")
    }

    /// The stored hashes of these nodes. Nodes of incomplete subtrees are not stored and so not in the answer.
    pub async fn nodes(&mut self, nodes: &[NodeId]) -> Result<BTreeMap<NodeId, Hash>, Error> {
        let mut found = BTreeMap::new();
        for chunk in nodes.chunks(NODES_PER_STATEMENT) {
            let wanted: Vec<String> = (0..chunk.len()).map(|i| format!("({})", placeholders(2 * i + 1, 2))).collect();
            let select = sql(AssertSqlSafe(format!(
                "SELECT level, node_index, hash FROM log_nodes WHERE (level, node_index) IN (VALUES {})",
                wanted.join(", ")
            )));
            let values = chunk.iter().flat_map(|&(level, index)| [u64::from(level), index]);
            for row in self.on.read(select.bind_all(values)).await? {
                let level = u8::try_from(row.count("level")?);
                let level = level.map_err(|e| Error::corrupt(format!("column level: {e}")))?;
                found.insert((level, row.count("node_index")?), row.hash("hash")?);
            }
        }
        Ok(found)
    }

    /// The leaf with this index.
    pub async fn entry(&mut self, index: u64) -> Result<Option<LogEntry>, Error> {
        Ok(self.entries(index, 1).await?.into_iter().next())
    }

    /// Leaves from `start` on, at most `count` and [`PAGE_ENTRIES_MAX`].
    pub async fn entries(&mut self, start: u64, count: u32) -> Result<Vec<LogEntry>, Error> {
        let select = sql("SELECT leaf_index, leaf_hash, entry, created_at FROM log_leaves
             WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index");
        let end = start.saturating_add(count.min(PAGE_ENTRIES_MAX).into());
        self.on.read(select.bind(start).bind(end)).await?.iter().map(entry).collect()
    }

    /// The hashes of the leaves from `start` on, at most `count` and [`PAGE_LEAF_HASHES_MAX`].
    pub async fn leaf_hashes(&mut self, start: u64, count: u32) -> Result<Vec<Hash>, Error> {
        let select = sql("SELECT leaf_hash FROM log_leaves WHERE leaf_index >= $1 AND leaf_index < $2
             ORDER BY leaf_index");
        let end = start.saturating_add(count.min(PAGE_LEAF_HASHES_MAX).into());
        self.on.read(select.bind(start).bind(end)).await?.iter().map(|row| row.hash("leaf_hash")).collect()
    }

    /// The checkpoint of the largest size.
    pub async fn latest_checkpoint(&mut self) -> Result<Option<LogCheckpoint>, Error> {
        let select = sql("SELECT size, note, created_at FROM log_checkpoints ORDER BY size DESC LIMIT 1");
        self.on.read_one(select).await?.as_ref().map(checkpoint).transpose()
    }

    /// The checkpoint of this size, if one was signed.
    pub async fn checkpoint(&mut self, size: u64) -> Result<Option<LogCheckpoint>, Error> {
        let select = sql("SELECT size, note, created_at FROM log_checkpoints WHERE size = $1");
        self.on.read_one(select.bind(size)).await?.as_ref().map(checkpoint).transpose()
    }
}

/// The log, to be written; only to be had inside a unit.
pub struct LogWriter<'a> {
    on: On<'a>,
}

impl<'a> LogWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps all other writers out until the unit ends, and answers the size: the index of the next leaf.
    pub async fn lock(&mut self) -> Result<u64, Error> {
        let row = self.on.write_one(sql("UPDATE log_head SET size = size WHERE id = 1 RETURNING size")).await?;
        row.ok_or_else(no_head)?.count("size")
    }

    /// Appends a leaf and the nodes of the subtrees it completes. An `index` that is not the size is an
    /// [`Error::Conflict`].
    pub async fn append(&mut self, leaf: &LogEntry, new_nodes: &[(NodeId, Hash)]) -> Result<(), Error> {
        let update = sql("UPDATE log_head SET size = size + 1 WHERE id = 1 AND size = $1 RETURNING size");
        if self.on.write_one(update.bind(leaf.index)).await?.is_none() {
            return Err(Error::conflict(format!("leaf {} is not the next of the log", leaf.index)));
        }
        let insert = sql("INSERT INTO log_leaves (leaf_index, leaf_hash, entry, created_at) VALUES ($1, $2, $3, $4)")
            .bind(leaf.index)
            .bind(&leaf.leaf_hash[..])
            .bind(leaf.entry.as_slice())
            .bind(leaf.created_at);
        self.on.write(insert).await?;
        for ((level, index), hash) in new_nodes {
            let insert = sql("INSERT INTO log_nodes (level, node_index, hash) VALUES ($1, $2, $3)");
            self.on.write(insert.bind(u64::from(*level)).bind(*index).bind(&hash[..])).await?;
        }
        Ok(())
    }

    /// Keeps a checkpoint; one of the same size, signed with an older key, is replaced.
    pub async fn put_checkpoint(&mut self, checkpoint: &LogCheckpoint) -> Result<(), Error> {
        let upsert = sql("INSERT INTO log_checkpoints (size, note, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (size) DO UPDATE SET note = excluded.note, created_at = excluded.created_at");
        let upsert = upsert.bind(checkpoint.size).bind(checkpoint.note.as_str()).bind(checkpoint.created_at);
        self.on.write(upsert).await.map(drop)
    }
}

fn no_head() -> Error {
    Error::corrupt("the log has no head")
}

fn entry(row: &Row) -> Result<LogEntry, Error> {
    Ok(LogEntry {
        index: row.count("leaf_index")?,
        leaf_hash: row.hash("leaf_hash")?,
        entry: row.get("entry")?,
        created_at: row.time("created_at")?,
    })
}

fn checkpoint(row: &Row) -> Result<LogCheckpoint, Error> {
    Ok(LogCheckpoint { size: row.count("size")?, note: row.get("note")?, created_at: row.time("created_at")? })
}
