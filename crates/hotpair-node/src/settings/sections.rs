//! Reads each section of the file into its type.

use super::reader::{Reader, short};
use super::{
    Api, ApiTls, Arbiter, ChannelSettings, Config, EngineSettings, Heartbeat, Hooks, Node, Pair,
    Partner, PinnedKey, Problems, Recovery, Settings, VirtualAddress, Writes, checks, history,
    services,
};
use hotpair_arbiter::{Etcd, EtcdSettings};
use hotpair_transport::KeyError;
use hotpair_types::{
    Ack, Channel, ConflictWinner, Designation, EngineName, Mode, NodeName, PerChannel,
    RecoveryMode, StartAlone, WritableOn,
};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
const MIB: u64 = 1 << 20;

/// What pairing adds to the settings; absent before.
const PAIRING: &str =
    "this node has no partner yet: `hotpair invite` here, then `hotpair join` on the other host";

pub(super) fn parse(file: &str, text: &str) -> Result<Settings, Problems> {
    let reader = Reader::new(file, text)?;
    let settings = read(&reader);
    if let Some(settings) = &settings {
        checks::check(settings, &reader);
    }
    reader.finish()?;
    Ok(settings.expect("a section that could not be read has noted a problem"))
}

fn read(reader: &Reader<'_>) -> Option<Settings> {
    // Every section is read before the first `?`, so that all problems are found.
    let node = node(reader);
    let partner = partner(reader);
    let heartbeat = heartbeat(reader);
    let beats = heartbeat.map_or(5, |it| it.max_missed);
    let channels = PerChannel::from_fn(|channel| self::channel(reader, channel, beats));
    let pair = pair(reader);
    let recovery = recovery(reader);
    let config = config(reader);
    let writes = writes(reader);
    let api = api(reader);
    let virtual_addresses = reader.list("virtual_addresses.addresses", virtual_address);
    let address_lease = reader.flag("virtual_addresses.lease");
    let arbiter = arbiter(reader);
    let hooks = hooks(reader);
    let engines = engines(reader, node.as_ref(), partner.as_ref());
    let services = services::read(reader, engines.as_deref());
    let history = history::read(reader);
    Some(Settings {
        node: node?,
        partner: partner?,
        channels: PerChannel { redundancy: channels.redundancy?, primary: channels.primary? },
        heartbeat: heartbeat?,
        pair: pair?,
        recovery: recovery?,
        config: config?,
        writes: writes?,
        api: api?,
        virtual_addresses: virtual_addresses?,
        address_lease: address_lease?,
        arbiter: arbiter?,
        hooks: hooks?,
        engines: engines?,
        services: services?,
        history: history?,
    })
}

pub(super) fn node(reader: &Reader<'_>) -> Option<Node> {
    let name = reader.required("node.name", name);
    let designation = reader.required("node.designation", |text| match text {
        "master" => Ok(Designation::Master),
        "backup" => Ok(Designation::Backup),
        _ => Err("not one of the choices".to_owned()),
    });
    let data_dir = reader.text_and("node.data_dir", absolute);
    Some(Node { name: name?, designation: designation?, data_dir: data_dir? })
}

fn partner(reader: &Reader<'_>) -> Option<Partner> {
    if !reader.has("partner") {
        reader.refuse("partner", "is missing".to_owned(), PAIRING);
        return None;
    }
    let name = reader.required("partner.name", name);
    let key = reader.required("partner.key", |text| {
        // What a key looks like stands in the help below it.
        let why = |error: KeyError| error.to_string().split(';').next().map(str::to_owned);
        text.parse::<PinnedKey>().map_err(|error| why(error).unwrap_or_default())
    });
    Some(Partner { name: name?, key: key? })
}

fn channel(reader: &Reader<'_>, channel: Channel, beats: u32) -> Option<ChannelSettings> {
    let path = |name: &str| format!("channels.{channel}.{name}");
    let listen = reader.required(&path("listen"), address);
    // Without a partner at all, its missing addresses are the same problem, told once.
    let partner = if !reader.has("partner") && !reader.has(&path("partner")) {
        None
    } else {
        reader.required(&path("partner"), address)
    };
    let own_beats = reader.count(&path("max_missed"), 1..=100);
    let required = reader.flag(&path("required"));
    let max_missed = if reader.has(&path("max_missed")) { own_beats? } else { beats };
    Some(ChannelSettings { listen: listen?, partner: partner?, max_missed, required: required? })
}

fn heartbeat(reader: &Reader<'_>) -> Option<Heartbeat> {
    let interval = reader.duration("heartbeat.interval", MS..=10 * SECOND);
    let max_missed = reader.count("heartbeat.max_missed", 1..=100);
    let verify_min = reader.duration("heartbeat.verify_min", MS..=10 * SECOND);
    Some(Heartbeat { interval: interval?, max_missed: max_missed?, verify_min: verify_min? })
}

macro_rules! choices {
    ($Type:ty) => {
        &<$Type>::ALL.iter().map(|it| (it.as_str(), *it)).collect::<Vec<_>>()
    };
}

