//! The names of items, as numbers that sort as the names do: a disk looks one up with every write.

/// The most that a name may have.
const BYTES_MAX: usize = 15;

/// A name: its bytes, zeros after them, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u128);

impl Name {
    pub(super) fn new(text: &str) -> Self {
        let length = u8::try_from(text.len()).ok().filter(|it| usize::from(*it) <= BYTES_MAX);
        let length = length.expect("names of the simulator are short");
        let mut bytes = [0; BYTES_MAX + 1];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        bytes[BYTES_MAX] = length;
        Self(u128::from_be_bytes(bytes))
    }

    pub(super) fn text(self) -> Box<str> {
        let bytes = self.0.to_be_bytes();
        let length = usize::from(bytes[BYTES_MAX]);
        str::from_utf8(&bytes[..length]).expect("it was a text").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_as_the_text_does() {
        let mut texts =
            ["", "w1", "w", "w10", "w2", "h1", "w1\0", "w1\0\0", "fifteen letters", "é"];
        let mut names = texts.map(Name::new);
        texts.sort_unstable();
        names.sort_unstable();
        assert_eq!(names.map(|it| String::from(it.text())), texts);
    }
}
