//! The statistics that verdicts rest on. Pure functions over numbers; every transcendental function comes from `libm`,
//! so the same input gives the same bits on every platform.

mod binomial;
mod chi_squared;
mod correction;
mod normal;
mod proportions;

pub use binomial::Binomial;
pub(crate) use binomial::{Chance, uniform};
pub use chi_squared::{ChiSquaredTest, chi_squared_independence, chi_squared_upper_tail};
pub use correction::{Correction, adjust};
pub use normal::{normal_cdf, normal_quantile, two_sided_p};
pub use proportions::{Interval, Share, fisher_exact, katz, newcombe, two_proportions, two_proportions_z, wilson};
