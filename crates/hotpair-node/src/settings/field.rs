//! The table of all settings: name, what is allowed, default, when a change takes effect, whether
//! the two nodes must agree. The parser, the comparison of two nodes and the guide read it.

use super::history::OF_HISTORY;
use super::services::OF_SERVICES;

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// When the file is read again (SIGHUP).
    Running,
    /// When the node is started again.
    Restart,
}

/// Whether the two nodes are to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    /// Each node has its own.
    No,
    /// Where they differ both nodes raise an alarm and go on: nothing that the pair promises rests on
    /// it, and who changes it while running cannot change both at one moment.
    Should,
    /// Where they differ the standby stays Not Ready.
    Must,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name with its section.
    pub path: &'static str,
    /// What may be written.
    pub allowed: &'static str,
    /// As it would be written; `None` when it must be given or is absent by default.
    pub default: Option<&'static str>,
    /// When a change takes effect.
    pub when: When,
    /// Whether both nodes are to say the same.
    pub alike: Alike,
    /// What it does.
    pub meaning: &'static str,
}

pub(super) const fn own(
    path: &'static str,
    allowed: &'static str,
    default: Option<&'static str>,
    meaning: &'static str,
) -> Field {
    Field { path, allowed, default, when: When::Restart, alike: Alike::No, meaning }
}

