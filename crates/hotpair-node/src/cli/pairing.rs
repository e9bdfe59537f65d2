//! `hotpair invite` and `hotpair join`: two hosts learn to trust each other.

use super::arguments::{InviteArguments, JoinArguments};
use super::init::{Draft, KnownPartner, foreign_addresses, shown};
use super::terminal::clean;
use super::{Context, Exit, Failure, run, target};
use crate::run_file::RunFile;
use crate::settings::{self, Settings};
use hotpair_transport::Identity;
use hotpair_transport::pairing::{self, Invitation, Paired, PairingError, Party, Token};
use hotpair_types::{Designation, PerChannel};
use serde_json::json;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest token file that is read.
const TOKEN_BYTES_MAX: usize = 4096;
/// How long `join --token-file` waits for the file, without `--wait`.
const TOKEN_FILE_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Between two looks for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

pub(super) async fn invite(cx: &Context, arguments: &InviteArguments) -> Result<Exit, Failure> {
    let file = target::settings_file(&cx.global);
    let node = settings::load_unpaired(&file).map_err(run::refused)?;
    let text = settings::read_file(&file).map_err(run::refused)?;
    if let Some(partner) = partner_of(&text)
        && !arguments.replace
    {
        let partner = clean(&partner, 40);
        return Err(Failure::Failed(format!(
            "{} has a partner already, {partner}; --replace puts a new host in its place",
            node.node.name
        )));
    }
    let identity = Identity::load(&node.node.data_dir.join("node.key"));
    let identity = identity.map_err(|it| Failure::Failed(it.to_string()))?;
    let party = Party { identity, name: node.node.name.clone(), channels: node.listen };
    let invitation = Invitation::open(party, arguments.valid).map_err(failed)?;
    let token = invitation.token().to_string();
    if let Some(token_file) = &arguments.token_file {
        write_secret(token_file, &token)
            .map_err(|it| Failure::Failed(format!("cannot write {}: {it}", shown(token_file))))?;
    }
    announce(cx, arguments, &token, node.node.designation);
    let paired = tokio::select! {
        paired = invitation.wait() => paired.map_err(failed),
        _ = tokio::signal::ctrl_c() => Err(Failure::Failed("the invitation was taken back".to_owned())),
    };
    if let Some(token_file) = &arguments.token_file {
        // It is of no use any more.
        let _gone = std::fs::remove_file(token_file);
    }
    let paired = paired?;
    pin(&file, &paired)?;
    let running = RunFile::read(&node.node.data_dir).is_ok();
    report(cx, &paired, &file, running);
    Ok(Exit::Done)
}

fn failed(error: PairingError) -> Failure {
    let cause = std::error::Error::source(&error).map_or(String::new(), |it| format!(": {it}"));
    let text = clean(&format!("{error}{cause}"), 400);
    match error {
        PairingError::Unreachable { .. } => Failure::NotReachable(text),
        PairingError::Refused(_) => Failure::Answered {
            exit: Exit::Refused,
            text,
            id: "pairing-refused".to_owned(),
            reasons: Vec::new(),
            active: None,
        },
        PairingError::Listen(..)
        | PairingError::Tls(_)
        | PairingError::Randomness
        | PairingError::Expired
        | PairingError::TooManyTries(_)
        | PairingError::Protocol(_) => Failure::Failed(text),
    }
}

/// The name of the partner that the settings have, if any.
fn partner_of(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    let partner = table.get("partner")?;
    Some(partner.get("name").and_then(toml::Value::as_str).unwrap_or("(without a name)").to_owned())
}

fn announce(cx: &Context, arguments: &InviteArguments, token: &str, own: Designation) {
    if cx.screen.json {
        cx.screen.json(&json!({ "token": token, "valid_s": arguments.valid.as_secs() }));
        return;
    }
    let valid = settings::duration_text(arguments.valid);
    let master = if own == Designation::Backup { " --master" } else { "" };
    let place = format!("--name NAME --redundancy IP:PORT --primary IP:PORT{master}");
    match &arguments.token_file {
        Some(file) => {
            cx.screen.line(&format!(
                "Waiting {valid} for the other host; the token is in {}",
                shown(file)
            ));
        }
        None => {
            cx.screen.line(&format!(
                "On the other host, within {valid} (whoever has this token can join):"
            ));
            cx.screen.line("");
            cx.screen.line(&format!("  hotpair join {token} {place}"));
            cx.screen.line("");
        }
    }
}

