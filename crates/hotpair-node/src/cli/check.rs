//! `hotpair check`.

use super::{Context, Exit, Failure};
pub(super) async fn check(_: &Context) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