const fn pair(
    path: &'static str,
    allowed: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Field {
    Field { alike: Alike::Must, ..own(path, allowed, Some(default), meaning) }
}

/// Of the pair, but not at one moment.
const fn policy(
    path: &'static str,
    allowed: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Field {
    running(should(own(path, allowed, Some(default), meaning)))
}

pub(super) const fn should(field: Field) -> Field {
    Field { alike: Alike::Should, ..field }
}

pub(super) const fn running(field: Field) -> Field {
    Field { when: When::Running, ..field }
}

pub(super) const NAME: &str = "1 to 32 of a-z, 0-9 and `-`";
const ADDRESS: &str = "an IP address and a port, \"10.10.0.1:4750\" or \"[fd00::1]:4750\"";
const FLAG: &str = "true or false";
const FILES: &str = "a list of absolute paths";

/// Every setting, in the order of the file.
pub const FIELDS: &[Field] = &joined();

const COUNT: usize = OF_NODE.len() + OF_HISTORY.len() + OF_SERVICES.len();
const fn joined() -> [Field; COUNT] {
    const HISTORY: usize = OF_NODE.len();
    const SERVICES: usize = HISTORY + OF_HISTORY.len();
    let mut all = [OF_NODE[0]; COUNT];
    let mut at = 0;
    while at < all.len() {
        all[at] = match at {
            ..HISTORY => OF_NODE[at],
            HISTORY..SERVICES => OF_HISTORY[at - HISTORY],
            SERVICES.. => OF_SERVICES[at - SERVICES],
        };
        at += 1;
    }
    all
}

const OF_NODE: &[Field] = &[
    own("node.name", NAME, None, "The name of this node; differs from the partner's."),
    own(
        "node.designation",
        "\"master\" or \"backup\"",
        None,
        "The place of this node in the default engine. Fixed: a takeover does not change it.",
    ),
    own(
        "node.data_dir",
        "an absolute path",
        Some("\"/var/lib/hotpair\""),
        "Where this node keeps its data, its key and `run.json` (the addresses it really listens on).",
    ),
    own("partner.name", NAME, None, "The name of the partner. Written by pairing."),
    own(
        "partner.key",
        "\"ed25519:\" and 44 characters of base64",
        None,
        "The public key that the partner must prove to hold. Written by pairing.",
    ),
    own(
        "channels.redundancy.listen",
        ADDRESS,
        None,
        "Where this node is reached over the dedicated link: UDP, and TCP on the same port for the sentinel. Port 0: any free port.",
    ),
    own(
        "channels.redundancy.partner",
        ADDRESS,
        None,
        "Where the partner is reached over the dedicated link. Written by pairing.",
    ),
    own(
        "channels.redundancy.max_missed",
        "1 to 100",
        None,
        "Consecutive beats that may be missed on this channel; without it `heartbeat.max_missed`.",
    ),
    own(
        "channels.redundancy.required",
        FLAG,
        Some("false"),
        "Whether a node that loses this network, while the partner has it, hands over.",
    ),
    own(
        "channels.primary.listen",
        ADDRESS,
        None,
        "Where this node is reached over the ordinary network.",
    ),
    own(
        "channels.primary.partner",
        ADDRESS,
        None,
        "Where the partner is reached over the ordinary network. Written by pairing.",
    ),
    own(
        "channels.primary.max_missed",
        "1 to 100",
        None,
        "Consecutive beats that may be missed on this channel; without it `heartbeat.max_missed`.",
    ),
    own(
        "channels.primary.required",
        FLAG,
        Some("true"),
        "Whether a node that loses this network, while the partner has it, hands over.",
    ),
    pair("heartbeat.interval", "1ms to 10s", "\"100ms\"", "The time between two beats."),
    pair(
        "heartbeat.max_missed",
        "1 to 100",
        "5",
        "How many consecutive beats may be missed before a channel counts as silent.",
    ),
    pair(
        "heartbeat.verify_min",
        "1ms to less than `heartbeat.interval`",
        "\"20ms\"",
        "How long a hint of the partner's death is verified; questions are asked every quarter of it.",
    ),
    pair(
        "pair.mode",
        "\"availability\", \"no-split\", \"manual\" or \"arbiter\"",
        "\"availability\"",
        "What the pair gives up when the two hosts cannot hear each other.",
    ),
    pair(
        "pair.startup_allowance",
        "100ms to 1h",
        "\"10s\"",
        "How long a starting node waits for its partner before it decides alone.",
    ),
    pair(
        "pair.start_alone",
        "\"assume\" (mode `availability` only) or \"proven\"",
        "\"assume\"",
        "What a starting node does that hears nobody: act and show that it is unverified, or act only if the partner cannot rightly be active. In the other modes always \"proven\".",
    ),
    pair(
        "pair.conflict_winner",
        "\"longest-active\", \"newest-epoch\" or \"master\"",
        "\"longest-active\"",
        "Who wins after both were active.",
    ),
    pair(
        "pair.fence_after",
        "10ms to 10m",
        "\"800ms\"",
        "Modes `no-split` and `arbiter`: an active whose beats were not acknowledged for so long closes its outputs.",
    ),
    pair(
        "pair.promote_after",
        "10ms to 10m",
        "\"1200ms\"",
        "Modes `no-split` and `arbiter`: a standby acts on silence only so long after its last acknowledgement.",
    ),
    policy(
        "pair.handover_timeout",
        "100ms to 10m",
        "\"5s\"",
        "After which a planned handover that was not accepted is taken back.",
    ),
    policy(
        "pair.drop_after",
        "100ms to 10m",
        "\"2s\"",
        "A standby that does not acknowledge data for so long, though it beats, is no longer trusted.",
    ),
    pair(
        "pair.restart_on_standby",
        "true",
        "true",
        "Objects end when their engine becomes standby, and are made anew from their checkpoints when it acts again. Nothing else is possible in this release.",
    ),
    policy(
        "recovery.mode",
        "\"automatic\" or \"manual\"",
        "\"automatic\"",
        "Whether the master takes over again by itself once it is ready.",
    ),
    policy(
        "recovery.hold",
        "0s to 24h",
        "\"5s\"",
        "How long the master must have been ready first.",
    ),
    policy(
        "recovery.suspend_after",
        "2 to 1000",
        "5",
        "So many changes of role within `recovery.suspend_window` suspend automatic changes.",
    ),
    policy("recovery.suspend_window", "1s to 24h", "\"10m\"", "The window of that count."),
    pair(
        "config.writable_on",
        "\"master\" or \"active\"",
        "\"master\"",
        "Config data may be written on the designated master while it is active, or on whichever node is active.",
    ),
    policy(
        "config.ack",
        "\"local\", \"replicated\" or \"durable\"",
        "\"durable\"",
        "What the acknowledgement of a config transaction means, where the write does not say.",
    ),
    own(
        "config.journal_max",
        "1 MiB to 1 TiB",
        Some("\"256 MiB\""),
        "The most the config journal may hold; a partner that was away for longer gets a full copy.",
    ),
    policy(
        "writes.ack",
        "\"local\", \"replicated\" or \"durable\"",
        "\"replicated\"",
        "What the acknowledgement of a runtime write means, where the write does not say.",
    ),
    policy(
        "writes.require_standby",
        FLAG,
        "false",
        "Whether writes are refused while there is no standby, instead of answered as degraded.",
    ),
    running(own(
        "writes.persist_interval",
        "1ms to 1m",
        Some("\"100ms\""),
        "How often runtime state is written to disk.",
    )),
    running(own(
        "writes.compare_interval",
        "1s to 24h",
        Some("\"1m\""),
        "So long after the end of a comparison with a level standby, of all config and runtime data, the next one begins.",
    )),
    running(own(
        "writes.ring_max",
        "1 MiB to 64 GiB",
        Some("\"64 MiB\""),
        "The most the ring of runtime entries may hold; a partner that was away for longer gets a snapshot.",
    )),
    running(own(
        "writes.key_retention",
        "1s to 24h",
        Some("\"10m\""),
        "How long an idempotency key and its answer are remembered.",
    )),
    own(
        "api.listen",
        "an IP address and a port",
        Some("\"127.0.0.1:8650\""),
        "Where HTTP is served. Beyond loopback only with TLS and a token. Port 0: any free port.",
    ),
    own(
        "api.advertise",
        "a URL, \"https://gw-a.plant:8650\"",
        None,
        "What the partner and refusals name as this node's address; without it made of `api.listen`.",
    ),
    running(own(
        "api.tls_cert",
        "a path",
        None,
        "The certificate chain of the HTTP interface, PEM. Read again at SIGHUP; to begin or to end TLS needs a restart.",
    )),
    running(own(
        "api.tls_key",
        "a path",
        None,
        "Its key, PEM; readable by nobody else. As `api.tls_cert`.",
    )),
    running(own(
        "api.token_file",
        "a path",
        None,
        "The file with the bearer token that every request must carry; readable by nobody else. Read again at SIGHUP; to begin or to end to ask for one needs a restart.",
    )),
    own(
        "virtual_addresses.addresses",
        "a list of \"192.168.1.10/24@eth0\"",
        Some("[]"),
        "Addresses that follow the active node, of the first engine where there are several. At most 16. Needs `CAP_NET_ADMIN` and `CAP_NET_RAW`.",
    ),
    own(
        "virtual_addresses.lease",
        FLAG,
        Some("false"),
        "Whether the kernel lets frames from these addresses out only while the node renews a lease of `heartbeat.interval` x (`max_missed` - 2), the lower of the two channels; that must be 100ms or more. Needs the program `nft`.",
    ),
    own(
        "arbiter.etcd",
        "a list of URLs",
        None,
        "The endpoints of the etcd cluster that grants the role (mode `arbiter`), as `http://HOST:PORT`; etcd over TLS is not built yet.",
    ),
    pair("arbiter.lease", "2s to 10m", "\"3s\"", "How long a grant lasts unless it is renewed."),
    running(own(
        "hooks.on_active",
        FILES,
        Some("[]"),
        "Programs called when this node became active.",
    )),
    running(own(
        "hooks.on_standby",
        FILES,
        Some("[]"),
        "Programs called when an engine became standby here.",
    )),
    running(own(
        "hooks.notify",
        FILES,
        Some("[]"),
        "Programs called on every change with keepalived's arguments: INSTANCE, the pair (`gw-a+gw-b`), MASTER, BACKUP or FAULT, a priority.",
    )),
    running(own(
        "hooks.time_limit",
        "1s to 10m",
        Some("\"10s\""),
        "After which a program is ended.",
    )),
    own("engines.name", NAME, None, "The name of an engine; unique."),
    own(
        "engines.master",
        "the name of one of the two nodes",
        None,
        "The node that is this engine's master; without it as `node.designation` says.",
    ),
];

/// The setting with this name.
pub(super) fn field(path: &str) -> &'static Field {
    FIELDS.iter().find(|it| it.path == path).expect("the caller names a setting of the table")
}
