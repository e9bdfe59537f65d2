//! From everywhere that is rare, anything goes wrong.
use crate::plans::Plan;
use crate::rare::rare_in;
use crate::step::Fault::{self, *};
use hotpair_types::Mode;

/// What may go wrong anywhere.
const ANYTHING: [Fault; 10] =
    [Kill, HostLost, Cut, CutOneWay, Lose, DiskSlow, DiskFails, Sleep, PromotionFails, ArbiterAway];

/// In every mode, with so many faults of any kind. Not every way leads there in every mode.
#[must_use]
pub fn hunts(faults_max: u8) -> Vec<Plan> {
    let mut plans: Vec<_> = Mode::ALL.iter().flat_map(|&mode| rare_in(mode)).collect();
    for plan in &mut plans {
        plan.bounds.faults = ANYTHING.to_vec();
        plan.bounds.faults_max = faults_max;
        plan.bounds.entries_max = 1;
    }
    plans
}
