//! `hotpair run`: the guard and the node.
use super::arguments::{NodeArguments, RunArguments};
use super::{Context, Exit, Failure};
pub(super) fn run(_: &Context, _: &RunArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
pub(super) fn node(_: &Context, _: &NodeArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
