//! What the fake node does to its config data.
use super::Inside;
use hotpair_api::face::*;

pub(super) fn apply(inside: &mut Inside, ops: Vec<ConfigOp>, sequence: u64) -> Result<(), Problem> {
    for op in ops {
        match op {
            ConfigOp::Set { key, value } => {
                let record = ConfigRecord {
                    key: key.clone(),
                    value,
                    version: sequence,
                    epoch: 3,
                    written_at_ms: 1,
                };
                inside.config.insert(key, record);
            }
            ConfigOp::Delete { key } => {
                if inside.config.remove(&key).is_none() {
                    return Err(Problem::new(ProblemKind::UnknownKey, format!("no `{key}`")));
                }
            }
        }
    }
    Ok(())
}
