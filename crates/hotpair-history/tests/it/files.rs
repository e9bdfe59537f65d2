//! Parquet files: whole or not at all, each row once.
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use hotpair_history::{Sink, SinkError, SinkSettings, Value};
use tempfile::TempDir;

use crate::sample::{batch, committed};

const NAME: &str = "plant-1.boiler.e00000005.s000000000100-000000000199.parquet";

fn sink(directory: &Path) -> Sink {
    Sink::open(SinkSettings::parquet(directory.to_owned()))
}

fn names(directory: &Path) -> Vec<String> {
    let all = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = all.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_batch_is_a_file_and_a_second_time_it_is_known() {
    let directory = TempDir::new().unwrap();
    let mut sink = sink(directory.path());
    sink.check().await.unwrap();
    assert_eq!(names(directory.path()), [""; 0], "a check leaves nothing");
    assert_eq!(sink.commit(&batch(100, 199)).await.unwrap(), committed(100, 0));
    assert_eq!(names(directory.path()), [NAME]);
    assert_eq!(sink.commit(&batch(100, 199)).await.unwrap(), committed(0, 100));
    // And so it is for the other node, which begins anew.
    let mut other = self::sink(directory.path());
    assert_eq!(other.commit(&batch(100, 199)).await.unwrap(), committed(0, 100));
    assert_eq!(names(directory.path()), [NAME]);
}

#[tokio::test]
async fn two_nodes_make_the_same_bytes() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for directory in [&one, &two] {
        sink(directory.path()).commit(&batch(100, 199)).await.unwrap();
    }
    let [left, right] = [one, two].map(|it| fs::read(it.path().join(NAME)).unwrap());
    assert_eq!(left, right);
}

#[tokio::test]
async fn an_overlap_doubles_nothing() {
    let directory = TempDir::new().unwrap();
    let mut sink = sink(directory.path());
    sink.commit(&batch(120, 129)).await.unwrap();
    sink.commit(&batch(140, 149)).await.unwrap();
    assert_eq!(sink.commit(&batch(100, 160)).await.unwrap(), committed(41, 20));
    let spans: Vec<_> = names(directory.path())
        .into_iter()
        .map(|it| it.trim_start_matches("plant-1.boiler.e00000005.s").replace(".parquet", ""))
        .collect();
    assert_eq!(
        spans,
        [
            "000000000100-000000000119",
            "000000000120-000000000129",
            "000000000130-000000000139",
            "000000000140-000000000149",
            "000000000150-000000000160"
        ]
    );
    assert_eq!(sink.commit(&batch(100, 160)).await.unwrap(), committed(0, 61));
}

#[tokio::test]
async fn other_contents_of_the_same_key_are_a_conflict_and_change_nothing() {
    let directory = TempDir::new().unwrap();
    let mut sink = sink(directory.path());
    sink.commit(&batch(100, 199)).await.unwrap();
    let before = fs::read(directory.path().join(NAME)).unwrap();
    let mut other = batch(100, 250);
    other.rows[54].value = Value::Float(0.0);
    let error = sink.commit(&other).await.unwrap_err();
    assert!(!error.is_temporary(), "{error}");
    let SinkError::Conflict { epoch, sequence, column, place, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((epoch, sequence, column.as_str()), (5, 154, "value"));
    assert!(place.ends_with(NAME), "{place}");
    assert_eq!(names(directory.path()), [NAME]);
    assert_eq!(fs::read(directory.path().join(NAME)).unwrap(), before);
}

#[tokio::test]
async fn rows_of_another_epoch_never_replace_a_file() {
    let directory = TempDir::new().unwrap();
    let mut sink = sink(directory.path());
    sink.commit(&batch(100, 199)).await.unwrap();
    let mut other = batch(100, 199);
    other.rows.iter_mut().for_each(|it| it.epoch = 4);
    let error = sink.commit(&other).await.unwrap_err();
    assert!(matches!(&error, SinkError::Conflict { column, .. } if column == "epoch"), "{error}");
    // Sealed in another term it is another history, and has its place.
    other.epoch = 6;
    assert_eq!(sink.commit(&other).await.unwrap(), committed(100, 0));
    assert_eq!(names(directory.path()).len(), 2);
}

#[tokio::test]
async fn what_a_crash_left_is_removed_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let leftover = format!(".hotpair-history.{NAME}.tmp");
    for name in [leftover.as_str(), "notes.tmp", "other.parquet"] {
        fs::write(directory.path().join(name), b"half").unwrap();
    }
    // The other node is at work on this one.
    let held = ".hotpair-history.held.parquet.tmp";
    let file = File::create(directory.path().join(held)).unwrap();
    file.lock().unwrap();
    sink(directory.path()).check().await.unwrap();
    assert_eq!(names(directory.path()), [held, "notes.tmp", "other.parquet"]);
}

#[tokio::test]
async fn what_another_process_writes_is_waited_for() {
    let directory = TempDir::new().unwrap();
    let mut sink = sink(directory.path());
    sink.check().await.unwrap();
    let path = directory.path().join(format!(".hotpair-history.{NAME}.tmp"));
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    let error = sink.commit(&batch(100, 199)).await.unwrap_err();
    assert!(matches!(&error, SinkError::Busy { .. }) && error.is_temporary(), "{error}");
    drop(file);
    // It died there: its file is a leftover.
    assert_eq!(sink.commit(&batch(100, 199)).await.unwrap(), committed(100, 0));
    assert_eq!(names(directory.path()), [NAME]);
}

#[tokio::test]
async fn a_directory_that_is_missing_is_not_made() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("mount/history");
    let error = sink(&path).commit(&batch(1, 2)).await.unwrap_err();
    assert!(matches!(&error, SinkError::DirectoryMissing { .. }), "{error}");
    assert!(!error.is_temporary() && error.to_string().contains("mount/history"), "{error}");
    assert_eq!(names(directory.path()), [""; 0]);
}

#[tokio::test]
async fn a_damaged_file_is_said_and_kept() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(NAME);
    let mut sink = sink(directory.path());
    sink.commit(&batch(100, 199)).await.unwrap();
    let whole = fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"PAR1 no, it is not PAR1"] {
        fs::write(&path, damaged).unwrap();
        let error = sink.commit(&batch(150, 220)).await.unwrap_err();
        assert!(matches!(&error, SinkError::Unreadable { .. }), "{error}");
        assert!(!error.is_temporary() && error.to_string().contains(NAME), "{error}");
        assert_eq!(names(directory.path()), [NAME]);
    }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_and_passes() {
    let directory = TempDir::new().unwrap();
    let Some(disk) = SmallDisk::mount(directory.path()) else {
        println!("SKIPPED: no small disk can be mounted here (root is needed)");
        return;
    };
    let mut sink = sink(directory.path());
    let wanted = batch(1, 20_000);
    let error = sink.commit(&wanted).await.unwrap_err();
    assert!(matches!(&error, SinkError::Full { .. }) && error.is_temporary(), "{error}");
    assert_eq!(names(directory.path()), [""; 0]);
    disk.grow();
    assert_eq!(sink.commit(&wanted).await.unwrap(), committed(20_000, 0));
}

/// A disk in memory of 8 KiB.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        let run = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
            .arg(path)
            .output();
        run.is_ok_and(|it| it.status.success()).then_some(Self(path))
    }

    fn grow(&self) {
        let run = Command::new("mount").args(["-o", "remount,size=16m"]).arg(self.0).status();
        assert!(run.unwrap().success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0).status().unwrap().success());
    }
}
