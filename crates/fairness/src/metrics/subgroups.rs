//! Search for the subgroup that is selected least, over all groups of all attributes and intersections.

use super::MeasureSettings;
use super::groups::{estimate, too_small};
use super::tally::{Attribute, Rate};
use crate::document::Subgroup;
use crate::statistics::{Share, adjust, two_proportions, two_proportions_z};

/// Subgroups listed.
const LISTED_MAX: usize = 10;

struct Candidate {
    subgroup: Subgroup,
    z: f64,
    p: f64,
}

/// The subgroups that are selected less than everybody else, by the two-proportion statistic, worst first; p corrected
/// over every subgroup searched, those selected more often included. Groups under the minimum size are not searched.
pub(crate) fn worst(attributes: &[Attribute], settings: &MeasureSettings<'_>) -> Vec<Subgroup> {
    let min = settings.thresholds.group_size_min;
    let mut candidates = Vec::new();
    for attribute in attributes {
        let all = attribute.groups.iter().map(|tally| tally.share(Rate::Selection));
        let all = all
            .fold(Share { hits: 0.0, n: 0.0 }, |sum, share| Share { hits: sum.hits + share.hits, n: sum.n + share.n });
        for tally in &attribute.groups {
            let here = tally.share(Rate::Selection);
            let rest = Share { hits: (all.hits - here.hits).max(0.0), n: all.n - here.n };
            let enough = too_small(tally, Rate::Selection, min.max(1)).is_none();
            if let (true, Some(rest_rate), Some(p)) = (enough, rest.rate(), two_proportions(here, rest)) {
                let subgroup = Subgroup {
                    description: tally.words.clone(),
                    n: tally.n(),
                    selection_rate: estimate(tally, Rate::Selection, settings),
                    rest_selection_rate: rest_rate,
                    p_adjusted: 1.0,
                    searched: 0,
                };
                // p underflows long before z does.
                candidates.push(Candidate { subgroup, z: two_proportions_z(here, rest).unwrap_or(0.0), p });
            }
        }
    }
    let searched = candidates.len() as u64;
    let p_values: Vec<f64> = candidates.iter().map(|candidate| candidate.p).collect();
    for (candidate, p) in candidates.iter_mut().zip(adjust(&p_values, settings.correction)) {
        candidate.subgroup.p_adjusted = p;
        candidate.subgroup.searched = searched;
    }
    candidates.retain(|candidate| candidate.z < 0.0);
    // Stable: of equals the coarser one, which comes first.
    candidates.sort_by(|a, b| a.z.total_cmp(&b.z));
    candidates.truncate(LISTED_MAX);
    candidates.into_iter().map(|candidate| candidate.subgroup).collect()
}
