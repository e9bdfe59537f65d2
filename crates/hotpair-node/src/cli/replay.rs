//! `hotpair replay`.

use super::{Context, Exit, Failure};
pub(super) fn replay(_: &Context, _: &std::path::Path, _: bool) -> Result<Exit, Failure> {
    Err(Failure::Failed("not built yet".to_owned()))
}
