//! Frames, beats, hints, cuts and orders in any order, between two nodes whose partner may lie.
use crate::script::Script;
use crate::wire_pair::{Parcel, WirePair};
use bytes::Bytes;
use hotpair_core::{EngineInput, Input};
use hotpair_fsm::{Command, CommandId};
use hotpair_node::wire;
use hotpair_replication::{self as replication, Op, Write, WriteBody, WriteTicket};
use hotpair_types::{Channel, ItemKey, NodeTime};

/// Longer scripts find nothing that shorter ones do not.
const STEPS_MAX: usize = 400;
/// The most time that passes at once, in milliseconds for each of the script's numbers.
const MILLIS: u64 = 4;

const COMMANDS: [Command; 11] = [
    Command::Switchover,
    Command::HandOver,
    Command::BecomeActive,
    Command::Promote { accept_loss: false },
    Command::Promote { accept_loss: true },
    Command::Pause,
    Command::Resume,
    Command::Undeploy,
    Command::Deploy,
    Command::Leave,
    Command::Reinit,
];

pub(crate) fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut pair = WirePair::new();
    pair.slow_disks = script.byte() & 1 != 0;
    for step in 0..STEPS_MAX {
        if script.is_over() {
            break;
        }
        happens(&mut pair, &mut script, step as u64);
    }
    // Whatever was said: time goes on for both.
    for _ in 0..20 {
        pair.pass(200);
    }
}

fn happens(pair: &mut WirePair, script: &mut Script<'_>, step: u64) {
    let choice = script.byte();
    let host = usize::from(choice & 1);
    let channel = Channel::ALL[usize::from(choice >> 1 & 1)];
    match (choice >> 2) % 24 {
        0..=5 => {
            if let Some(parcel) = pair.hosts[host].sent.pop_front() {
                pair.arrives(1 - host, &parcel);
            }
        }
        // All that is on its way, in order.
        6 | 7 => {
            for _ in 0..pair.hosts[host].sent.len() {
                let Some(parcel) = pair.hosts[host].sent.pop_front() else { break };
                pair.arrives(1 - host, &parcel);
            }
        }
        8 => {
            if let Some(parcel) = picked(pair, host, script) {
                pair.arrives(1 - host, &parcel);
            }
        }
        9 => {
            if let Some(parcel) = pair.hosts[host].sent.front().cloned() {
                pair.arrives(1 - host, &parcel);
            }
        }
        10 => drop(picked(pair, host, script)),
        11..=13 => pair.pass(MILLIS * u64::from(script.byte())),
        14 => pair.connect(channel),
        15 => pair.disconnect(channel),
        16 => bent(pair, host, script),
        17 => {
            let (beat, length) = (script.byte() & 1 == 0, script.byte());
            let bytes = Bytes::copy_from_slice(script.take(usize::from(length)));
            pair.arrives(host, &Parcel { channel, beat, bytes });
        }
        18 => {
            let refused = script.byte() & 1 != 0;
            pair.give(host, Input::Hint { channel, refused });
        }
        19 => {
            let instance = pair.hosts[1 - host].own.instance;
            pair.give(host, Input::Fenced { instance, behind: vec![script.byte() & 1 != 0] });
        }
        20 => hello(pair, host, channel, script),
        21 => {
            let command = COMMANDS[script.below(COMMANDS.len())];
            pair.tell(host, EngineInput::Command { id: CommandId(step), command });
        }
        22 => write(pair, host, step, script),
        _ => match script.below(6) {
            0 => pair.give(host, Input::Moved),
            1 => pair.give(host, Input::OwnEnd { channel, up: choice & 0x80 == 0 }),
            2 => pair.give(host, Input::Refused { channel }),
            3 => pair.commit(host, false),
            4 => pair.slow_disks = !pair.slow_disks,
            _ => pair.commit(host, true),
        },
    }
}

fn picked(pair: &mut WirePair, from: usize, script: &mut Script<'_>) -> Option<Parcel> {
    let count = pair.hosts[from].sent.len();
    pair.hosts[from].sent.remove(script.below(count))
}

/// What the partner said, with some bytes changed.
fn bent(pair: &mut WirePair, from: usize, script: &mut Script<'_>) {
    let Some(mut parcel) = picked(pair, from, script) else { return };
    let mut bytes = parcel.bytes.to_vec();
    script.bend(&mut bytes);
    parcel.bytes = bytes.into();
    pair.arrives(1 - from, &parcel);
}

/// Another Hello: of another start, another pair, with other settings.
fn hello(pair: &mut WirePair, to: usize, channel: Channel, script: &mut Script<'_>) {
    let mut hello = pair.hosts[1 - to].own.clone();
    let number = u64::from(script.byte());
    match script.below(6) {
        0 => hello.instance.count = number,
        1 => hello.instance.tag = number,
        2 => hello.pair[0] = script.byte(),
        3 => hello.settings[0].1 = "manual".to_owned(),
        4 => hello.engines.clear(),
        _ => hello.node = pair.hosts[to].own.node.clone(),
    }
    let bytes = wire::encode_hello(&hello);
    pair.arrives(to, &Parcel { channel, beat: false, bytes });
}

fn write(pair: &mut WirePair, host: usize, step: u64, script: &mut Script<'_>) {
    let value = Bytes::copy_from_slice(script.take(4));
    let kind = script.byte();
    let body = if kind & 1 == 0 {
        let ops = vec![Op::Set { item: ItemKey::new("tags", "t"), value }];
        WriteBody::Runtime { ops }
    } else {
        let ops = vec![Op::Set { item: ItemKey::config("c"), value }];
        WriteBody::Config { expect: Vec::new(), ops }
    };
    let ticket = WriteTicket(step);
    let write = Write { ticket, ack: None, key: None, written_at: NodeTime(step), body };
    pair.tell(host, EngineInput::Data(replication::Input::Write(write)));
}
