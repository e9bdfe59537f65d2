//! The base address of a node: `http://10.0.0.1:8650`.
use std::fmt;
use std::str::FromStr;

const ADDRESS_BYTES_MAX: usize = 300;

/// Scheme, host and port of a node's API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress {
    pub(crate) https: bool,
    pub(crate) authority: Box<str>,
}

/// A text that is no base address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a node; one looks like http://10.0.0.1:8650")]
pub struct AddressError {
    text: String,
}

impl NodeAddress {
    /// The host without port and brackets.
    pub(crate) fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or(&*self.authority, |it| it.0);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError { text: text.chars().take(ADDRESS_BYTES_MAX).collect() };
        let (scheme, rest) = text.split_once("://").ok_or_else(error)?;
        let https = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(error()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let sound = |it: char| it.is_ascii_alphanumeric() || "-._:[]".contains(it);
        if authority.is_empty() || text.len() > ADDRESS_BYTES_MAX || !authority.chars().all(sound) {
            return Err(error());
        }
        let last = authority.rsplit_once(':').filter(|_| !authority.ends_with(']'));
        let authority = match last {
            Some((_, port)) if port.parse::<u16>().is_ok() => authority,
            Some(_) => return Err(error()),
            None => format!("{authority}:{}", if https { 443 } else { 80 }),
        };
        Ok(Self { https, authority: authority.into() })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_port() {
        let parsed = |text: &str| text.parse::<NodeAddress>().unwrap().to_string();
        assert_eq!(parsed("http://10.0.0.1:8650"), "http://10.0.0.1:8650");
        assert_eq!(parsed("https://GW-A.plant/"), "https://gw-a.plant:443");
        assert_eq!(parsed("http://[fd00::1]"), "http://[fd00::1]:80");
        assert_eq!("http://[fd00::1]:9".parse::<NodeAddress>().unwrap().host(), "fd00::1");
        for bad in ["", "gw-a", "ftp://a", "http://", "http://a:b", "http://a/b", "http://u@a"] {
            assert!(bad.parse::<NodeAddress>().is_err(), "{bad}");
        }
    }
}
