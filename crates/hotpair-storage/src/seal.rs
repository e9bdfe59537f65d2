//! The checksum of ours on every record.
//!
//! redb does not verify its page checksums when it reads, so a flipped bit would be served. Each
//! record therefore ends with 8 bytes of BLAKE3 over its table, its key and its body. BLAKE3,
//! because it is needed anyway (config hash chain, modules) and costs less than redb's own insert;
//! truncated to 64 bits, because it guards against accidents and not against an adversary who can
//! write to the disk. The table and the key are part of it, so a record that turns up under
//! another key fails as well.

/// Bytes of the checksum at the end of each record.
pub(crate) const CHECKSUM_BYTES: usize = 8;

fn checksum(table: &str, key: &[u8], body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[u8::try_from(table.len()).expect("our table names are short")]);
    hasher.update(table.as_bytes());
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(body);
    let hash = hasher.finalize();
    let mut short = [0; CHECKSUM_BYTES];
    short.copy_from_slice(&hash.as_bytes()[..CHECKSUM_BYTES]);
    short
}

/// Ends `record` with its checksum.
pub(crate) fn seal(table: &str, key: &[u8], record: &mut Vec<u8>) {
    let sum = checksum(table, key, record);
    record.extend_from_slice(&sum);
}

/// The body of a record, if its checksum is right.
pub(crate) fn open<'a>(table: &str, key: &[u8], record: &'a [u8]) -> Option<&'a [u8]> {
    let at = record.len().checked_sub(CHECKSUM_BYTES)?;
    let (body, sum) = record.split_at(at);
    (checksum(table, key, body) == sum).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_only_in_its_place_and_unchanged() {
        let mut record = b"value".to_vec();
        seal("table", b"key", &mut record);
        assert_eq!(open("table", b"key", &record), Some(&b"value"[..]));
        assert_eq!(open("table", b"kez", &record), None);
        assert_eq!(open("tablf", b"key", &record), None);
        assert_eq!(open("tablek", b"ey", &record), None);
        assert_eq!(open("table", b"key", &[]), None);
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open("table", b"key", &flipped), None, "bit {bit}");
        }
    }
}
