//! Records, answers and messages as one line of text each.
use hotpair_replication::{DivergenceRecord, Message, Op, Outcome};

pub fn show_record(record: &DivergenceRecord) -> String {
    let op = |op: &Op| match op {
        Op::Set { item, value } => format!("{item}={}", String::from_utf8_lossy(value)),
        Op::Remove { item } => format!("{item} removed"),
        Op::ReplaceAll { provider, items } => format!("{provider} replaced by {}", items.len()),
    };
    let losing: Vec<_> = record.entry.ops.iter().map(op).collect();
    let winning = |it: &hotpair_replication::Winning| {
        let value = it.value.as_ref().map(|it| String::from_utf8_lossy(it).into_owned());
        format!("{}={}", it.item, value.unwrap_or_else(|| "-".into()))
    };
    let winning: Vec<_> = record.winning.iter().map(winning).collect();
    let fork = record.conflict.fork.map_or_else(|| "?".into(), |it| it.to_string());
    let id = record.id;
    let fate = match record.fate {
        hotpair_replication::Fate::Kept => "kept".into(),
        hotpair_replication::Fate::InHistory(at) => format!("in history at {at}"),
        hotpair_replication::Fate::Replayed(at) => format!("replayed at {at}"),
        hotpair_replication::Fate::Repeated(at) => format!("repeats {at}"),
    };
    format!(
        "{} {} after {fork}: {}; won: {}; {fate}",
        id.kind,
        id.entry,
        losing.join(", "),
        winning.join(", "),
    )
}

pub fn show_outcome(outcome: Option<&Outcome>) -> String {
    match outcome {
        None => "no answer".into(),
        Some(Outcome::Acknowledged(it)) => format!(
            "{} {}{}{}",
            it.reached,
            it.position,
            if it.degraded { " degraded" } else { "" },
            if it.repeated { " repeated" } else { "" },
        ),
        Some(Outcome::Refused(refusal)) => format!("refused: {refusal}"),
        Some(Outcome::Unknown { position }) => format!("unknown {position}"),
    }
}

pub fn weight(message: &Message) -> usize {
    match message {
        Message::Entries { entries, .. } | Message::Ahead { entries, .. } => {
            entries.iter().map(|it| it.bytes() - 256 + 32).sum()
        }
        Message::Chunk { sets, removes, .. } => {
            sets.iter().map(|(item, it)| item.item.len() + it.value.len() + 32).sum::<usize>()
                + removes.len() * 32
        }
        Message::ModuleChunk { bytes, .. } => bytes.len(),
        Message::DigestsWanted { ranges, .. } => ranges.len() * 64,
        _ => 16,
    }
}

pub fn name(message: &Message) -> String {
    let text = format!("{message:?}");
    let head = text.split([' ', '{']).next().unwrap_or_default().to_owned();
    match message {
        Message::Entries { kind, entries, .. } => format!("{head} {kind} {}", entries.len()),
        Message::Chunk { kind, sets, removes, .. } => {
            format!("{head} {kind} {} {}", sets.len(), removes.len())
        }
        Message::EntriesWanted { kind, after, .. } => format!("{head} {kind} after {after}"),
        Message::SnapshotWanted { kind, .. } => format!("{head} {kind}"),
        Message::Digests { differing, .. } => format!("{head} {} differ", differing.len()),
        Message::Losing { records, .. } => format!("{head} {}", records.len()),
        _ => head,
    }
}

pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
