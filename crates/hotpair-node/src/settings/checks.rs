//! What settings must be to each other (docs/design/states.md, "Arithmetic").

use super::reader::Reader;
use super::{ADDRESSES_MAX, ENGINES_MAX, Settings, duration_text};
use hotpair_types::{Channel, Mode, StartAlone};
use std::net::IpAddr;
use std::time::Duration;

/// By how much the rate of a clock may be wrong, in parts per million.
pub(crate) const CLOCK_RATE_PPM: u64 = 1_000;
/// How long closing the outputs may take.
pub(super) const CLOSING_TIME: Duration = Duration::from_millis(100);

/// The shortest lease that a loaded host renews in time.
const LEASE_LEAST: Duration = Duration::from_millis(100);

pub(super) fn check(settings: &Settings, reader: &Reader<'_>) {
    names(settings, reader);
    addresses(settings, reader);
    beats(settings, reader);
    fencing(settings, reader);
    mode(settings, reader);
    api(settings, reader);
    engines(settings, reader);
    virtual_addresses(settings, reader);
    super::services::check(settings, reader);
}

fn names(settings: &Settings, reader: &Reader<'_>) {
    if settings.node.name == settings.partner.name {
        let message = format!("`{}` is this node's own name", settings.partner.name);
        reader.refuse("partner.name", message, "the two nodes have different names");
    }
}

fn addresses(settings: &Settings, reader: &Reader<'_>) {
    for (channel, it) in settings.channels.iter() {
        let partner = format!("channels.{channel}.partner");
        let listen = format!("channels.{channel}.listen");
        if it.listen == it.partner {
            let message = format!("`{}` is this node's own address", it.partner);
            reader.refuse(&partner, message, "the partner listens elsewhere");
        } else if it.partner.port() == 0 || it.partner.ip().is_unspecified() {
            let message = format!("`{}` cannot be reached", it.partner);
            reader.refuse(
                &partner,
                message,
                "write the address and port that the partner listens on",
            );
        }
        if it.listen.ip().is_ipv4() != it.partner.ip().is_ipv4() {
            let message = format!("`{}` and `{}` are of different families", it.listen, it.partner);
            reader.refuse(&listen, message, "both IPv4, or both IPv6");
        }
        if it.listen.ip().is_multicast() {
            let message = format!("`{}` is a multicast address", it.listen);
            reader.refuse(&listen, message, "write an address of this host");
        }
    }
    let [redundancy, primary] = Channel::ALL.map(|it| settings.channels[it]);
    if redundancy.listen == primary.listen && redundancy.listen.port() != 0 {
        let message = format!("`{}` is the redundancy channel's", primary.listen);
        let help = "each channel has its own address, best on its own network; on one address at least its own port";
        reader.refuse("channels.primary.listen", message, help);
    }
    if redundancy.partner == primary.partner {
        let message = format!("`{}` is the redundancy channel's", primary.partner);
        reader.refuse("channels.primary.partner", message, "each channel has its own address");
    }
    for (channel, it) in settings.channels.iter() {
        if it.listen == settings.api.listen && it.listen.port() != 0 {
            let message = format!("`{}` is the {channel} channel's", it.listen);
            reader.refuse(
                "api.listen",
                message,
                "the sentinel needs that TCP port: take another one",
            );
        }
    }
}

fn beats(settings: &Settings, reader: &Reader<'_>) {
    let beat = settings.heartbeat;
    let interval = duration_text(beat.interval);
    if beat.verify_min >= beat.interval {
        let message =
            format!("`{}` is not shorter than the interval", duration_text(beat.verify_min));
        let help = format!("allowed: 1ms to less than heartbeat.interval = {interval}");
        reader.refuse("heartbeat.verify_min", message, help);
    }
    let detection = settings.detection();
    let limit = format!("{interval} x max_missed = {}", duration_text(detection));
    let pair = settings.pair;
    if detection > pair.startup_allowance {
        let at = duration_text(pair.startup_allowance);
        let message = format!("`{at}` is shorter than the silence that is tolerated ({limit})");
        let help = "a starting node would decide alone before it can have heard its partner";
        reader.refuse("pair.startup_allowance", message, help);
    }
    if beat.interval * 2 > pair.drop_after {
        let message = format!("`{}` is shorter than two intervals", duration_text(pair.drop_after));
        let help = format!("at least twice heartbeat.interval = {interval}");
        reader.refuse("pair.drop_after", message, help);
    }
    if beat.interval * 2 > pair.handover_timeout {
        let at = duration_text(pair.handover_timeout);
        let message = format!("`{at}` is shorter than two intervals");
        reader.refuse("pair.handover_timeout", message, format!("heartbeat.interval = {interval}"));
    }
}

fn fencing(settings: &Settings, reader: &Reader<'_>) {
    let pair = settings.pair;
    if !matches!(pair.mode, Mode::NoSplit | Mode::Arbiter) {
        return;
    }
    let detection = settings.detection();
    if pair.fence_after < detection {
        let interval = duration_text(settings.heartbeat.interval);
        let message = format!(
            "`{}` is shorter than the silence that is tolerated ({interval} x max_missed = {})",
            duration_text(pair.fence_after),
            duration_text(detection)
        );
        let help = "the active would close its outputs before a lost beat counts as silence; \
                    raise it, or lower heartbeat.interval or max_missed";
        reader.refuse("pair.fence_after", message, help);
    }
    let least = promote_after_least(pair.fence_after);
    if pair.promote_after < least {
        let message = format!(
            "`{}` leaves no margin over fence_after = {}",
            duration_text(pair.promote_after),
            duration_text(pair.fence_after)
        );
        let help = format!(
            "at least {}: promote_after x (1 - {CLOCK_RATE_PPM} ppm) >= fence_after x (1 + {CLOCK_RATE_PPM} ppm) + {}",
            duration_text(least),
            duration_text(CLOSING_TIME)
        );
        reader.refuse("pair.promote_after", message, help);
    }
    let Some(arbiter) = &settings.arbiter else { return };
    if arbiter.lease < least {
        let message = format!(
            "`{}` is too short for fence_after = {}",
            duration_text(arbiter.lease),
            duration_text(pair.fence_after)
        );
        let help = format!(
            "at least {}: a grant must outlast the silence after which the active closes its outputs",
            duration_text(least)
        );
        reader.refuse("arbiter.lease", message, help);
    }
}

