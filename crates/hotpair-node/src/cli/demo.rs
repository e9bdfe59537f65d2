//! `hotpair demo`.
use super::arguments::DemoArguments;
use super::{Context, Exit, Failure};
pub(super) async fn demo(_: &Context, _: DemoArguments) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
