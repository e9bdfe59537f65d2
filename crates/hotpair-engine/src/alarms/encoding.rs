//! An alarm's record as bytes: what stands in the journal, on disk and on the wire.
use super::alarm::{AlarmRecord, LastChange};
use super::state::{AlarmState, Cause};
use super::word::Word;
use crate::tags::DecodeError;
use bytes::Bytes;
use hotpair_types::NodeTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The first byte. A change of the rest is another version; old ones stay readable.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct WordV1<'a> {
    who: &'a str,
    comment: &'a str,
}

#[derive(Serialize, Deserialize)]
struct RecordV1<'a> {
    change: u64,
    occurrence: u64,
    /// What was watched, as `AlarmDeclaration::watched`.
    watched: u32,
    /// Bits, from the lowest: beyond, present, acknowledged, bad, suppressed, out of service.
    flags: u8,
    pending_micros: u64,
    shelf_micros: Option<u64>,
    #[serde(borrow)]
    acknowledgement: Option<(WordV1<'a>, u64)>,
    /// The place in `AlarmState::ALL`.
    from: u8,
    /// The place in `Cause::ALL`.
    cause: u8,
    #[serde(borrow)]
    by: Option<WordV1<'a>>,
    at_millis: u64,
}

impl AlarmRecord {
    /// The bytes of the newest version.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let flags = [
            self.is_beyond,
            self.is_present,
            self.is_acknowledged,
            self.is_bad,
            self.is_suppressed,
            self.is_out,
        ];
        let flags = flags.iter().rev().fold(0, |bits, it| (bits << 1) | u8::from(*it));
        let acknowledgement = self.acknowledgement.as_ref();
        let record = RecordV1 {
            change: self.change,
            occurrence: self.occurrence,
            watched: self.watched,
            flags,
            pending_micros: micros(self.pending),
            shelf_micros: self.shelf.map(micros),
            acknowledgement: acknowledgement.map(|(word, at)| (WordV1::of(word), at.0)),
            from: place(&AlarmState::ALL, &self.last.from),
            cause: place(&Cause::ALL, &self.last.cause),
            by: self.last.by.as_ref().map(WordV1::of),
            at_millis: self.last.at.0,
        };
        postcard::to_extend(&record, vec![VERSION])
            .expect("a vector takes any number of bytes")
            .into()
    }

    /// Reads the bytes of any version.
    ///
    /// # Errors
    /// `DecodeError` for whatever `encode` could not have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { version });
        }
        let malformed = |reason| DecodeError::Malformed { reason };
        let (record, rest) = postcard::take_from_bytes::<RecordV1<'_>>(rest)
            .map_err(|_| malformed("not the record of an alarm"))?;
        if !rest.is_empty() {
            return Err(malformed("bytes after the record"));
        }
        if record.flags >= 1 << 6 {
            return Err(malformed("a flag that is not known"));
        }
        let flag = |bit: u8| record.flags & (1 << bit) != 0;
        let word = |it: WordV1<'_>| {
            Word::new(it.who, it.comment).map_err(|_| malformed("a name or comment too long"))
        };
        let from = AlarmState::ALL.get(usize::from(record.from));
        let cause = Cause::ALL.get(usize::from(record.cause));
        let acknowledgement =
            record.acknowledgement.map(|(it, at)| word(it).map(|it| (it, NodeTime(at))));
        Ok(Self {
            change: record.change,
            occurrence: record.occurrence,
            watched: record.watched,
            is_beyond: flag(0),
            is_present: flag(1),
            is_acknowledged: flag(2),
            is_bad: flag(3),
            is_suppressed: flag(4),
            is_out: flag(5),
            pending: Duration::from_micros(record.pending_micros),
            shelf: record.shelf_micros.map(Duration::from_micros),
            acknowledgement: acknowledgement.transpose()?,
            last: LastChange {
                from: *from.ok_or_else(|| malformed("a state that is not known"))?,
                cause: *cause.ok_or_else(|| malformed("a cause that is not known"))?,
                by: record.by.map(word).transpose()?,
                at: NodeTime(record.at_millis),
            },
        })
    }
}

impl<'a> WordV1<'a> {
    fn of(word: &'a Word) -> Self {
        Self { who: word.who(), comment: word.comment() }
    }
}

fn micros(it: Duration) -> u64 {
    u64::try_from(it.as_micros()).unwrap_or(u64::MAX)
}

fn place<T: PartialEq>(all: &[T], it: &T) -> u8 {
    let place = all.iter().position(|one| one == it).expect("all of them are listed");
    u8::try_from(place).expect("a handful")
}
