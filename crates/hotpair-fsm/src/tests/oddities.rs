//! What can go wrong on one host by itself.
use super::world::World;
use crate::{Event, Policy, Pulse, SyncFailure};
use hotpair_types::RecoveryMode;

/// What else can go wrong on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Odd {
    StorageFails,
    NetworkFails,
    ModuleMissing,
    SettingsDiffer,
    Gap,
    SyncFails,
    NotSent,
    /// Data is not acknowledged while beats are.
    DataLate,
    RedundancySilent,
    GuardLost,
    /// The partner's beats say that it hears us nowhere.
    OneWay,
    /// A person changes the settings while it runs.
    Automatic,
}

impl Odd {
    /// What goes wrong; a change of settings does not.
    pub(super) const ALL: [Self; 11] = [
        Self::StorageFails,
        Self::NetworkFails,
        Self::ModuleMissing,
        Self::SettingsDiffer,
        Self::Gap,
        Self::SyncFails,
        Self::NotSent,
        Self::DataLate,
        Self::RedundancySilent,
        Self::GuardLost,
        Self::OneWay,
    ];
}

impl World {
    pub(super) fn go_odd(&mut self, host: usize, odd: Odd) {
        let event = match odd {
            Odd::StorageFails => {
                // What was being stored is an unknown outcome: here, lost.
                if let Some(live) = &mut self.hosts[host].live {
                    live.storing.clear();
                }
                Event::StorageFailed
            }
            Odd::NetworkFails => Event::Network { up: false },
            Odd::ModuleMissing => Event::ModuleMissing(true),
            Odd::SettingsDiffer => Event::SettingsDiffer(Some("pair.mode".into())),
            Odd::Gap => Event::Gap,
            Odd::SyncFails => Event::SyncFailed(SyncFailure::Broken),
            Odd::NotSent => Event::NotSentToUs,
            Odd::DataLate => Event::Unacknowledged(true),
            Odd::GuardLost => Event::GuardLost,
            Odd::RedundancySilent => {
                return self.see(host, |it| it.channels.redundancy = Pulse::Silent);
            }
            Odd::OneWay => return self.see(host, |it| it.one_way = true),
            Odd::Automatic => {
                let live = self.hosts[host].live.as_ref().expect("only who runs is told");
                let policy = live.machine.settings().policy();
                Event::Policy(Policy { recovery: RecoveryMode::Automatic, ..policy })
            }
        };
        self.give(host, event);
    }

    /// All that went wrong on a host is mended.
    pub(super) fn mend(&mut self, host: usize) {
        self.give(host, Event::StorageSound);
        self.give(host, Event::Network { up: true });
        self.give(host, Event::ModuleMissing(false));
        self.give(host, Event::SettingsDiffer(None));
        self.give(host, Event::Unacknowledged(false));
        self.see(host, |it| it.one_way = false);
    }
}
