//! Reads the two things that matter from a certificate: whose key it is and when it is valid.
use crate::key::PinnedKey;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use std::time::{Duration, SystemTime};

/// From when to when a certificate says it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub from: SystemTime,
    /// The last moment.
    pub until: SystemTime,
}

/// The Ed25519 key of a certificate.
pub(crate) fn certificate_key(certificate: &CertificateDer<'_>) -> Option<PinnedKey> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    PinnedKey::from_spki(&parsed.subject_public_key_info())
}

/// When a certificate is valid (RFC 5280, section 4.1).
pub(crate) fn certificate_validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (certificate, _) = Der(certificate).take(SEQUENCE)?;
    let (mut tbs, _) = certificate.take(SEQUENCE)?;
    if let Some((_, rest)) = tbs.take(VERSION) {
        tbs = rest;
    }
    let (_, rest) = tbs.take(INTEGER)?;
    let (_, rest) = rest.take(SEQUENCE)?;
    let (_, rest) = rest.take(SEQUENCE)?;
    let (validity, _) = rest.take(SEQUENCE)?;
    let (from, rest) = validity.time()?;
    let (until, _) = rest.time()?;
    Some(Validity { from, until })
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The rest of a DER text (ITU-T X.690).
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element if it has this tag, and what follows it.
    fn take(self, tag: u8) -> Option<(Self, Self)> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => (usize::from(*rest.first()?), &rest[1..]),
            0x82 => {
                let (high, low) = (*rest.first()?, *rest.get(1)?);
                (usize::from(high) << 8 | usize::from(low), &rest[2..])
            }
            _ => return None,
        };
        if found != tag || length > rest.len() {
            return None;
        }
        let (content, rest) = rest.split_at(length);
        Some((Self(content), Self(rest)))
    }

    fn time(self) -> Option<(SystemTime, Self)> {
        if let Some((text, rest)) = self.take(UTC_TIME) {
            let year = digits(text.0.get(..2)?)?;
            let year = if year < 50 { 2000 + year } else { 1900 + year };
            return Some((moment(year, text.0.get(2..)?)?, rest));
        }
        let (text, rest) = self.take(GENERALIZED_TIME)?;
        Some((moment(digits(text.0.get(..4)?)?, text.0.get(4..)?)?, rest))
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let digit = |it: &u8| it.is_ascii_digit().then(|| u64::from(it - b'0'));
    text.iter().try_fold(0, |sum, it| Some(sum * 10 + digit(it)?))
}

/// `MMDDHHMMSSZ` of a year.
fn moment(year: u64, rest: &[u8]) -> Option<SystemTime> {
    let [fields @ .., b'Z'] = rest else { return None };
    if fields.len() != 10 {
        return None;
    }
    let at = |index: usize| digits(&fields[2 * index..2 * index + 2]);
    let (month, day) = (at(0)?, at(1)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let leap_days = |it: u64| it / 4 - it / 100 + it / 400;
    let is_leap = leap_days(year) != leap_days(year - 1);
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let days = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
        + BEFORE[usize::try_from(month - 1).ok()?]
        + u64::from(is_leap && month > 2)
        + day
        - 1;
    let seconds = days * 86_400 + at(2)? * 3_600 + at(3)? * 60 + at(4)?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_calendar_has_them() {
        let seconds = |year, rest: &str| {
            let since = moment(year, rest.as_bytes())?.duration_since(SystemTime::UNIX_EPOCH);
            since.ok().map(|it| it.as_secs())
        };
        assert_eq!(seconds(1970, "0101000000Z"), Some(0));
        assert_eq!(seconds(2000, "0229120000Z"), Some(951_825_600));
        assert_eq!(seconds(2026, "1123071758Z"), Some(1_795_418_278));
        assert_eq!(seconds(2100, "0301000000Z"), Some(4_107_542_400));
        for bad in ["", "0101000000", "1301000000Z", "0100000000Z", "01010000000Z", "x101000000Z"] {
            assert_eq!(seconds(2026, bad), None, "{bad}");
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        let identity = crate::Identity::generate().expect("randomness");
        let whole = identity.chain().remove(0);
        assert!(certificate_validity(&whole).is_some());
        for end in 0..whole.len() {
            let _ = certificate_validity(&CertificateDer::from(&whole[..end]));
        }
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bent = whole.to_vec();
                bent[at] ^= flip;
                let bent = CertificateDer::from(bent);
                let _ = (certificate_validity(&bent), certificate_key(&bent));
            }
        }
    }
}
