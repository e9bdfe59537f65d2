//! Code modules: the active's manifest, what is missing here, and its bytes.
use crate::SyncFailure;
use crate::offering::OFFERS_MAX;
use crate::serving::send;
use crate::syncing::Stage;
use crate::{Fact, Gap, Message, ModuleEntry, ModuleHash, Output, Progress, Replica, Session};
use bytes::Bytes;
use hotpair_types::{Instance, JournalKind};
use std::collections::{BTreeSet, VecDeque};

/// The config records that name modules begin so.
const PREFIX: &str = "modules/";

/// What a standby still fetches.
#[derive(Debug, Default)]
pub(crate) struct ModulePull {
    missing: VecDeque<ModuleEntry>,
    /// Bytes of the first one that are written here.
    offset: u64,
    /// All of its bytes came; its hash is being verified.
    verifying: bool,
    /// A chunk is being written.
    writing: bool,
    /// How often the first one was begun.
    tries: u32,
    progress: Progress,
    known: bool,
}

/// How often a module is fetched that does not have its hash.
const TRIES_MAX: u32 = 2;

impl ModulePull {
    /// Whether the active's manifest came.
    pub(crate) const fn is_known(&self) -> bool {
        self.known
    }

    /// Whether bytes are still to come.
    pub(crate) fn is_pulling(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Takes an offered module to fetch; `false`: too many are under way.
    pub(crate) fn expect(&mut self, hash: ModuleHash, size: u64) -> bool {
        if self.missing.iter().any(|it| it.hash == hash) {
            return true;
        }
        if self.missing.len() >= OFFERS_MAX {
            return false;
        }
        self.missing.push_back(ModuleEntry { name: "".into(), hash, size });
        true
    }

    /// Fetches a module no longer; whether it was to be fetched.
    pub(crate) fn forget(&mut self, hash: ModuleHash) -> bool {
        let before = self.missing.len();
        if self.missing.front().is_some_and(|it| it.hash == hash) {
            (self.offset, self.verifying, self.writing, self.tries) = (0, false, false, 0);
        }
        self.missing.retain(|it| it.hash != hash);
        self.missing.len() != before
    }
}

impl Replica {
    /// All modules, as config has them.
    #[must_use]
    pub fn modules(&self) -> Vec<ModuleEntry> {
        let records = self.journals.config.image.of_provider("", PREFIX);
        let entry = |(key, record): (&str, &crate::Record)| {
            let (hash, size) = parse(&record.value)?;
            Some(ModuleEntry { name: key[PREFIX.len()..].into(), hash, size })
        };
        records.filter_map(entry).collect()
    }

    /// The names of modules whose bytes are not here.
    #[must_use]
    pub fn missing_modules(&self) -> Vec<Box<str>> {
        let missing = |it: &ModuleEntry| !self.blobs.contains(&it.hash);
        self.modules().into_iter().filter(missing).map(|it| it.name).collect()
    }

    /// Active: a standby begins, perhaps before the state machine said to serve it.
    pub(crate) fn begun_early(&mut self, from: Instance, session: Session) {
        if session.instance == from {
            self.early = Some(session);
        }
    }

    /// Active: a standby begins.
    pub(crate) fn begun(&mut self, session: Session, out: &mut Vec<Output>) {
        if self.serving.as_mut().is_some_and(|it| std::mem::take(&mut it.begins)) {
            out.push(Output::Fact(Fact::PartnerBegan));
        }
        out.push(send(Message::Manifest { session, modules: self.modules() }));
    }

    /// Active: a standby wants bytes.
    pub(crate) fn module_wanted(&mut self, hash: ModuleHash, offset: u64, out: &mut Vec<Output>) {
        self.offer_moves(hash);
        let bytes_max = self.settings.limits.message_bytes_max;
        out.push(Output::ReadBlob { hash, offset, bytes_max });
    }

    /// Active: they were read.
    pub(crate) fn blob_read(
        &mut self,
        hash: ModuleHash,
        offset: u64,
        bytes: Bytes,
        last: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(session) = self.serving.as_ref().and_then(|it| it.session) else { return };
        out.push(send(Message::ModuleChunk { session, hash, offset, bytes, last }));
    }

    /// Standby: the active has these.
    pub(crate) fn manifest(&mut self, modules: Vec<ModuleEntry>, out: &mut Vec<Output>) {
        let blobs = &self.blobs;
        let now = self.now;
        let Some(syncing) = &mut self.syncing else { return };
        if syncing.stage != Stage::Modules || syncing.modules.known {
            return;
        }
        syncing.asked_at = now;
        let mut hashes = BTreeSet::new();
        let pull = &mut syncing.modules;
        pull.known = true;
        pull.missing = modules
            .into_iter()
            .filter(|it| !blobs.contains(&it.hash) && hashes.insert(it.hash))
            .collect();
        let sizes = pull.missing.iter().map(|it| it.size);
        pull.progress.total = sizes.fold(0, u64::saturating_add);
        pull.progress.bytes_total = pull.progress.total;
        self.pull_module(out);
    }

