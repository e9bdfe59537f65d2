//! Which node is asked: `--api`, else `HOTPAIR_API`, else the node of `-c`, else this host's.

use super::arguments::Global;
use super::ask::{Ask, Base};
use super::exit::Failure;
use super::trust::Tls;
use crate::run_file::RunFile;
use crate::settings;
use std::path::{Path, PathBuf};

/// Where a node serves that was installed with the defaults.
pub(super) const DEFAULT_API: &str = "http://127.0.0.1:8650";
/// Its settings.
pub(super) const DEFAULT_SETTINGS: &str = "/etc/hotpair/node.toml";
/// The longest token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The settings file that is meant when a command needs one.
pub(super) fn settings_file(global: &Global) -> PathBuf {
    global.settings.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_SETTINGS))
}

/// The way to the node that is meant.
pub(super) fn ask(global: &Global) -> Result<Ask, Failure> {
    let mut token_file = global.api_token_file.clone();
    let mut ca = global.api_ca.clone();
    let base = match (&global.api, &global.settings) {
        (Some(api), _) => api.clone(),
        (None, Some(file)) => {
            let settings = settings::load_unpaired(file).map_err(super::run::refused)?;
            token_file = token_file.or(settings.api.token_file);
            ca = ca.or_else(|| settings.api.tls.map(|it| it.cert));
            // With port 0 only the running node knows; without one, the settings are all there is.
            match RunFile::read(&settings.node.data_dir) {
                Ok(running) => running.api,
                Err(_) if settings.api.listen.port() == 0 => {
                    let text = format!("the node of {} is not running", file.display());
                    return Err(Failure::NotReachable(text));
                }
                Err(_) => {
                    let scheme = if ca.is_some() { "https" } else { "http" };
                    format!("{scheme}://{}", settings.api.listen)
                }
            }
        }
        (None, None) => DEFAULT_API.to_owned(),
    };
    let token = token_file.as_deref().map(token).transpose()?;
    let base = Base::parse(&base)?;
    let tls = base.https.then_some(Tls::trusting(ca));
    Ok(Ask::new(base, token, global.engine.clone(), tls))
}

/// The token in a file.
pub(super) fn token(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    let read =
        std::fs::File::open(file).and_then(|it| it.take(TOKEN_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| Failure::Failed(format!("cannot read {}: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}
