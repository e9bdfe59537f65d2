//! After every scenario: promises against histories, epochs against owners, then liveness
//! (docs/design/states.md, "Invariants").
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::status::number;
use crate::{Outcome, Pair, Record, Sample, Side, patience};

/// What is audited.
#[derive(Debug)]
pub struct Audit<'a> {
    pair: &'a Pair,
    records: Vec<Record>,
    two_actives: bool,
    lossy: bool,
}

impl<'a> Audit<'a> {
    /// Of a pair whose faults are over.
    #[must_use]
    pub const fn of(pair: &'a Pair) -> Self {
        Self { pair, records: Vec::new(), two_actives: false, lossy: false }
    }

    /// With what a client was promised.
    #[must_use]
    pub fn with(mut self, records: Vec<Record>) -> Self {
        self.records.extend(records);
        self
    }

    /// Both may have acted at once: every link was cut in `availability`, or a person forced it.
    #[must_use]
    pub const fn allow_two_actives(mut self) -> Self {
        self.two_actives = true;
        self
    }

    /// Degraded and local acknowledgements may be lost with the only node that had them.
    #[must_use]
    pub const fn allow_loss_of_degraded(mut self) -> Self {
        self.lossy = true;
        self
    }

    /// Heals the links, waits for one Active and one Standby - Ready, checks everything; says who acts.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub async fn run(self) -> Result<Side> {
        self.pair.links.heal()?;
        let active = self.pair.until_settled().await.context("audit: liveness (L1)")?;
        self.same_everywhere(active).await.context("audit: the standby is level")?;
        self.kept(active).await.context("audit: acknowledged writes (S4, S6)")?;
        self.epochs().await.context("audit: one owner of each epoch (S5)")?;
        if !self.two_actives {
            overlap(&self.pair.watch().samples()).context("audit: one active (S1, S2)")?;
        }
        Ok(active)
    }

    /// Both nodes end at the same positions.
    async fn same_everywhere(&self, active: Side) -> Result<()> {
        let limit = patience(std::time::Duration::from_secs(5));
        crate::eventually("both nodes end at the same positions", limit, async || {
            let ours = self.pair.status(active).await?;
            let theirs = self.pair.status(active.other()).await?;
            for journal in ["config", "runtime"] {
                let (a, b) = (ours.position(journal), theirs.position(journal));
                ensure!(a == b, "{journal}: {a:?} and {b:?}");
            }
            Ok(())
        })
        .await
    }

    /// Every acknowledged write is in the winning history or kept. A tag's values grow, so a value
    /// that is not below the acknowledged one contains it.
    async fn kept(&self, active: Side) -> Result<()> {
        let mut kept = self.pair.divergences(active).await?;
        kept.extend(self.pair.divergences(active.other()).await?);
        let mut promised = BTreeMap::<&str, &Record>::new();
        for record in &self.records {
            let Outcome::Done { acknowledged, degraded, .. } = &record.outcome else { continue };
            if self.lossy && (*degraded || acknowledged == "local") {
                continue;
            }
            let last = promised.entry(&record.tag).or_insert(record);
            if last.value < record.value {
                *last = record;
            }
        }
        for (tag, record) in promised {
            for side in Side::BOTH {
                let now = self.pair.tag(side, tag).await?;
                ensure!(
                    now >= record.value || is_kept(&kept, tag, record.value),
                    "tag {tag} is {now} at {side}, and {record:?} is nowhere"
                );
            }
        }
        let refused: Vec<_> =
            self.records.iter().filter(|it| matches!(it.outcome, Outcome::Refused(_))).collect();
        ensure!(refused.is_empty(), "a retry must not end in a refusal: {refused:?}");
        Ok(())
    }

    /// No epoch was used by both, and none by who does not own it.
    async fn epochs(&self) -> Result<()> {
        let mut owners = BTreeMap::<u64, Side>::new();
        let mut used: Vec<(u64, Side)> = Vec::new();
        for side in Side::BOTH {
            let mut last = 0;
            for event in self.pair.events(side).await? {
                let epoch = number(&event["epoch_after"]);
                ensure!(
                    epoch >= last || epoch == 0,
                    "{side}: the epoch went back to {epoch}: {event}"
                );
                last = last.max(epoch);
                let became = event["to"].as_str().unwrap_or_default();
                if ["active", "active-standby-not-available"].contains(&became) {
                    used.push((epoch, side));
                }
            }
        }
        let acts = |it: &&Sample| it.active;
        used.extend(self.pair.watch().samples().iter().filter(acts).map(|it| (it.epoch, it.side)));
        for (epoch, side) in used {
            let owner = *owners.entry(epoch).or_insert(side);
            ensure!(owner == side, "epoch {epoch} was used by both nodes");
            let expected = if epoch % 2 == 1 { Side::A } else { Side::B };
            ensure!(side == expected, "epoch {epoch} belongs to {expected} and {side} used it");
        }
        Ok(())
    }
}

