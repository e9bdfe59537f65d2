//! S3: whoever begins to act by itself has what was acknowledged as being on both; where two may
//! never act, also what was answered as degraded.
use crate::client::Carrier;
use crate::losses::is_at;
use crate::world::World;
use hotpair_fsm::Rule;
use hotpair_types::{JournalKind, Mode};

/// Looks when outputs are opened, by `rule`.
pub(crate) fn look(world: &mut World, node: usize, engine: usize, rule: Option<Rule>) {
    let told = match rule {
        // A person accepts the loss; `start_alone = "assume"` is told to.
        Some(Rule::Promoted | Rule::AloneUnverified) => true,
        _ => world.watch.is_data_excused(engine),
    };
    // Who may not win for another reason hands in what the winner lacks when it syncs.
    let elected = matches!(rule, Some(Rule::Elected | Rule::PartnerYielded));
    let loser = &world.nodes[1 - node];
    let barred = elected
        && (loser.disks[engine].image.record.marks.stale
            || loser.disks[engine].failed.is_some()
            || loser.record_refused[engine]
            || world.watch.disk_troubled(1 - node, world.now));
    // Neither contains the other: whoever wins begins without what only the other has on its disk.
    let short = elected && !world.history(1 - node, engine).contains(&world.history(node, engine));
    let other_started = world.nodes[1 - node].started;
    let both = world.watch.mode == Mode::Availability;
    let mut client = std::mem::take(&mut world.client);
    let mut missing = None;
    if let Some(replica) = world.replica(node, engine) {
        let must = client.acknowledged_mut().filter(|it| {
            it.engine == engine
                && !(it.excused || it.abandoned)
                && !(both && it.answer.is_some_and(|(_, how)| how.degraded))
        });
        for write in must {
            if is_at(replica, write.kind, &write.item, &write.value) {
                continue;
            }
            // A degraded answer was in one memory only, and that is gone; the other got it all the same.
            let lost_here = write.carriers[node] == Carrier::Lost
                && write.answer.is_some_and(|(_, how)| how.degraded);
            let held_there =
                || world.is_in_memory(1 - node, write) || world.is_on_disk(1 - node, write);
            // Both processes died: the winner lost it, the loser has it on its disk alone. Runtime
            // entries are not read back, so that the winner gets it when the loser syncs.
            let lost_twice = short
                && write.kind == JournalKind::Runtime
                && write.carriers[node] == Carrier::Lost
                && write.answer.is_some_and(|(at, _)| other_started > at);
            let handed_in = (barred || lost_twice || write.of_two) && held_there();
            if told || lost_here || handed_in {
                write.abandoned = true;
            } else if missing.is_none() {
                missing = Some(format!(
                    "node {node} acts in engine {engine} by {rule:?} without {:?} {}, {:?}",
                    write.kind, write.item, write.answer
                ));
            }
        }
    }
    world.client = client;
    if let Some(text) = missing {
        world.watch.broken_proof.get_or_insert(text);
    }
}
