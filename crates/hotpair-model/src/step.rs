//! One step of a world: what time, a network, a disk, a third party, a person or a fault may do.
use crate::host::Todo;
use hotpair_fsm::{Command, Timer};

/// Host 0 is the master, 1 the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The clock of this host goes on by one tick: what is due happens and a beat leaves.
    Tick(usize),
    /// The beat of this host that is under way arrives.
    Deliver(usize),
    /// The disk of this host confirms the oldest record on its way.
    Stored(usize),
    /// Something that the driver was asked for is done.
    Done(usize, Todo),
    /// What the guard of this host says of its last process arrives.
    Notice(usize),
    /// The kernel of this host says that the sentinel to the partner broke.
    Hint(usize),
    /// The third party answers what the driver of this host asks: grant, renewal, or that it is there.
    Call(usize),
    /// What was ordered about going on alone is written there.
    Note(usize),
    /// The grant is given back there.
    GiveBack(usize),
    /// The lease of this host's grant ends there.
    LeaseEnds(usize),
    /// An entry is written here and answered.
    Write(usize),
    /// An entry is written here and waits for a standby that has not got it yet.
    WriteUnsent(usize),
    /// What was written at the partner arrives here.
    CatchUp(usize),
    /// The process of this host starts.
    Start(usize),
    /// It goes on after a standstill.
    Wake(usize),
    /// What failed on this host works again: its disk, its network, its modules, its settings.
    Mend(usize),
    /// The third party can be reached again from here.
    ArbiterBack(usize),
    /// All links are whole again.
    Heal,
    /// Something goes wrong, or a person asks for something, on this host.
    Fault(usize, Fault),
}

/// What costs one of a walk's faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The process dies; its guard says so.
    Kill,
    /// The host is gone with its guard.
    HostLost,
    /// Every channel is cut both ways.
    Cut,
    /// Every channel is cut from this host to the other.
    CutOneWay,
    /// The redundancy channel is cut both ways.
    CutRedundancy,
    /// The primary channel is cut both ways.
    CutPrimary,
    /// The redundancy channel is cut from this host to the other.
    CutRedundancyOneWay,
    /// The beat under way from this host is lost.
    Lose,
    /// Nothing becomes durable until it is mended.
    DiskSlow,
    /// A commit failed; what was under way is lost.
    DiskFails,
    /// The process stands still.
    Sleep,
    /// A firewall forges the end of the sentinel connection.
    FalseHint,
    /// The third party cannot be reached from here.
    ArbiterAway,
    /// It says that the grant is lost.
    GrantLost,
    /// The objects could not be prepared.
    PromotionFails,
    /// The required network of this host is down.
    NetworkDown,
    /// A module is missing.
    ModuleMissing,
    /// A setting differs.
    SettingsDiffer,
    /// An entry is missing here.
    Gap,
    /// The sync broke off.
    SyncFails,
    /// The active has a position that was not sent to us.
    NotSent,
    /// Data was not acknowledged for too long.
    DataLate,
    /// The guard is gone.
    GuardLost,
    /// A deadline comes at once (those that are farther away than a walk goes).
    Due(Timer),
    /// A person asks.
    Ask(Command),
}

impl Step {
    /// It costs one of a walk's faults.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(..))
    }
}
