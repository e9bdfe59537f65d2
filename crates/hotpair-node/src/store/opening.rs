//! Opens the store of one engine, setting damaged files aside until it opens, and says what the
//! node may still believe of itself then.
use super::{KeptChange, OpenError, OpenedEngine, role, suspect, translation};
use crate::settings::EngineSettings;
use hotpair_fsm as fsm;
use hotpair_replication as replication;
use hotpair_storage as storage;
use hotpair_types::{Instance, JournalKind, NodeTime};
use storage::{
    DataDirectory, EngineStore, FileOrigin, LastFailure, OpenReport, StorageFault, StoreFile,
};

/// Bytes of each journal's entries that are loaded to memory; older ones are read when needed.
const ENTRIES_BYTES_MAX: u64 = 16 << 20;
/// Changes of role that are shown after a start.
const CHANGES_MAX: u64 = 1_000;
/// Each file once, and once more.
const TRIES_MAX: usize = 4;

/// The local table with what the node itself keeps of an engine.
pub(super) const NODE_TABLE: &str = "node";
/// The key in it that says that a person stopped the engine here.
pub(super) const UNDEPLOYED_KEY: &str = "undeployed";

/// What was opened of one engine.
pub(super) struct Opened {
    pub(super) store: EngineStore,
    pub(super) engine: OpenedEngine,
}

pub(super) fn open(
    data: &DataDirectory,
    settings: &EngineSettings,
    instance: Instance,
    modules: &[replication::ModuleHash],
    options: storage::Options,
    now: NodeTime,
) -> Result<Opened, OpenError> {
    let name = &settings.name;
    let mut remarks = Vec::new();
    let words = |error: &dyn std::fmt::Display| OpenError(error.to_string());
    let last_failure = data.last_failure(name).map_err(|error| words(&error))?;
    if suspect::is_marked(data.path(), name) && last_failure == Some(LastFailure::DiskFull) {
        // A full disk damages nothing, and has no room for a second copy.
        suspect::clear(data.path(), name).map_err(|error| words(&error))?;
    }
    if suspect::is_marked(data.path(), name) {
        let moved = storage::set_aside(data, name, StoreFile::Replicated, now);
        let moved = moved.map_err(|error| words(&error))?;
        suspect::clear(data.path(), name).map_err(|error| words(&error))?;
        remarks.push("a commit failed in the last process: what its file holds is unknown".into());
        remarks.extend(moved.map(|to| format!("it was set aside as {}", to.display())));
    }
    for _ in 0..TRIES_MAX {
        let broken = match try_open(data, settings, instance, modules, options) {
            Ok(mut opened) => {
                opened.engine.remarks.splice(0..0, remarks);
                return Ok(opened);
            }
            Err(error) => error,
        };
        let Some(which) = broken.to_set_aside() else {
            return Err(OpenError(broken.to_string()));
        };
        remarks.push(broken.to_string());
        let moved = storage::set_aside(data, name, which, now)
            .map_err(|error| OpenError(format!("{broken}; and it cannot be set aside: {error}")))?;
        remarks.push(match moved {
            Some(to) => format!("it was set aside as {}", to.display()),
            None => format!("{which} was made anew"),
        });
    }
    Err(OpenError(format!("engine {name}: cannot be opened: {}", remarks.join("; "))))
}

fn try_open(
    data: &DataDirectory,
    settings: &EngineSettings,
    instance: Instance,
    modules: &[replication::ModuleHash],
    options: storage::Options,
) -> Result<Opened, storage::OpenError> {
    let name = &settings.name;
    let (store, report) = EngineStore::open(data, name, options)?;
    let reader = store.reader();
    let loaded = reader.load(ENTRIES_BYTES_MAX)?;
    let changes = reader.role_changes(CHANGES_MAX)?;
    let undeployed = reader.local_value(NODE_TABLE, UNDEPLOYED_KEY)?.is_some();
    let history = store.history();
    let mut remarks = Vec::new();
    if !report.stopped_cleanly {
        remarks.push("the last process did not close its files; they were verified".to_owned());
    }
    match report.after_failure {
        Some(LastFailure::DiskError) => {
            remarks.push("after a disk error the files were verified from the disk".to_owned());
        }
        Some(LastFailure::DiskFull) => remarks.push("the disk was full".to_owned()),
        None => {}
    }
    if report.went_back {
        remarks.push(
            "the newest commit of the data does not verify, as after a power cut in the middle of \
             it; the one before was taken"
                .to_owned(),
        );
    }
    let record = match &loaded.role {
        Some(bytes) => role::decode(bytes).ok_or_else(|| unreadable(data, settings))?,
        None => fsm::Record::default(),
    };
    let record = believe(record, loaded.role.is_some(), &history, report, &mut remarks);
    let data = replication::Boot {
        designation: settings.designation,
        instance,
        config: translation::journal_back(JournalKind::Config, loaded.config),
        runtime: translation::journal_back(JournalKind::Runtime, loaded.runtime),
        divergence: translation::divergences_back(loaded.divergence),
        modules: modules.to_vec(),
    };
    let change =
        |it: storage::RoleChange| KeptChange { at: it.at, instance: it.instance, change: it };
    let engine = OpenedEngine {
        name: name.clone(),
        record,
        data,
        undeployed,
        remarks,
        changes: changes.into_iter().map(change).collect(),
    };
    Ok(Opened { store, engine })
}

