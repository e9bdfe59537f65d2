//! `hotpair invite` and `hotpair join`: two hosts learn to trust each other.
use super::arguments::{InviteArguments, JoinArguments};
use super::{Context, Exit, Failure};
pub(super) async fn invite(_: &Context, _: &InviteArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
pub(super) async fn join(_: &Context, _: &JoinArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
