//! Long bodies of bulk are compressed; what comes out is bounded before anything is unpacked.
use crate::frame::{DecodeError, FRAME_BYTES_MAX};

/// Shorter bodies are not worth it.
const WORTH_BYTES_MIN: usize = 4 * 1024;
/// Fast: the line between two hosts is fast too.
const LEVEL: i32 = 1;

/// The compressed body after its length, when that is shorter than the body.
pub(crate) fn pack(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTH_BYTES_MIN {
        return None;
    }
    let length = u32::try_from(body.len()).ok()?;
    let mut packed = length.to_le_bytes().to_vec();
    packed.extend(zstd::bulk::compress(body, LEVEL).ok()?);
    (packed.len() < body.len()).then_some(packed)
}

/// The body, which must have exactly the length it announces.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (length, packed) = packed.split_first_chunk::<4>().ok_or(DecodeError::Cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(DecodeError::TooLong { bytes: length, limit_bytes: FRAME_BYTES_MAX });
    }
    let body = zstd::bulk::decompress(packed, length).map_err(|_| DecodeError::Compression)?;
    if body.len() != length {
        return Err(DecodeError::Compression);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_a_bomb_is_refused() {
        let body = vec![7; 1 << 20];
        let packed = pack(&body).unwrap();
        assert!(packed.len() < 1000);
        assert_eq!(unpack(&packed).unwrap(), body);
        assert!(pack(&body[..100]).is_none());

        let mut understated = packed.clone();
        understated[..4].copy_from_slice(&1000u32.to_le_bytes());
        assert!(unpack(&understated).is_err());
        let mut overstated = packed;
        overstated[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(unpack(&overstated), Err(DecodeError::TooLong { .. })));
        assert!(unpack(b"xyz").is_err());
    }
}
