//! `hotpair init`.
use super::arguments::InitArguments;
use super::{Context, Exit, Failure};
pub(super) fn init(_: &Context, _: &InitArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
