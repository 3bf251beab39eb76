//! Which rows are explained: some drawn from everybody, some from each group, each row once.

use crate::audit::Frame;
use crate::forensics::mix;

/// Rows drawn from everybody: a mean over so many is known within a fifth of the spread between rows (95 %).
const EVERYBODY_MAX: usize = 120;
/// Rows drawn from each group; not under the smallest group that is judged.
const GROUP_ROWS: u64 = 30;
/// Groups of one attribute that are explained; the largest are kept.
const GROUPS_MAX: usize = 24;

/// The sampled rows. Positions count within `rows`.
pub(super) struct Sample {
    /// Rows of the frame, ascending.
    pub(super) rows: Vec<u32>,
    /// Positions of the rows drawn from everybody, in the order of their hashes.
    pub(super) everybody: Vec<usize>,
    pub(super) groups: Vec<GroupRows>,
    /// Most rows drawn from one group.
    pub(super) of_group_max: usize,
}

/// The rows drawn from one group; none when it is too small.
pub(super) struct GroupRows {
    /// Index of the attribute and of its level.
    pub(super) attribute: usize,
    pub(super) level: usize,
    pub(super) rows: Vec<usize>,
}

impl Sample {
    /// Draws from the judged rows.
    pub(super) fn draw(frame: &Frame, judged: &[u32], seed: u64, group_size_min: u64) -> Self {
        let hash = |row: u32| mix(mix(seed ^ 0x6578_706c_6169_6e00) ^ u64::from(row));
        let mut order: Vec<u32> = judged.to_vec();
        order.sort_unstable_by_key(|row| (hash(*row), *row));
        let everybody = &order[..order.len().min(EVERYBODY_MAX)];
        let most = GROUP_ROWS.max(group_size_min) as usize;
        let mut drawn: Vec<(usize, usize, Vec<u32>)> = Vec::new();
        for (attribute, groups) in frame.groups.iter().enumerate() {
            let mut of_level: Vec<Vec<u32>> = vec![Vec::new(); groups.levels.len()];
            let mut sizes = vec![0_u64; groups.levels.len()];
            for row in &order {
                let level = usize::from(groups.codes[*row as usize]);
                sizes[level] += 1;
                if of_level[level].len() < most {
                    of_level[level].push(*row);
                }
            }
            let mut levels: Vec<usize> = (0..groups.known()).filter(|level| sizes[*level] > 0).collect();
            levels.sort_by_key(|level| (std::cmp::Reverse(sizes[*level]), *level));
            levels.truncate(GROUPS_MAX);
            levels.sort_unstable();
            for level in levels {
                let rows =
                    if sizes[level] < group_size_min { Vec::new() } else { std::mem::take(&mut of_level[level]) };
                drawn.push((attribute, level, rows));
            }
        }
        let mut rows: Vec<u32> = everybody.iter().chain(drawn.iter().flat_map(|(_, _, rows)| rows)).copied().collect();
        rows.sort_unstable();
        rows.dedup();
        let position = |row: &u32| rows.binary_search(row).expect("every drawn row is among the rows");
        let everybody = everybody.iter().map(position).collect();
        let groups = drawn.iter().map(|(attribute, level, rows)| GroupRows {
            attribute: *attribute,
            level: *level,
            rows: rows.iter().map(position).collect(),
        });
        let groups: Vec<GroupRows> = groups.collect();
        Self { everybody, groups, of_group_max: most, rows }
    }
}