fn pair(reader: &Reader<'_>) -> Option<Pair> {
    let mode = reader.choice("pair.mode", choices!(Mode));
    let startup_allowance = reader.duration("pair.startup_allowance", 100 * MS..=HOUR);
    let start_alone = reader.choice("pair.start_alone", choices!(StartAlone));
    let conflict_winner = reader.choice("pair.conflict_winner", choices!(ConflictWinner));
    let fence_after = reader.duration("pair.fence_after", 10 * MS..=10 * MINUTE);
    let promote_after = reader.duration("pair.promote_after", 10 * MS..=10 * MINUTE);
    let handover_timeout = reader.duration("pair.handover_timeout", 100 * MS..=10 * MINUTE);
    let drop_after = reader.duration("pair.drop_after", 100 * MS..=10 * MINUTE);
    let restart_on_standby = reader.flag("pair.restart_on_standby");
    if restart_on_standby == Some(false) {
        let what = "false is not possible in this release: objects are always made anew";
        reader.refuse("pair.restart_on_standby", what.to_owned(), "leave it out, or write true");
    }
    let mode = mode?;
    // "proven" is not a default of the other modes but their rule.
    let start_alone = match (reader.has("pair.start_alone"), mode) {
        (false, Mode::NoSplit | Mode::Manual | Mode::Arbiter) => StartAlone::Proven,
        (true, _) | (false, Mode::Availability) => start_alone?,
    };
    Some(Pair {
        mode,
        startup_allowance: startup_allowance?,
        start_alone,
        conflict_winner: conflict_winner?,
        fence_after: fence_after?,
        promote_after: promote_after?,
        handover_timeout: handover_timeout?,
        drop_after: drop_after?,
        restart_on_standby: restart_on_standby?,
    })
}

fn recovery(reader: &Reader<'_>) -> Option<Recovery> {
    let mode = reader.choice("recovery.mode", choices!(RecoveryMode));
    let hold = reader.duration("recovery.hold", Duration::ZERO..=24 * HOUR);
    let suspend_after = reader.count("recovery.suspend_after", 2..=1000);
    let suspend_window = reader.duration("recovery.suspend_window", SECOND..=24 * HOUR);
    Some(Recovery {
        mode: mode?,
        hold: hold?,
        suspend_after: suspend_after?,
        suspend_window: suspend_window?,
    })
}

fn config(reader: &Reader<'_>) -> Option<Config> {
    let writable_on = reader.choice("config.writable_on", choices!(WritableOn));
    let ack = reader.choice("config.ack", choices!(Ack));
    let journal_max = reader.size("config.journal_max", MIB..=MIB << 20);
    Some(Config { writable_on: writable_on?, ack: ack?, journal_max_bytes: journal_max? })
}

fn writes(reader: &Reader<'_>) -> Option<Writes> {
    let ack = reader.choice("writes.ack", choices!(Ack));
    let require_standby = reader.flag("writes.require_standby");
    let persist_interval = reader.duration("writes.persist_interval", MS..=MINUTE);
    let compare_interval = reader.duration("writes.compare_interval", SECOND..=24 * HOUR);
    let ring_max = reader.size("writes.ring_max", MIB..=64 * 1024 * MIB);
    let key_retention = reader.duration("writes.key_retention", SECOND..=24 * HOUR);
    Some(Writes {
        ack: ack?,
        require_standby: require_standby?,
        persist_interval: persist_interval?,
        compare_interval: compare_interval?,
        ring_max_bytes: ring_max?,
        key_retention: key_retention?,
    })
}

pub(super) fn api(reader: &Reader<'_>) -> Option<Api> {
    let listen = reader.text_and("api.listen", address);
    let advertise = reader.text_and("api.advertise", url);
    let file = |path: &str| reader.text_and(path, |text| Ok(PathBuf::from(text)));
    let cert = file("api.tls_cert");
    let key = file("api.tls_key");
    let token_file = file("api.token_file");
    if cert.is_some() != key.is_some() {
        let (given, wanted) =
            if cert.is_some() { ("api.tls_cert", "tls_key") } else { ("api.tls_key", "tls_cert") };
        reader.refuse(given, format!("`{wanted}` is missing beside it"), "TLS needs both files");
    }
    let tls = cert.zip(key).map(|(cert, key)| ApiTls { cert, key });
    let listen = listen?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let advertise = advertise.unwrap_or_else(|| format!("{scheme}://{listen}"));
    Some(Api { listen, advertise, tls, token_file })
}

fn arbiter(reader: &Reader<'_>) -> Option<Option<Arbiter>> {
    let etcd = reader.list("arbiter.etcd", etcd_address);
    let lease = reader.duration("arbiter.lease", 2 * SECOND..=10 * MINUTE);
    if !reader.has("arbiter.etcd") && !reader.has("arbiter.lease") {
        return Some(None);
    }
    Some(Some(Arbiter { etcd: etcd?, lease: lease? }))
}

