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
        // Tried again for the same reason.
        Some(Rule::Retried) if world.nodes[node].disks[engine].image.record.marks.unverified => {
            true
        }
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
    // Neither contains the other: whoever wins lacks something.
    let short = elected && !world.history(1 - node, engine).contains(&world.history(node, engine));
    let unsent = short && !world.could_send_runtime(1 - node, engine, node);
    let both = world.watch.mode == Mode::Availability;
    let mut client = std::mem::take(&mut world.client);
    let mut missing = None;
    let started = world.nodes[node].started;
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
            // A degraded answer was in one memory only, and that is gone; the other got it all the same,
            // or it is kept here as what another term wrote.
            let gone = match write.carriers[node] {
                Carrier::Lost => true,
                Carrier::Memory(since) => since < started,
                Carrier::No | Carrier::Disk => false,
            };
            let lost_here = gone && write.answer.is_some_and(|(_, how)| how.degraded);
            let held_there =
                || world.is_in_memory(1 - node, write) || world.is_on_disk(1 - node, write);
            // The winner lost it with its process, and the loser cannot send it as it is: runtime
            // entries are not read back from a disk, nor kept of a swap. It comes at the sync.
            let lost_here_unsent = unsent
                && write.kind == JournalKind::Runtime
                && write.carriers[node] == Carrier::Lost;
            // A handover waits for it all the same.
            let here_only = write.here_only && rule != Some(Rule::Offered);
            let handed_in =
                (barred || lost_here_unsent || here_only || write.of_two) && held_there();
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
