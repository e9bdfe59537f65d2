//! `hotpair init`: the first host of a pair. All of it is written, or nothing.

use super::arguments::{InitArguments, Place};
use super::terminal::clean;
use super::{Context, Exit, Failure};
use crate::settings::{Settings, template};
use hotpair_transport::{Identity, PinnedKey};
use hotpair_types::{Channel, Designation, NodeName};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where a packaged node keeps its data.
const DATA_DIR: &str = "/var/lib/hotpair";
/// Where a packaged node has its settings.
const SETTINGS_DIR: &str = "/etc/hotpair";
/// The key is for its owner alone, the settings may be read by a group.
const KEY_MODE: u32 = 0o600;
const SETTINGS_MODE: u32 = 0o640;

/// A partner, once it is known.
#[derive(Clone, Debug)]
pub(super) struct KnownPartner {
    pub(super) name: NodeName,
    pub(super) key: PinnedKey,
    pub(super) redundancy: SocketAddr,
    pub(super) primary: SocketAddr,
}

/// A node that is about to be made: nothing is written yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) place: Place,
    pub(super) designation: Designation,
    pub(super) identity: Identity,
}

/// A node of which all but the settings file is written.
#[derive(Debug)]
pub(super) struct Prepared {
    written: Written,
    data_dir: PathBuf,
}

/// What was written so far; taken back when it is dropped before the end.
#[derive(Debug, Default)]
struct Written {
    files: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
    whole: bool,
}

pub(super) fn init(cx: &Context, arguments: &InitArguments) -> Result<Exit, Failure> {
    let designation = if arguments.master { Designation::Master } else { Designation::Backup };
    let draft = Draft::new(arguments.place.clone(), designation)?;
    let file = draft.write(None)?;
    let key = draft.identity.key().to_string();
    if cx.screen.json {
        cx.screen.json(&serde_json::json!({
            "settings": file, "key": key, "data_dir": draft.data_dir(),
        }));
        return Ok(Exit::Done);
    }
    let shown = shown(&file);
    cx.screen.line(&format!("{} is made: {shown}", draft.place.name));
    cx.screen.line(&format!("  key  {key}"));
    cx.screen.line(&format!("  data {}", self::shown(&draft.data_dir())));
    if let Some(text) = foreign_addresses(&draft.place) {
        cx.screen.note(&cx.screen.yellow(&format!("note: {text} now")));
    }
    cx.screen.line("Next, here:");
    let settings = if file == Path::new(super::target::DEFAULT_SETTINGS) {
        String::new()
    } else {
        format!(" -c {shown}")
    };
    cx.screen.line(&format!("  hotpair invite{settings}"));
    Ok(Exit::Done)
}

/// What is said of addresses that no interface of this host has now.
pub(super) fn foreign_addresses(place: &Place) -> Option<String> {
    let foreign = place.addresses().into_iter().find(|(_, address)| {
        let bound = std::net::UdpSocket::bind(SocketAddr::new(address.ip(), 0));
        bound.is_err_and(|it| it.kind() == std::io::ErrorKind::AddrNotAvailable)
    })?;
    let (channel, address) = foreign;
    Some(format!("--{channel} {address}: no interface of this host has {}", address.ip()))
}

pub(super) fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), 300)
}

impl Draft {
    /// Looks whether it can be made, and makes a key in memory.
    pub(super) fn new(place: Place, designation: Designation) -> Result<Self, Failure> {
        for (channel, address) in place.addresses() {
            if address.port() == 0 || address.ip().is_unspecified() {
                let text = format!(
                    "--{channel} {address}: the partner needs an address and port it can reach"
                );
                return Err(Failure::WrongUse(text));
            }
        }
        if place.redundancy == place.primary {
            let text = "the two channels have different addresses, best on different networks";
            return Err(Failure::WrongUse(text.to_owned()));
        }
        let identity = Identity::generate().map_err(|it| Failure::Failed(it.to_string()))?;
        let draft = Self { place, designation, identity };
        draft.refuse_overwriting()?;
        Ok(draft)
    }

