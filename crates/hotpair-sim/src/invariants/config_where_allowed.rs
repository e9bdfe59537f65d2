//! S8: config changes are made on the master, or on whoever acts where the settings say so.
use crate::world::World;
use hotpair_core::StoreOp;
use hotpair_replication as replication;
use hotpair_types::{Designation, JournalKind, WritableOn};

/// Looks at what any node stores. An entry names the epoch that it was accepted under, and that its
/// owner; what an election handed in names where it was accepted.
pub(crate) fn look(world: &mut World, engine: usize, op: &StoreOp) {
    let StoreOp::Data(replication::StoreOp::Append { kind: JournalKind::Config, entries }) = op
    else {
        return;
    };
    if world.replication[0].config_writable_on == WritableOn::Active {
        return;
    }
    for entry in entries {
        let from = entry.origin.unwrap_or(entry.position);
        let owner = world.watch.owners.get(&(engine, from.epoch)).copied();
        let is_master = |it: usize| world.settings[it][engine].designation == Designation::Master;
        // What was handed in may be handed in again, by a node that had it from there.
        let handed_in = world.watch.handed_in.contains(&(engine, from));
        let allowed = handed_in || owner.is_some_and(is_master);
        if allowed && entry.origin.is_some() {
            world.watch.handed_in.insert((engine, entry.position));
        }
        if !allowed {
            let text = format!(
                "config entry {} of engine {engine} was accepted as {from} by {owner:?}, which is no master",
                entry.position
            );
            world.watch.broken_config.get_or_insert(text);
        }
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    world.watch.broken_config.clone().map_or(Ok(()), Err)
}