fn hooks(reader: &Reader<'_>) -> Option<Hooks> {
    let on_active = reader.list("hooks.on_active", absolute);
    let on_standby = reader.list("hooks.on_standby", absolute);
    let notify = reader.list("hooks.notify", absolute);
    let time_limit = reader.duration("hooks.time_limit", SECOND..=10 * MINUTE);
    Some(Hooks {
        on_active: on_active?,
        on_standby: on_standby?,
        notify: notify?,
        time_limit: time_limit?,
    })
}

fn engines(
    reader: &Reader<'_>,
    node: Option<&Node>,
    partner: Option<&Partner>,
) -> Option<Vec<EngineSettings>> {
    let default = |engine| {
        let (node, partner) = (node?, partner?);
        let master = match node.designation {
            Designation::Master => node.name.clone(),
            Designation::Backup => partner.name.clone(),
        };
        Some(EngineSettings { name: engine, master, designation: node.designation })
    };
    let tables = reader.tables("engines");
    if tables.is_empty() {
        return Some(vec![default(EngineName::default())?]);
    }
    let mut engines = Vec::new();
    let total = tables.len();
    for (table, header) in tables {
        let text = |key: &str| {
            let value = table.get(key)?;
            let at = value.span();
            if value.get_ref().as_str().is_none() {
                let path = format!("engines.{key}");
                reader.note(&at, &path, "a string is wanted".to_owned(), None);
            }
            Some((value.get_ref().as_str()?.to_owned(), at))
        };
        let Some((engine, at)) = text("name") else {
            if !table.contains_key("name") {
                let help = Some("every engine of the list has a name of its own".to_owned());
                reader.note(&header, "engines.name", "is missing".to_owned(), help);
            }
            continue;
        };
        let engine = match EngineName::new(&engine) {
            Ok(engine) => engine,
            Err(error) => {
                reader.note(&at, "engines.name", error.to_string(), None);
                continue;
            }
        };
        if engines.iter().any(|it: &EngineSettings| it.name == engine) {
            let message = format!("`{engine}` is there already");
            reader.note(&at, "engines.name", message, Some("names are unique".to_owned()));
            continue;
        }
        let Some((master, at)) = text("master") else {
            engines.extend(default(engine));
            continue;
        };
        let (Some(node), Some(partner)) = (node, partner) else { continue };
        let designation = if master == node.name.as_str() {
            Designation::Master
        } else if master == partner.name.as_str() {
            Designation::Backup
        } else {
            let message = format!("`{}` is neither node of this pair", short(&master));
            let help = format!("allowed: \"{}\" or \"{}\"", node.name, partner.name);
            reader.note(&at, "engines.master", message, Some(help));
            continue;
        };
        let master = match designation {
            Designation::Master => node.name.clone(),
            Designation::Backup => partner.name.clone(),
        };
        engines.push(EngineSettings { name: engine, master, designation });
    }
    (engines.len() == total).then_some(engines)
}

fn name(text: &str) -> Result<NodeName, String> {
    NodeName::new(text).map_err(|_| "cannot be a name".to_owned())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        let example = SocketAddr::new(ip, 4750);
        return Err(format!("no port; write \"{example}\""));
    }
    Err("not an IP address and a port".to_owned())
}

pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    if !Path::new(text).is_absolute() {
        return Err("not an absolute path".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|it| it.split('/').next().unwrap_or(it)).unwrap_or_default();
    let plain = text.chars().all(|it| it.is_ascii_graphic());
    if host.is_empty() || !plain {
        return Err("not a URL that begins with http:// or https://".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn etcd_address(text: &str) -> Result<String, String> {
    if text.starts_with("https://") {
        return Err(
            "etcd over TLS is not built yet: write http://HOST:PORT, on a network that you trust"
                .to_owned(),
        );
    }
    let settings = EtcdSettings { addresses: vec![text.to_owned()], call_time_max: SECOND };
    Etcd::new(settings).map_err(|_| "not of the form http://HOST:PORT")?;
    Ok(text.trim_end_matches('/').to_owned())
}

fn virtual_address(text: &str) -> Result<VirtualAddress, String> {
    let (network, interface) = text.split_once('@').ok_or("no `@` and interface")?;
    let (address, prefix) = network.split_once('/').ok_or("no `/` and prefix length")?;
    let address: IpAddr = address.parse().map_err(|_| "no IP address before the `/`")?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix: Option<u8> = prefix.parse().ok().filter(|it| (1..=most).contains(it));
    let prefix = prefix.ok_or_else(|| format!("the prefix length is 1 to {most}"))?;
    // The kernel's limit (IFNAMSIZ) is 16 with the final zero.
    let sound = |it: char| it.is_ascii_graphic() && it != '/';
    if interface.is_empty() || interface.len() > 15 || !interface.chars().all(sound) {
        return Err("no interface of 1 to 15 characters after the `@`".to_owned());
    }
    Ok(VirtualAddress { address, prefix, interface: interface.to_owned() })
}
