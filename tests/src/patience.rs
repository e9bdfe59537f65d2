//! Bounded waits: a condition is polled until it holds, and what it last said is part of the failure.
use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a wait that should take `expected` may take before it counts as failed. Generous, for a
/// loaded machine; `HOTPAIR_TEST_PATIENCE` (a factor) stretches it further.
#[must_use]
pub fn patience(expected: Duration) -> Duration {
    let factor = std::env::var("HOTPAIR_TEST_PATIENCE").ok().and_then(|it| it.parse().ok());
    expected * 3 + Duration::from_secs(10) * factor.unwrap_or(1)
}

/// Polls until `look` gives a value. `Err` from it is "not yet", and the last one is shown when the
/// wait is over.
///
/// # Errors
/// When it did not hold within `limit`.
pub async fn eventually<T, E, F, Fut>(what: &str, limit: Duration, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let begun = Instant::now();
    loop {
        let not_yet = match look().await {
            Ok(value) => return Ok(value),
            Err(not_yet) => not_yet,
        };
        if begun.elapsed() > limit {
            bail!("not within {limit:?}: {what}\n  last seen: {not_yet:#}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