    /// Asks for what comes next, or says that all is here.
    pub(crate) fn pull_module(&mut self, out: &mut Vec<Output>) {
        let now = self.now;
        let Some(syncing) = &mut self.syncing else { return };
        let level = syncing.stage == Stage::Level;
        if !level && (syncing.stage != Stage::Modules || !syncing.modules.known) {
            return;
        }
        let pull = &mut syncing.modules;
        if pull.verifying || pull.writing {
            return;
        }
        if let Some(module) = pull.missing.front() {
            let (session, hash, offset) = (syncing.session, module.hash, pull.offset);
            syncing.asked_at = now;
            out.push(send(Message::ModuleWanted { session, hash, offset }));
            return;
        }
        if level {
            return;
        }
        syncing.stage = Stage::ModulesMatch;
        out.push(Output::Fact(Fact::ModulesMatch));
        self.go_on(out);
    }

    /// Standby: bytes came.
    pub(crate) fn module_chunk(
        &mut self,
        hash: ModuleHash,
        offset: u64,
        bytes: Bytes,
        last: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(syncing) = &mut self.syncing else { return };
        let pull = &mut syncing.modules;
        let Some(module) = pull.missing.front() else { return };
        if module.hash != hash || offset != pull.offset || pull.verifying || pull.writing {
            return;
        }
        let end = offset.saturating_add(bytes.len() as u64);
        let level = syncing.stage == Stage::Level;
        if (bytes.is_empty() && !last) || end > module.size || (last && end != module.size) {
            if level {
                self.decline_module(hash, out);
            } else {
                self.sync_failed(SyncFailure::ModuleUnavailable, out);
            }
            return;
        }
        pull.writing = true;
        pull.progress.bytes += bytes.len() as u64;
        pull.progress.done = pull.progress.bytes.min(pull.progress.total);
        if !level {
            out.push(Output::Progress(pull.progress));
        }
        out.push(Output::WriteBlob { hash, offset, bytes, last });
    }

    /// Standby: they are written.
    pub(crate) fn blob_written(&mut self, hash: ModuleHash, until: u64, out: &mut Vec<Output>) {
        let Some(syncing) = &mut self.syncing else { return };
        let pull = &mut syncing.modules;
        let Some(module) = pull.missing.front().filter(|it| it.hash == hash) else { return };
        pull.writing = false;
        pull.offset = until;
        pull.verifying = until >= module.size;
        self.pull_module(out);
    }

    /// A module is here, verified.
    pub(crate) fn blob_here(&mut self, hash: ModuleHash, out: &mut Vec<Output>) {
        self.blobs.insert(hash);
        let Some(syncing) = &mut self.syncing else { return };
        let wanted = syncing.modules.forget(hash);
        if wanted && syncing.stage == Stage::Level {
            let session = syncing.session;
            out.push(send(Message::ModuleTaken { session, hash, here: true }));
        }
        self.pull_module(out);
        self.check_caught_up(out);
    }

    /// A module does not have its hash, or is gone.
    pub(crate) fn blob_lost(&mut self, hash: ModuleHash, out: &mut Vec<Output>) {
        self.blobs.remove(&hash);
        let level = self.syncing.as_ref().is_some_and(|it| it.stage == Stage::Level);
        if level && let Some(module) = self.modules().into_iter().find(|it| it.hash == hash) {
            out.push(Output::Fact(Fact::Gap(Gap::Module { name: module.name })));
            return;
        }
        let Some(syncing) = &mut self.syncing else { return };
        let pull = &mut syncing.modules;
        if pull.missing.front().is_some_and(|it| it.hash == hash) {
            (pull.offset, pull.verifying, pull.writing) = (0, false, false);
            pull.tries += 1;
            if pull.tries >= TRIES_MAX {
                if level {
                    self.decline_module(hash, out);
                } else {
                    self.sync_failed(SyncFailure::ModuleUnavailable, out);
                }
                return;
            }
            self.pull_module(out);
        }
    }

    /// Removes what the active does not have. Only when its data is here: until then the old data,
    /// which may need them, is what this node would act with.
    pub(crate) fn remove_surplus_modules(&mut self, out: &mut Vec<Output>) {
        let wanted: BTreeSet<ModuleHash> = self.modules().into_iter().map(|it| it.hash).collect();
        let surplus: Vec<ModuleHash> = self.blobs.difference(&wanted).copied().collect();
        for hash in surplus {
            self.blobs.remove(&hash);
            out.push(Output::RemoveBlob { hash });
        }
    }
}

/// Whether a config record names a module.
pub(crate) fn is_module(kind: JournalKind, item: &str) -> bool {
    kind == JournalKind::Config && item.starts_with(PREFIX)
}

/// Reads `{"hash": "<64 hex digits>", "size": <number>}`; a prefix such as `blake3:` before the
/// digits is allowed. Other members are for others.
pub(crate) fn parse(value: &[u8]) -> Option<(ModuleHash, u64)> {
    let text = std::str::from_utf8(value).ok()?;
    let member = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.trim_start().strip_prefix(':').map(str::trim_start)
    };
    let quoted = member("\"hash\"")?.strip_prefix('"')?.split('"').next()?;
    let digits = quoted.rsplit(':').next()?.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    let size: String = member("\"size\"")?.chars().take_while(char::is_ascii_digit).collect();
    Some((hash, size.parse().ok()?))
}
