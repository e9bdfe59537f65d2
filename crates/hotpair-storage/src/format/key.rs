//! Keys whose byte order is the order of what they name.
use hotpair_types::{ItemKey, JournalKind, Position};

pub(crate) fn sequence(sequence: u64) -> [u8; 8] {
    sequence.to_be_bytes()
}

pub(crate) fn read_sequence(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

pub(crate) const fn journal(kind: JournalKind) -> u8 {
    match kind {
        JournalKind::Config => b'c',
        JournalKind::Runtime => b'r',
    }
}

/// The place of an entry, or of its key, among those of both journals.
pub(crate) fn entry(kind: JournalKind, sequence: u64) -> [u8; 9] {
    let mut key = [0; 9];
    key[0] = journal(kind);
    key[1..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// The first key behind all entries of a journal.
pub(crate) const fn entries_end(kind: JournalKind) -> [u8; 1] {
    [journal(kind) + 1]
}

/// The name of a losing entry.
pub(crate) fn losing(kind: JournalKind, position: Position) -> [u8; 25] {
    let mut key = [0; 25];
    key[0] = journal(kind);
    key[1..9].copy_from_slice(&position.sequence.to_be_bytes());
    key[9..17].copy_from_slice(&position.epoch.number.to_be_bytes());
    key[17..].copy_from_slice(&position.epoch.tag.to_be_bytes());
    key
}

/// Two texts, so that pairs sort like the pairs: a zero within the first becomes `00 ff`, its
/// end is `00 00`.
pub(crate) fn pair(first: &str, second: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(first.len() + second.len() + 2);
    for &byte in first.as_bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 0]);
    key.extend_from_slice(second.as_bytes());
    key
}

/// The first key behind all pairs with this first text.
pub(crate) fn pairs_end(first: &str) -> Vec<u8> {
    let mut key = pair(first, "");
    *key.last_mut().expect("a pair ends with two zeros") = 1;
    key
}

pub(crate) fn read_pair(key: &[u8]) -> Option<(Box<str>, Box<str>)> {
    let mut first = Vec::new();
    let mut at = 0;
    loop {
        match (key.get(at)?, key.get(at + 1)) {
            (0, Some(0)) => break,
            (0, Some(0xff)) => {
                first.push(0);
                at += 2;
            }
            (0, _) => return None,
            (&byte, _) => {
                first.push(byte);
                at += 1;
            }
        }
    }
    let text = |it: &[u8]| std::str::from_utf8(it).ok().map(Box::from);
    Some((text(&first)?, text(&key[at + 2..])?))
}

/// Where an item of a journal's kind is kept.
pub(crate) fn item(kind: JournalKind, item: &ItemKey) -> Vec<u8> {
    match kind {
        JournalKind::Config => item.item.as_bytes().to_vec(),
        JournalKind::Runtime => pair(&item.provider, &item.item),
    }
}

pub(crate) fn read_item(kind: JournalKind, key: &[u8]) -> Option<ItemKey> {
    match kind {
        JournalKind::Config => std::str::from_utf8(key).ok().map(ItemKey::config),
        JournalKind::Runtime => {
            let (provider, item) = read_pair(key)?;
            Some(ItemKey { provider, item })
        }
    }
}

/// From where to where the items of a provider are.
pub(crate) fn provider(kind: JournalKind, provider: &str) -> (Vec<u8>, Option<Vec<u8>>) {
    match kind {
        JournalKind::Config => (Vec::new(), None),
        JournalKind::Runtime => (pair(provider, ""), Some(pairs_end(provider))),
    }
}

/// A key for people.
pub(crate) fn readable(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.chars().any(char::is_control) => text.escape_debug().to_string(),
        _ => key.iter().map(|it| format!("{it:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_sort_like_the_pairs_and_come_back() {
        let texts = ["", "a", "a\0", "a\0\0", "a\0b", "a\u{1}", "ab", "b", "ä"];
        let mut pairs: Vec<(&str, &str)> =
            texts.iter().flat_map(|&a| texts.iter().map(move |&b| (a, b))).collect();
        pairs.sort_unstable();
        let keys: Vec<Vec<u8>> = pairs.iter().map(|(a, b)| pair(a, b)).collect();
        assert!(keys.is_sorted());
        for ((a, b), key) in pairs.iter().zip(&keys) {
            assert_eq!(read_pair(key), Some(((*a).into(), (*b).into())));
            assert!(*key < pairs_end(a) && *key >= pair(a, ""));
        }
        for broken in [&b""[..], b"a", b"a\0", b"a\0b", b"\xff\0\0"] {
            assert_eq!(read_pair(broken), None);
        }
    }
}
