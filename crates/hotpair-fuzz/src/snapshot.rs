//! A sync in which messages come late, twice, never, in another order, or bent.
use crate::replica_pair::{ACTIVE, ReplicaPair, STANDBY};
use crate::script::Script;
use hotpair_core::EngineIndex;
use hotpair_node::wire::{self, Incoming};
use hotpair_replication::{Direction, Message};
use hotpair_types::JournalKind;

/// The flags of the first byte.
const DIVERGED: u8 = 1;
/// Longer scripts find nothing that shorter ones do not.
const STEPS_MAX: usize = 400;

pub(crate) fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut pair = ReplicaPair::new(script.byte() & DIVERGED != 0);
    pair.begin_sync();
    let mut bent = false;
    for _ in 0..STEPS_MAX {
        if script.is_over() {
            break;
        }
        step(&mut pair, &mut script, &mut bent);
    }
    pair.settle();
    if !bent && !pair.is_level() {
        // What came in order may have been taken back by an older message: once more.
        pair.begin_sync();
        pair.settle();
        assert!(pair.is_level(), "late, lost and repeated messages, and it does not become level");
    }
    if bent {
        // What such a partner may have done to the standby is undone by copying it anew.
        pair.direct(STANDBY, Direction::StopSync);
        pair.direct(STANDBY, Direction::Reinit);
        pair.begin_sync();
        pair.settle();
    }
}

fn step(pair: &mut ReplicaPair, script: &mut Script<'_>, bent: &mut bool) {
    let choice = script.byte();
    let from = if choice & 1 == 0 { ACTIVE } else { STANDBY };
    match (choice >> 1) % 16 {
        // In order, which is what happens most.
        0..=4 => {
            if let Some(message) = pair.sides[from].sent.pop_front() {
                pair.arrives(1 - from, message);
            }
        }
        5 => {
            if let Some(message) = picked(pair, from, script) {
                pair.arrives(1 - from, message);
            }
        }
        6 => {
            if let Some(message) = pair.sides[from].sent.front().cloned() {
                pair.arrives(1 - from, message);
            }
        }
        7 => drop(picked(pair, from, script)),
        8 | 9 => drop(pair.commit(from)),
        10 => pair.pass(u64::from(script.byte())),
        11 => {
            let item = format!("t{}", script.below(9));
            pair.write(ACTIVE, JournalKind::Runtime, &item, script.take(4));
        }
        12 => {
            let item = format!("c{}", script.below(9));
            if choice & 0x40 == 0 {
                pair.write(ACTIVE, JournalKind::Config, &item, script.take(4));
            } else {
                pair.remove(ACTIVE, &item);
            }
        }
        13 => pair.begin_sync(),
        14 => {
            // Another message of the same attempt, with any content.
            let length = script.byte();
            let frame = [&[0xb7, 5, 0, 0], script.take(usize::from(length))].concat();
            if let Some(message) = message(&frame) {
                *bent = true;
                pair.arrives(1 - from, message);
            }
        }
        _ => {
            if let Some(real) = picked(pair, from, script) {
                let mut frame = wire::encode_message(EngineIndex(0), &real).to_vec();
                script.bend(&mut frame);
                if let Some(message) = message(&frame) {
                    *bent |= message != real;
                    pair.arrives(1 - from, message);
                }
            }
        }
    }
}

fn picked(pair: &mut ReplicaPair, from: usize, script: &mut Script<'_>) -> Option<Message> {
    let count = pair.sides[from].sent.len();
    pair.sides[from].sent.remove(script.below(count))
}

fn message(frame: &[u8]) -> Option<Message> {
    match wire::decode_frame(frame).ok()? {
        Incoming::Message { message, .. } => Some(message),
        Incoming::Hello(_) | Incoming::Refusal { .. } | Incoming::Summary { .. } => None,
    }
}
