//! Makes room for a new file where a damaged one is: moves it, never deletes it, so that a person
//! can look at it and the node can copy anew from its partner (docs/design/states.md, S10).
use crate::Options;
use crate::directory::{DataDirectory, sync_directory};
use crate::engine_store::manner;
use crate::vault::{Ground, Vault};
use crate::{OpenError, StorageFault, StoreFile};
use hotpair_types::{EngineName, NodeTime};
use std::path::PathBuf;

/// Moves one file of an engine, or the node's, to `set-aside/<date>-<file>` beside it and makes an
/// empty one in its place, which says so until something is written to it. Also mends the absence
/// of a file, so it may be repeated after a crash. Says where the old file is, if there was one.
///
/// The other file stays: with a damaged `replicated.redb` the epochs and the divergence store are
/// still there. With a damaged `local.redb` the node does not know any more what it promised, and
/// the caller must take it for one that was rolled back.
///
/// # Errors
/// `OpenError` when the disk refuses.
pub fn set_aside(
    data: &DataDirectory,
    engine: &EngineName,
    which: StoreFile,
    now: NodeTime,
) -> Result<Option<PathBuf>, OpenError> {
    let (directory, of) = match which {
        StoreFile::Node => (data.path().to_path_buf(), "node".to_owned()),
        StoreFile::Local | StoreFile::Replicated => {
            (data.engine(engine), format!("engine {engine}"))
        }
    };
    let path = directory.join(which.file_name());
    let aside = directory.join("set-aside");
    let fault = |it: std::io::Error| StorageFault::io(&path, &it);
    std::fs::create_dir_all(&aside).map_err(fault)?;
    sync_directory(&directory)?;
    let mut moved = None;
    if path.try_exists().map_err(fault)? {
        let to = free_name(&aside, which, now).map_err(fault)?;
        std::fs::rename(&path, &to).map_err(fault)?;
        sync_directory(&aside)?;
        sync_directory(&directory)?;
        moved = Some(to);
    }
    let unfinished = path.with_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(fault(error).into());
        }
        Ok(()) | Err(_) => {}
    }
    let manner = manner(which, Options::default(), true);
    Vault::create(&unfinished, Ground::File, which, &of, true, manner)?.close()?;
    std::fs::rename(&unfinished, &path).map_err(fault)?;
    sync_directory(&directory)?;
    Ok(moved)
}

fn free_name(aside: &std::path::Path, which: StoreFile, now: NodeTime) -> std::io::Result<PathBuf> {
    let stamp = stamp(now);
    for count in 0_u32.. {
        let again = if count == 0 { String::new() } else { format!("-{count}") };
        let name = aside.join(format!("{stamp}{again}-{which}"));
        if !name.try_exists()? {
            return Ok(name);
        }
    }
    unreachable!("no directory holds 2^32 files")
}

/// `20261123T071800Z`, UTC.
fn stamp(now: NodeTime) -> String {
    let seconds = now.0 / 1_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date: the algorithm of Howard Hinnant, for dates after 1970.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_date_in_utc() {
        assert_eq!(stamp(NodeTime(0)), "19700101T000000Z");
        assert_eq!(stamp(NodeTime(951_782_399_000)), "20000228T235959Z");
        assert_eq!(stamp(NodeTime(951_782_400_000)), "20000229T000000Z");
        assert_eq!(stamp(NodeTime(1_795_418_280_000)), "20261123T071800Z");
    }
}
