//! S9: at rest, what a process would load is what it has.
use crate::world::World;
use hotpair_replication::Replica;

pub(super) fn check(world: &World) -> Result<(), String> {
    for node in 0..2 {
        for engine in 0..world.engines() {
            let Some(memory) = world.replica(node, engine) else { continue };
            let host = &world.nodes[node];
            let designation = world.settings[node][engine].designation;
            let boot = host.disks[engine].image.boot(designation, host.instance);
            let disk = Replica::new(memory.settings().clone(), boot);
            let same = disk.history() == memory.history()
                && disk.has_data_of(memory)
                && disk.divergence().eq(memory.divergence());
            if !same {
                return Err(format!(
                    "node {node}, engine {engine}: {} on disk, {} in memory",
                    disk.positions(),
                    memory.positions()
                ));
            }
        }
    }
    Ok(())
}
