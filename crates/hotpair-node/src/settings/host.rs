//! What settings ask of the host they stand on. Looked at by `hotpair check` and before each start: what a
//! host has changes without its settings.

use super::reader::Reader;
use super::{Problems, Settings};
use hotpair_os::capabilities::{Capability, has};
use hotpair_os::interfaces::interfaces;

const ADDRESSES: &str = "virtual_addresses.addresses";

/// Checks settings that were parsed from this text against this host.
///
/// # Errors
/// [`Problems`]: everything that is missing, at its place in the file.
pub fn check_host(file: &str, text: &str, settings: &Settings) -> Result<(), Problems> {
    let reader = Reader::new(file, text)?;
    super::services::check_host(settings, &reader);
    if settings.virtual_addresses.is_empty() {
        return reader.finish();
    }
    let missing: Vec<_> = [Capability::NetAdmin, Capability::NetRaw]
        .into_iter()
        .filter(|it| !has(*it).unwrap_or(false))
        .map(Capability::name)
        .collect();
    if !missing.is_empty() {
        let message = format!("this process lacks {}", missing.join(" and "));
        let help = "run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW";
        reader.refuse(ADDRESSES, message, help);
    }
    let known = match interfaces() {
        Ok(all) => all,
        Err(error) => {
            let message = format!("the interfaces of this host cannot be read: {error}");
            reader.refuse(ADDRESSES, message, "");
            return reader.finish();
        }
    };
    for it in &settings.virtual_addresses {
        if !known.iter().any(|known| known.name == it.interface) {
            let message = format!("`{it}`: there is no interface `{}` on this host", it.interface);
            let names: Vec<_> = known.iter().map(|it| it.name.as_str()).collect();
            reader.refuse(ADDRESSES, message, format!("interfaces: {}", names.join(", ")));
        }
    }
    if settings.address_lease
        && let Err(error) = hotpair_address::lease::program()
    {
        let help = "install it, or leave `lease` out: the fence then reaches as far as the guard";
        reader.refuse("virtual_addresses.lease", error.to_string(), help);
    }
    reader.finish()
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use crate::settings::tests::whole;

    #[test]
    fn an_interface_that_is_not_there_is_named_with_those_that_are() {
        let text = whole("[virtual_addresses]\naddresses = [\"192.0.2.9/24@nosuch\"]\n");
        let settings = Settings::parse("node.toml", &text).unwrap();
        let problems = super::check_host("node.toml", &text, &settings).unwrap_err();
        let text = problems.to_string();
        assert!(text.contains("`192.0.2.9/24@nosuch`: there is no interface `nosuch`"), "{text}");
        assert!(text.contains("--> node.toml:") && text.contains("interfaces: lo"), "{text}");
    }
}
