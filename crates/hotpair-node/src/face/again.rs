//! Writes that are made from what the engine holds at that moment: where that moment is a bad one, they are
//! made anew a little later instead of being held.
use super::Face;
use super::config::outcome_of;
use crate::driver::{Driver, WriteEnd};
use hotpair_api::face::{Problem, WriteOutcome};
use hotpair_core::EngineIndex;
use hotpair_replication::{Outcome, Refusal};
use std::time::Duration;
use tokio::sync::oneshot;

/// It is tried again so often.
const AGAIN_EVERY: Duration = Duration::from_millis(20);

/// Why it was not written.
pub(super) enum NotNow {
    /// In a moment it is otherwise; this is the answer when it stays so.
    Later(Problem),
    /// That does not pass by itself.
    Refused(Problem),
}

impl Face {
    /// Writes as soon as it can be, within twice the time of a handover.
    pub(super) async fn write_again(
        &self,
        index: EngineIndex,
        write: impl Fn(&mut Driver, WriteEnd) -> Result<(), NotNow> + Clone + Send + 'static,
    ) -> Result<WriteOutcome, Problem> {
        let patience = self.call(|driver| driver.settings.pair.handover_timeout * 2).await?;
        let tries = patience.as_millis() / AGAIN_EVERY.as_millis();
        for last in (0..=tries).map(|it| it == tries) {
            let (sender, receiver) = oneshot::channel();
            let write = write.clone();
            let asked = self.call(move |driver| {
                write(driver, sender)?;
                Ok::<_, NotNow>(driver.answering(index))
            });
            match asked.await? {
                Ok(answering) => {
                    let outcome = answering.outcome(receiver).await;
                    let again = matches!(&outcome, Ok(Outcome::Refused(it)) if **it == Refusal::SwitchingOver);
                    if !again || last {
                        return Ok(outcome_of(outcome, answering.partner));
                    }
                }
                Err(NotNow::Later(problem)) if last => return Ok(WriteOutcome::Refused(problem)),
                Err(NotNow::Later(_)) => {}
                Err(NotNow::Refused(problem)) => return Ok(WriteOutcome::Refused(problem)),
            }
            tokio::time::sleep(AGAIN_EVERY).await;
        }
        unreachable!("the last try is answered")
    }
}