/// Writes the partner into the settings: all of it, or nothing.
fn pin(file: &Path, paired: &Paired) -> Result<(), Failure> {
    let text = settings::read_file(file).map_err(run::refused)?;
    let values = [
        ("partner", "name", paired.name.to_string()),
        ("partner", "key", paired.key.to_string()),
        ("channels.redundancy", "partner", paired.channels.redundancy.to_string()),
        ("channels.primary", "partner", paired.channels.primary.to_string()),
    ];
    let mut new = text;
    for (section, key, value) in values {
        new = settings::set_value(&new, section, key, &value)
            .map_err(|it| Failure::Failed(format!("{}: {it}", shown(file))))?;
    }
    Settings::parse(&file.display().to_string(), &new).map_err(Failure::Settings)?;
    replace(file, &new).map_err(|it| Failure::Failed(format!("cannot write {}: {it}", shown(file))))
}

/// Replaces a file in one step and keeps its permissions.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = std::fs::canonicalize(file)?;
    let permissions = std::fs::metadata(&file)?.permissions();
    let draft = file.with_extension("new");
    let _absent = std::fs::remove_file(&draft);
    let write = || {
        let mut new = std::fs::OpenOptions::new();
        let mut new = new.write(true).create_new(true).mode(0o600).open(&draft)?;
        new.set_permissions(permissions)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        std::fs::rename(&draft, &file)?;
        file.parent().map_or(Ok(()), |it| std::fs::File::open(it)?.sync_all())
    };
    write().inspect_err(|_| {
        let _absent = std::fs::remove_file(&draft);
    })
}

/// Writes a file for its owner alone, seen by others whole or not at all.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension("new");
    let _absent = std::fs::remove_file(&draft);
    let mut new = std::fs::OpenOptions::new();
    let mut new = new.write(true).create_new(true).mode(0o600).open(&draft)?;
    new.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    new.write_all(text.as_bytes())?;
    new.write_all(b"\n")?;
    std::fs::rename(&draft, file)
}

pub(super) async fn join(cx: &Context, arguments: &JoinArguments) -> Result<Exit, Failure> {
    let designation = if arguments.master { Designation::Master } else { Designation::Backup };
    // What can be wrong on this host is found before the other one is asked, and before it waits.
    let draft = Draft::new(arguments.place.clone(), designation)?;
    // The partner would pin an address at which nobody ever answers.
    if let Some(text) = foreign_addresses(&arguments.place) {
        return Err(Failure::WrongUse(text));
    }
    let token = match (&arguments.token, &arguments.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => token_of(cx, file).await?,
        (None, None) => return Err(Failure::WrongUse("a token is needed".to_owned())),
    };
    let token: Token = token
        .trim()
        .parse()
        .map_err(|it: pairing::TokenError| Failure::WrongUse(it.to_string()))?;
    let prepared = draft.prepare()?;
    let place = &arguments.place;
    let party = Party {
        identity: draft.identity.clone(),
        name: place.name.clone(),
        channels: PerChannel { redundancy: place.redundancy, primary: place.primary },
    };
    let paired = pairing::join(&party, &token).await.map_err(failed)?;
    let partner = KnownPartner {
        name: paired.name.clone(),
        key: paired.key,
        redundancy: paired.channels.redundancy,
        primary: paired.channels.primary,
    };
    let file = prepared.finish(&draft, Some(&partner))?;
    report(cx, &paired, &file, false);
    Ok(Exit::Done)
}

/// The token in a file that `invite` is yet to write.
async fn token_of(cx: &Context, file: &Path) -> Result<String, Failure> {
    let begun = Instant::now();
    let patience = cx.global.wait.unwrap_or(TOKEN_FILE_PATIENCE);
    loop {
        match std::fs::read_to_string(file) {
            Ok(text) if text.len() > TOKEN_BYTES_MAX => {
                return Err(Failure::WrongUse(format!("{} is too long for a token", shown(file))));
            }
            Ok(text) => return Ok(text),
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && begun.elapsed() < patience =>
            {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
            Err(error) => {
                return Err(Failure::Failed(format!("cannot read {}: {error}", shown(file))));
            }
        }
    }
}

fn report(cx: &Context, paired: &Paired, file: &Path, running: bool) {
    if cx.screen.json {
        cx.screen.json(&json!({"paired": {
            "name": paired.name.to_string(), "key": paired.key.to_string(),
            "redundancy": paired.channels.redundancy, "primary": paired.channels.primary,
        }, "settings": file, "needs_restart": running}));
        return;
    }
    cx.screen.line(&format!("Paired with {}", paired.name));
    cx.screen.line(&format!("  key         {}", paired.key));
    cx.screen.line(&format!("  redundancy  {}", paired.channels.redundancy));
    cx.screen.line(&format!("  primary     {}", paired.channels.primary));
    let file = shown(file);
    cx.screen.line(&if running {
        "This node runs: restart it, so that it talks to its new partner.".to_owned()
    } else {
        format!("Next, here: hotpair run -c {file}")
    });
}
