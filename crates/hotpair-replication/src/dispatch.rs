//! Which part takes a message of the partner. What belongs to another instance, an older attempt
//! or another role is ignored: it will be asked for again where it matters.
use crate::{Message, Output, Replica};
use hotpair_types::Instance;

impl Replica {
    pub(crate) fn message(&mut self, from: Instance, message: Message, out: &mut Vec<Output>) {
        let session = message.session();
        match message {
            Message::Begin { .. }
            | Message::ModuleWanted { .. }
            | Message::WayWanted { .. }
            | Message::Losing { .. }
            | Message::EntriesWanted { .. }
            | Message::SnapshotWanted { .. }
            | Message::ChunkWanted { .. }
            | Message::MoreWanted { .. }
            | Message::DigestsWanted { .. }
            | Message::Ack { .. }
            | Message::ResendWanted { .. }
            | Message::CaughtUp { .. }
            | Message::ModuleTaken { .. } => {
                let begins = matches!(message, Message::Begin { .. });
                if self.serves(from, session, begins) {
                    self.ask(message, out);
                } else if begins {
                    self.begun_early(from, session);
                }
            }
            Message::Manifest { .. }
            | Message::ModuleChunk { .. }
            | Message::Way { .. }
            | Message::LosingTaken { .. }
            | Message::SnapshotBegins { .. }
            | Message::Chunk { .. }
            | Message::Digests { .. }
            | Message::Entries { .. }
            | Message::EntriesGone { .. }
            | Message::ModuleOffered { .. }
            | Message::Compare { .. } => {
                let current = self.syncing.as_ref().map(|it| (it.partner, it.session));
                if current == Some((from, session)) {
                    self.answered(message, out);
                }
            }
            Message::Compared { request, found, .. } => self.compared(from, request, found, out),
            Message::AheadWanted { history, .. } => self.ahead_wanted(session, &history, out),
            Message::Ahead { kind, previous, entries, .. } => {
                self.ahead(from, session, kind, previous, &entries, out);
            }
            Message::AheadEnd { history, .. } => self.ahead_end(from, session, &history, out),
        }
    }

    /// What a standby asks the active.
    fn ask(&mut self, message: Message, out: &mut Vec<Output>) {
        let session = message.session();
        match message {
            Message::Begin { .. } => self.begun(session, out),
            Message::ModuleWanted { hash, offset, .. } => self.module_wanted(hash, offset, out),
            Message::WayWanted { history, .. } => self.way_wanted(session, &history, out),
            Message::Losing { records, .. } => self.losing(session, records, out),
            Message::EntriesWanted { kind, after, .. } => {
                self.entries_wanted(session, kind, after, out);
            }
            Message::SnapshotWanted { kind, .. } => self.snapshot_wanted(session, kind, out),
            Message::ChunkWanted { kind, request, scope, credit, .. } => {
                self.chunk_wanted(kind, request, scope, credit, out);
            }
            Message::MoreWanted { kind, request, credit, .. } => {
                self.more_wanted(kind, request, credit, out);
            }
            Message::DigestsWanted { kind, request, ranges, .. } => {
                self.digests_wanted(session, kind, request, &ranges, out);
            }
            Message::Ack { received, durable, .. } => self.acked(received, durable, out),
            Message::ResendWanted { kind, after, .. } => self.resend_wanted(kind, after, out),
            Message::CaughtUp { positions, .. } => self.caught_up(positions, out),
            Message::ModuleTaken { hash, .. } => self.module_taken(hash, out),
            Message::Manifest { .. }
            | Message::ModuleChunk { .. }
            | Message::Way { .. }
            | Message::LosingTaken { .. }
            | Message::SnapshotBegins { .. }
            | Message::Chunk { .. }
            | Message::Digests { .. }
            | Message::Entries { .. }
            | Message::EntriesGone { .. }
            | Message::ModuleOffered { .. }
            | Message::Compare { .. }
            | Message::Compared { .. }
            | Message::AheadWanted { .. }
            | Message::Ahead { .. }
            | Message::AheadEnd { .. } => {}
        }
    }

    /// What the active answers its standby.
    fn answered(&mut self, message: Message, out: &mut Vec<Output>) {
        match message {
            Message::Manifest { modules, .. } => self.manifest(modules, out),
            Message::ModuleChunk { hash, offset, bytes, last, .. } => {
                self.module_chunk(hash, offset, bytes, last, out);
            }
            Message::Way { history, entries_after, removals_after, chain, .. } => {
                self.way(*history, entries_after, removals_after, chain, out);
            }
            Message::LosingTaken { fates, .. } => self.losing_answered(fates, out),
            Message::SnapshotBegins { head, items, bytes, .. } => {
                self.snapshot_begins(*head, items, bytes, out);
            }
            Message::Chunk { kind, request, at, sets, removes, next, .. } => {
                self.chunk(kind, request, at, sets, removes, next, out);
            }
            Message::Digests { kind, request, differing, .. } => {
                self.digests(kind, request, &differing, out);
            }
            Message::Entries { kind, previous, entries, urgent, .. } => {
                self.entries(kind, previous, &entries, urgent, out);
            }
            Message::EntriesGone { kind, .. } => self.entries_gone(kind, out),
            Message::ModuleOffered { hash, size, .. } => self.module_offered(hash, size, out),
            Message::Compare { session, comparison } => {
                self.compare_with(session, &comparison, out);
            }
            Message::Begin { .. }
            | Message::ModuleWanted { .. }
            | Message::WayWanted { .. }
            | Message::Losing { .. }
            | Message::EntriesWanted { .. }
            | Message::SnapshotWanted { .. }
            | Message::ChunkWanted { .. }
            | Message::MoreWanted { .. }
            | Message::DigestsWanted { .. }
            | Message::Ack { .. }
            | Message::ResendWanted { .. }
            | Message::CaughtUp { .. }
            | Message::ModuleTaken { .. }
            | Message::Compared { .. }
            | Message::AheadWanted { .. }
            | Message::Ahead { .. }
            | Message::AheadEnd { .. } => {}
        }
    }
}