    pub(super) fn settings_file(&self) -> PathBuf {
        self.place.dir.join("node.toml")
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        match &self.place.data_dir {
            Some(dir) => dir.clone(),
            None if self.place.dir == Path::new(SETTINGS_DIR) => PathBuf::from(DATA_DIR),
            None => self.place.dir.join("data"),
        }
    }

    fn refuse_overwriting(&self) -> Result<(), Failure> {
        let file = self.settings_file();
        if file.exists() {
            let text = format!("{} is there already; nothing was changed", shown(&file));
            return Err(Failure::Failed(text));
        }
        let dir = self.data_dir();
        if std::fs::read_dir(&dir).is_ok_and(|mut it| it.next().is_some()) {
            let text = format!("{} is not empty; nothing was changed", shown(&dir));
            return Err(Failure::Failed(text));
        }
        Ok(())
    }

    /// Writes key, data directory and settings; gives the settings file.
    pub(super) fn write(&self, partner: Option<&KnownPartner>) -> Result<PathBuf, Failure> {
        self.prepare()?.finish(self, partner)
    }

    /// Writes all but the settings file. Taken back when the rest does not follow.
    pub(super) fn prepare(&self) -> Result<Prepared, Failure> {
        self.refuse_overwriting()?;
        let mut written = Written::default();
        let data_dir = std::path::absolute(self.data_dir()).map_err(wrong(&self.data_dir()))?;
        written.dir(&self.place.dir, 0o755).map_err(wrong(&self.place.dir))?;
        written.dir(&data_dir, 0o700).map_err(wrong(&data_dir))?;
        let key = data_dir.join("node.key");
        written.file(&key, self.identity.to_pem().as_bytes(), KEY_MODE).map_err(wrong(&key))?;
        Ok(Prepared { written, data_dir })
    }

    fn text(&self, data_dir: &Path, partner: Option<&KnownPartner>) -> String {
        let place = &self.place;
        let mut values: Vec<(&str, String)> = vec![
            ("node.name", place.name.to_string()),
            ("node.designation", self.designation.to_string()),
            ("node.data_dir", data_dir.to_string_lossy().into_owned()),
            ("channels.redundancy.listen", place.redundancy.to_string()),
            ("channels.primary.listen", place.primary.to_string()),
            ("api.listen", place.listen.to_string()),
        ];
        if let Some(partner) = partner {
            values.extend([
                ("partner.name", partner.name.to_string()),
                ("partner.key", partner.key.to_string()),
                ("channels.redundancy.partner", partner.redundancy.to_string()),
                ("channels.primary.partner", partner.primary.to_string()),
            ]);
        }
        template(&values)
    }
}

fn wrong(path: &Path) -> impl FnOnce(std::io::Error) -> Failure + use<> {
    let path = shown(path);
    move |error| Failure::Failed(format!("cannot write {path}: {error}; nothing was changed"))
}

impl Prepared {
    /// Writes the settings file, and gives it.
    pub(super) fn finish(
        mut self,
        draft: &Draft,
        partner: Option<&KnownPartner>,
    ) -> Result<PathBuf, Failure> {
        let file = std::path::absolute(draft.settings_file()).map_err(wrong(&draft.place.dir))?;
        let text = draft.text(&self.data_dir, partner);
        if partner.is_some() {
            // What is written must be what can be read.
            Settings::parse(&shown(&file), &text).map_err(Failure::Settings)?;
        }
        self.written.file(&file, text.as_bytes(), SETTINGS_MODE).map_err(wrong(&file))?;
        self.written.whole = true;
        Ok(file)
    }
}

impl Place {
    pub(super) const fn addresses(&self) -> [(Channel, SocketAddr); 2] {
        [(Channel::Redundancy, self.redundancy), (Channel::Primary, self.primary)]
    }
}