fn is_kept(kept: &[Value], tag: &str, value: i64) -> bool {
    let entries = kept.iter().filter_map(|it| it["kept"].as_array()).flatten();
    entries.into_iter().any(|entry| {
        let item = entry["item"].as_str().unwrap_or_default();
        let losing = &entry["losing_value"];
        let losing = losing.as_i64().or_else(|| losing["value"].as_i64());
        item.ends_with(tag) && losing.is_some_and(|it| it >= value)
    })
}

/// Two actives for certain: one was asked and had answered within a time in which the other was
/// active without a break, seen before and after under the same epoch of the same process.
fn overlap(samples: &[Sample]) -> Result<()> {
    for side in Side::BOTH {
        let mine: Vec<_> = samples.iter().filter(|it| it.side == side).collect();
        let theirs: Vec<_> = samples.iter().filter(|it| it.side != side && it.active).collect();
        for pair in mine.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            let held = before.active
                && after.active
                && before.epoch == after.epoch
                && before.instance == after.instance;
            if !held {
                continue;
            }
            // What a process says right after it was frozen, it had put together before.
            let inside = |it: &&&Sample| {
                let asked = it.asked > before.answered && it.answered < after.asked;
                asked && it.said_at_ms > before.said_at_ms && it.said_at_ms < after.said_at_ms
            };
            if let Some(other) = theirs.iter().find(inside) {
                anyhow::bail!("two actives at once: {before:?} and {other:?}");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn sample(side: Side, epoch: u64, asked: u64, active: bool) -> impl Fn(Instant) -> Sample {
        move |begin| Sample {
            side,
            asked: begin + Duration::from_millis(asked),
            answered: begin + Duration::from_millis(asked + 2),
            said_at_ms: asked + 1,
            instance: "1".into(),
            state: String::new(),
            epoch,
            active,
        }
    }

    fn check(samples: &[&dyn Fn(Instant) -> Sample]) -> bool {
        let begin = Instant::now();
        overlap(&samples.iter().map(|it| it(begin)).collect::<Vec<_>>()).is_ok()
    }

    #[test]
    fn an_active_seen_inside_of_another_ones_reign_is_found() {
        let (first, last) = (sample(Side::A, 1, 0, true), sample(Side::A, 1, 20, true));
        assert!(!check(&[&first, &sample(Side::B, 2, 10, true), &last]));
        assert!(check(&[&first, &sample(Side::B, 2, 10, false), &last]));
        assert!(check(&[&first, &sample(Side::B, 2, 10, true), &sample(Side::A, 1, 20, false)]));
    }

    #[test]
    fn a_losing_value_counts_as_kept() {
        let kept =
            [serde_json::json!({"kept": [{"item": "tags/line/a", "losing_value": {"value": 7}}]})];
        assert!(is_kept(&kept, "line/a", 7));
        assert!(!is_kept(&kept, "line/a", 8));
        assert!(!is_kept(&kept, "line/b", 7));
    }
}