/// The shortest `promote_after` in whole milliseconds that keeps the promise.
pub(super) fn promote_after_least(fence_after: Duration) -> Duration {
    const MILLION: u128 = 1_000_000;
    let fence = fence_after.as_nanos() * (MILLION + u128::from(CLOCK_RATE_PPM));
    let closing = CLOSING_TIME.as_nanos() * MILLION;
    let least = (fence + closing).div_ceil(MILLION - u128::from(CLOCK_RATE_PPM));
    let millis = least.div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn mode(settings: &Settings, reader: &Reader<'_>) {
    let mode = settings.pair.mode;
    if mode != Mode::Availability && settings.pair.start_alone == StartAlone::Assume {
        let message = format!("`assume` is not possible in mode `{mode}`");
        let help = format!(
            "two nodes that both assume can be active at once, which `{mode}` promises not to happen; \
             write \"proven\" or leave it out"
        );
        reader.refuse("pair.start_alone", message, help);
    }
    match (mode, &settings.arbiter) {
        (Mode::Arbiter, None) => {
            let help = "etcd = [\"http://192.168.1.20:2379\"]";
            reader.refuse("pair.mode", "mode `arbiter` needs `[arbiter]`".to_owned(), help);
        }
        (Mode::Arbiter, Some(arbiter)) if arbiter.etcd.is_empty() => {
            let help = "etcd = [\"http://192.168.1.20:2379\"]";
            reader.refuse("arbiter.etcd", "no endpoint".to_owned(), help);
        }
        (Mode::Availability | Mode::NoSplit | Mode::Manual, Some(_)) => {
            let message = format!("`[arbiter]` has no effect in mode `{mode}`");
            reader.refuse(
                "arbiter",
                message,
                "write mode = \"arbiter\", or leave this section out",
            );
        }
        (Mode::Arbiter, Some(_)) | (_, None) => {}
    }
}

fn api(settings: &Settings, reader: &Reader<'_>) {
    let api = &settings.api;
    let loopback = match api.listen.ip() {
        IpAddr::V4(it) => it.is_loopback(),
        IpAddr::V6(it) => {
            it.is_loopback() || it.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
        }
    };
    if loopback {
        return;
    }
    let mut missing = Vec::new();
    if api.tls.is_none() && reader.sound(&["api.tls_cert", "api.tls_key"]) {
        missing.extend(["tls_cert", "tls_key"]);
    }
    if api.token_file.is_none() {
        missing.push("token_file");
    }
    if !missing.is_empty() {
        let message = format!("`{}` can be reached from other hosts", api.listen);
        let help = format!(
            "beyond loopback TLS and a token are needed: also set {}; or listen on 127.0.0.1",
            missing.join(", ")
        );
        reader.refuse("api.listen", message, help);
    }
}

fn engines(settings: &Settings, reader: &Reader<'_>) {
    let count = settings.engines.len();
    if count > ENGINES_MAX {
        let message = format!("{count} engines are too many");
        reader.refuse("engines", message, format!("at most {ENGINES_MAX}"));
    }
}

fn virtual_addresses(settings: &Settings, reader: &Reader<'_>) {
    const PATH: &str = "virtual_addresses.addresses";
    let all = &settings.virtual_addresses;
    let lasts = settings.lease_time();
    if settings.address_lease && lasts < LEASE_LEAST {
        let interval = duration_text(settings.heartbeat.interval);
        let message =
            format!("a lease would last {interval} x (max_missed - 2) = {}", duration_text(lasts));
        let help = format!(
            "at least {}, so that a loaded host can renew it in time: raise max_missed or heartbeat.interval",
            duration_text(LEASE_LEAST)
        );
        reader.refuse("virtual_addresses.lease", message, help);
    }
    if all.len() > ADDRESSES_MAX {
        let message = format!("{} addresses are too many", all.len());
        reader.refuse(PATH, message, format!("at most {ADDRESSES_MAX}"));
    }
    for (at, it) in all.iter().enumerate() {
        let ip = it.address;
        let broadcast = matches!(ip, IpAddr::V4(it) if it.is_broadcast());
        let why = if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() || broadcast {
            Some("no address that one host can have for all others")
        } else if all[..at].iter().any(|other| other.address == ip) {
            Some("is there twice")
        } else if settings.channels.iter().any(|(_, it)| it.listen.ip() == ip) {
            Some("a channel listens on it: that address stays on this host")
        } else if settings.channels.iter().any(|(_, it)| it.partner.ip() == ip) {
            Some("the partner's: that address stays on its host")
        } else {
            None
        };
        if let Some(why) = why {
            let help = "an address of its own, that no host keeps for itself";
            reader.refuse(PATH, format!("`{it}`: {why}"), help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_leaves_the_margin_that_the_clocks_need() {
        let least = promote_after_least(Duration::from_millis(800));
        assert_eq!(least, Duration::from_millis(902));
        // So long on the slowest clock is longer than the fence on the fastest, and closing.
        let keeps = |promote_ms: u64| promote_ms * 999_000 >= 800 * 1_001_000 + 100 * 1_000_000;
        assert!(keeps(902) && !keeps(901));
    }
}