impl Written {
    /// Makes a directory and those above it.
    fn dir(&mut self, dir: &Path, mode: u32) -> std::io::Result<()> {
        let mut missing = Vec::new();
        let mut at = Some(dir);
        while let Some(path) = at.filter(|it| !it.as_os_str().is_empty() && !it.exists()) {
            missing.push(path.to_owned());
            at = path.parent();
        }
        for (left, path) in missing.iter().enumerate().rev() {
            let mode = if left == 0 { mode } else { 0o755 };
            std::fs::DirBuilder::new().mode(mode).create(path)?;
            self.dirs.push(path.clone());
        }
        Ok(())
    }

    /// Writes a file that is not there yet, whole or not at all.
    fn file(&mut self, path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
        let draft = path.with_extension("new");
        let _absent = std::fs::remove_file(&draft);
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        self.files.push(draft.clone());
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link does not overwrite, where a rename would.
        std::fs::hard_link(&draft, path)?;
        self.files.push(path.to_owned());
        std::fs::remove_file(&draft)?;
        let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
        std::fs::File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if self.whole {
            return;
        }
        for file in self.files.iter().rev() {
            let _gone = std::fs::remove_file(file);
        }
        for dir in self.dirs.iter().rev() {
            let _kept_when_not_empty = std::fs::remove_dir(dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::load_unpaired;

    fn place(dir: &Path) -> Place {
        Place {
            name: NodeName::new("gw-a").unwrap(),
            redundancy: "10.10.0.1:4750".parse().unwrap(),
            primary: "192.168.1.11:4750".parse().unwrap(),
            dir: dir.to_owned(),
            data_dir: None,
            listen: "127.0.0.1:8650".parse().unwrap(),
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_node_has_a_key_for_its_owner_alone_and_settings_that_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("deep/er");
        let draft = Draft::new(place(&dir), Designation::Master).unwrap();
        let file = draft.write(None).unwrap();
        assert_eq!(mode(&file), 0o640);
        assert_eq!(mode(&dir.join("data/node.key")), 0o600);
        assert_eq!(mode(&dir.join("data")), 0o700);
        let unpaired = load_unpaired(&file).unwrap();
        assert_eq!(unpaired.node.name.as_str(), "gw-a");
        assert_eq!(unpaired.listen.primary, "192.168.1.11:4750".parse().unwrap());
        let kept = Identity::load(&dir.join("data/node.key")).unwrap();
        assert_eq!(kept.key(), draft.identity.key());
    }

    #[test]
    fn with_a_partner_the_settings_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft::new(place(dir.path()), Designation::Backup).unwrap();
        let partner = KnownPartner {
            name: NodeName::new("gw-b").unwrap(),
            key: Identity::generate().unwrap().key(),
            redundancy: "10.10.0.2:4750".parse().unwrap(),
            primary: "192.168.1.12:4750".parse().unwrap(),
        };
        let file = draft.write(Some(&partner)).unwrap();
        let settings = crate::settings::load(&file).unwrap();
        assert_eq!(settings.partner.key, partner.key);
        assert_eq!(settings.channels.redundancy.partner, partner.redundancy);
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let make = || Draft::new(place(dir.path()), Designation::Master);
        let draft = make().unwrap();
        let late = make().unwrap();
        let file = draft.write(None).unwrap();
        let before = std::fs::read(&file).unwrap();
        assert!(make().is_err());
        assert!(late.write(None).is_err());
        std::fs::remove_file(&file).unwrap();
        // The key alone is there: still somebody's node.
        assert!(make().is_err());
        assert!(!file.exists());
        assert!(before.starts_with(b"# "));
    }

    #[test]
    fn what_cannot_be_finished_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("etc");
        let mut place = place(&at);
        // A file where the data directory's parent should be.
        std::fs::write(dir.path().join("blocked"), "").unwrap();
        place.data_dir = Some(dir.path().join("blocked/data"));
        let draft = Draft::new(place, Designation::Master).unwrap();
        assert!(draft.write(None).is_err());
        assert!(!at.exists());
    }
}
