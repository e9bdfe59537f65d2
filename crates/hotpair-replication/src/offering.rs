//! Modules that are deployed while a standby is level: their bytes go there before the record that
//! names them. A record that comes first would take the standby out of Ready until it has them.
use crate::replica::{Writes, sooner};
use crate::serving::send;
use crate::syncing::Stage;
use crate::{AckRule, Message, ModuleEntry, ModuleHash, Op, Output, Replica, Session, Write};
use crate::{WriteBody, modules};
use hotpair_types::{JournalKind, Time};
use std::collections::VecDeque;

/// Config writes that wait for module bytes; further ones do not wait.
const HELD_MAX: usize = 64;
/// Modules that a level standby fetches or has still to fetch; further ones it declines.
pub(crate) const OFFERS_MAX: usize = 64;

/// The active's side: writes that wait, in their order.
#[derive(Debug, Default)]
pub(crate) struct Offering {
    held: VecDeque<Held>,
}

/// A write whose modules the standby does not have yet.
#[derive(Debug)]
struct Held {
    write: Write,
    /// The attempt of the standby that was level.
    session: Session,
    /// What it has not taken.
    missing: Vec<ModuleEntry>,
    offered_at: Time,
    /// Since when nothing was asked for or taken.
    quiet_since: Time,
}

impl Replica {
    /// Active: takes a write that deploys modules which the level standby may not have, and offers
    /// them; gives every other one back.
    pub(crate) fn hold_for_modules(
        &mut self,
        write: Write,
        out: &mut Vec<Output>,
    ) -> Option<Write> {
        let session = self.level_session();
        let missing = self.modules_to_offer(&write);
        let full = self.offering.held.len() >= HELD_MAX;
        let Some(session) = session.filter(|_| !missing.is_empty() && !full) else {
            return Some(write);
        };
        let (offered_at, quiet_since) = (self.now, self.now);
        self.offering.held.push_back(Held { write, session, missing, offered_at, quiet_since });
        self.offer_again(out, |it| it.offered_at == offered_at);
        None
    }

    /// The attempt of a standby that is level, while writes are taken.
    fn level_session(&self) -> Option<Session> {
        let open = matches!(self.writes, Writes::Open(_)) && !self.storing.has_failed();
        let level = open && self.rule == AckRule::WithPartner;
        self.serving.as_ref().filter(|_| level)?.session
    }

    /// Modules in a write whose bytes are here and not yet in the manifest.
    fn modules_to_offer(&self, write: &Write) -> Vec<ModuleEntry> {
        let WriteBody::Config { ops, .. } = &write.body else { return Vec::new() };
        let entry = |op: &Op| match op {
            Op::Set { item, value } if modules::is_module(JournalKind::Config, &item.item) => {
                let (hash, size) = modules::parse(value)?;
                Some(ModuleEntry { name: item.item.clone(), hash, size })
            }
            Op::Set { .. } | Op::Remove { .. } | Op::ReplaceAll { .. } => None,
        };
        let mut new: Vec<ModuleEntry> = ops.iter().filter_map(entry).collect();
        if !new.is_empty() {
            // A level standby has what the manifest names.
            let known = self.modules();
            new.retain(|it| {
                self.blobs.contains(&it.hash) && known.iter().all(|one| one.hash != it.hash)
            });
        }
        new
    }

    /// Active: offers what held writes still miss.
    fn offer_again(&mut self, out: &mut Vec<Output>, which: impl Fn(&Held) -> bool) {
        for held in self.offering.held.iter_mut().filter(|it| which(it)) {
            held.offered_at = self.now;
            let session = held.session;
            let offer = |module: &ModuleEntry| {
                let (hash, size) = (module.hash, module.size);
                send(Message::ModuleOffered { session, hash, size })
            };
            out.extend(held.missing.iter().map(offer));
        }
    }

    /// Active: the standby fetches an offered module.
    pub(crate) fn offer_moves(&mut self, hash: ModuleHash) {
        for held in &mut self.offering.held {
            if held.missing.iter().any(|it| it.hash == hash) {
                held.quiet_since = self.now;
            }
        }
    }

    /// Active: the standby has an offered module, or cannot take it. Then the record goes all the
    /// same: what the standby does about that is what it does about every module it lacks.
    pub(crate) fn module_taken(&mut self, hash: ModuleHash, out: &mut Vec<Output>) {
        self.offer_moves(hash);
        for held in &mut self.offering.held {
            held.missing.retain(|it| it.hash != hash);
        }
        self.release_held(out);
    }

    /// Active: carries out the writes that need not wait any more, in their order.
    pub(crate) fn release_held(&mut self, out: &mut Vec<Output>) {
        let (session, patience) = (self.level_session(), self.settings.drop_after);
        while let Some(held) = self.offering.held.front() {
            let late = self.now.since(held.quiet_since) >= patience;
            if session == Some(held.session) && !held.missing.is_empty() && !late {
                return;
            }
            let Some(held) = self.offering.held.pop_front() else { return };
            self.write_now(held.write, out);
        }
    }

    /// A connection to the standby is there again, or an offer was not answered.
    pub(crate) fn tick_offering(&mut self, again: bool, out: &mut Vec<Output>) {
        self.release_held(out);
        let (now, resend_after) = (self.now, self.settings.resend_after);
        self.offer_again(out, |it| again || now.since(it.offered_at) >= resend_after);
    }

    pub(crate) fn offering_deadline(&self) -> Option<Time> {
        let held = &self.offering.held;
        let late = held.front().map(|it| it.quiet_since + self.settings.drop_after);
        let again = held.iter().map(|it| it.offered_at + self.settings.resend_after).min();
        sooner(late, again)
    }

    /// Standby: the active will name this module.
    pub(crate) fn module_offered(&mut self, hash: ModuleHash, size: u64, out: &mut Vec<Output>) {
        let here = self.blobs.contains(&hash);
        let Some(syncing) = &mut self.syncing else { return };
        let level = syncing.stage == Stage::Level;
        if here || !level || !syncing.modules.expect(hash, size) {
            let session = syncing.session;
            out.push(send(Message::ModuleTaken { session, hash, here }));
            return;
        }
        self.pull_module(out);
    }

    /// Standby: an offered module cannot be had now.
    pub(crate) fn decline_module(&mut self, hash: ModuleHash, out: &mut Vec<Output>) {
        let Some(syncing) = &mut self.syncing else { return };
        syncing.modules.forget(hash);
        let session = syncing.session;
        out.push(send(Message::ModuleTaken { session, hash, here: false }));
        self.pull_module(out);
    }
}