/// What of its record a node may still believe, given what is left of its files
/// (docs/design/states.md, S5, S7, S10).
fn believe(
    mut record: fsm::Record,
    has_record: bool,
    history: &hotpair_types::History,
    report: OpenReport,
    remarks: &mut Vec<String>,
) -> fsm::Record {
    let positions = history.positions();
    let newest = positions.config.epoch.max(positions.runtime.epoch);
    if newest > record.epoch {
        // An epoch is durable before anything is written under it: the record was lost, or is
        // older than the data.
        record.epoch = newest;
    }
    let lost_record = !has_record && (!history.is_empty() || report.local == FileOrigin::Replaced);
    let lost_data = report.replicated == FileOrigin::Replaced;
    if lost_record || lost_data {
        // It does not know what it promised, or does not have what it promised to have.
        record.marks.in_sync = false;
        record.marks.sole = None;
        record.marks.stale = true;
        remarks.push(
            "data of this node was lost: it does not become active by itself before it is level \
             with its partner, or a person promotes it"
                .to_owned(),
        );
    }
    record
}

fn unreadable(data: &DataDirectory, settings: &EngineSettings) -> storage::OpenError {
    storage::OpenError::Fault(StorageFault::Damaged(storage::Damaged {
        file: data.engine_file(&settings.name, StoreFile::Local),
        which: StoreFile::Local,
        table: None,
        key: Some("role".to_owned()),
        found: "the record of the state machine is of another version".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_types::{Epoch, History, JournalHistory, Marks, Position};

    fn history(number: u64) -> History {
        let mut config = JournalHistory::default();
        config.note(Position { epoch: Epoch { number, tag: 1 }, sequence: 1 });
        History { config, runtime: JournalHistory::default() }
    }

    fn report(replicated: FileOrigin, local: FileOrigin) -> OpenReport {
        OpenReport {
            replicated,
            local,
            stopped_cleanly: true,
            went_back: false,
            after_failure: None,
        }
    }

    const OPENED: OpenReport = OpenReport {
        replicated: FileOrigin::Opened,
        local: FileOrigin::Opened,
        stopped_cleanly: true,
        went_back: false,
        after_failure: None,
    };

    fn in_sync(number: u64) -> fsm::Record {
        let epoch = Epoch { number, tag: 1 };
        let marks = Marks { in_sync: true, sole: Some(epoch), ..Marks::default() };
        fsm::Record { epoch, marks, ..fsm::Record::default() }
    }

    #[test]
    fn a_whole_store_is_believed() {
        let record = believe(in_sync(4), true, &history(3), OPENED, &mut vec![]);
        assert_eq!(record, in_sync(4));
        let new = report(FileOrigin::Created, FileOrigin::Created);
        let record = believe(fsm::Record::default(), false, &History::default(), new, &mut vec![]);
        assert_eq!(record, fsm::Record::default());
    }

    #[test]
    fn a_node_that_lost_its_record_is_stale_and_does_not_use_an_epoch_again() {
        let replaced = report(FileOrigin::Opened, FileOrigin::Replaced);
        for report in [OPENED, replaced] {
            let mut remarks = vec![];
            let record = believe(fsm::Record::default(), false, &history(5), report, &mut remarks);
            assert_eq!(record.epoch.number, 5);
            assert!(record.marks.stale && !remarks.is_empty());
        }
    }

    #[test]
    fn a_node_that_lost_its_data_is_stale_whatever_it_was() {
        let report = report(FileOrigin::Replaced, FileOrigin::Opened);
        let record = believe(in_sync(4), true, &History::default(), report, &mut vec![]);
        assert_eq!(record.marks, Marks { stale: true, ..Marks::default() });
        assert_eq!(record.epoch, in_sync(4).epoch);
    }
}
