//! Lists, texts and bytes that know how long they may be. The bound is checked while decoding.
use bytes::Bytes;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// Something is longer than the wire allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{length} is more than the {max} that the wire allows")]
pub struct TooLong {
    /// How long it is.
    pub length: usize,
    /// How long it may be.
    pub max: usize,
}

fn check(length: usize, max: usize) -> Result<(), TooLong> {
    if length > max { Err(TooLong { length, max }) } else { Ok(()) }
}

/// At most `MAX` elements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// Checks the bound.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn new(elements: Vec<T>) -> Result<Self, TooLong> {
        check(elements.len(), MAX).map(|()| Self(elements))
    }

    /// For sending. The bound is the sender's own limits; the receiver checks it.
    #[must_use]
    pub const fn for_sending(elements: Vec<T>) -> Self {
        Self(elements)
    }

    /// The elements.
    #[must_use]
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// Room for so many elements is made before they have arrived; the rest grows with what arrives.
const PREALLOCATED_MAX: usize = 256;

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
                let announced = elements.size_hint().unwrap_or(0);
                check(announced, MAX).map_err(A::Error::custom)?;
                let mut list = Vec::with_capacity(announced.min(PREALLOCATED_MAX));
                while let Some(element) = elements.next_element()? {
                    check(list.len() + 1, MAX).map_err(A::Error::custom)?;
                    list.push(element);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(Elements::<T, MAX>(PhantomData)).map(Self)
    }
}

/// A text of at most `MAX` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks the bound.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn new(text: String) -> Result<Self, TooLong> {
        check(text.len(), MAX).map(|()| Self(text))
    }

    /// For sending. The bound is the sender's own limits; the receiver checks it.
    #[must_use]
    pub const fn for_sending(text: String) -> Self {
        Self(text)
    }

    /// As much of it as fits.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(MAX)].to_owned())
    }

    /// The text.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        check(text.len(), MAX).map_err(D::Error::custom)?;
        Ok(Self(text.to_owned()))
    }
}

/// Bytes, as many as the frame holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Ok(Self(Bytes::copy_from_slice(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_checked_while_decoding() {
        let bytes = postcard::to_stdvec(&vec![1u8, 2, 3]).unwrap();
        assert_eq!(*postcard::from_bytes::<List<u8, 3>>(&bytes).unwrap(), [1, 2, 3]);
        assert!(postcard::from_bytes::<List<u8, 2>>(&bytes).is_err());
        assert_eq!(postcard::from_bytes::<Blob>(&bytes).unwrap().0, [1, 2, 3].as_slice());
        let bytes = postcard::to_stdvec("äö").unwrap();
        assert_eq!(&*postcard::from_bytes::<Text<4>>(&bytes).unwrap(), "äö");
        assert!(postcard::from_bytes::<Text<3>>(&bytes).is_err());
        assert_eq!(&*Text::<3>::cut("äö"), "ä");
    }

    #[test]
    fn an_announced_length_alone_costs_no_memory() {
        let many = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(postcard::from_bytes::<List<u64, { usize::MAX }>>(&many).is_err());
        assert!(postcard::from_bytes::<Blob>(&many).is_err());
    }
}
