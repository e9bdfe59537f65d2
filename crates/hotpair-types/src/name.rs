//! Names that people give, checked once.
use std::fmt;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 32;

/// A name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` cannot be a name: 1 to {NAME_BYTES_MAX} of a-z, 0-9 and `-`, beginning with a letter or digit",
    text.escape_default()
)]
pub struct NameError {
    text: String,
}

fn checked(text: &str) -> Result<Box<str>, NameError> {
    let legal = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    let sound = !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && !text.starts_with('-')
        && text.chars().all(legal);
    if !sound {
        return Err(NameError { text: text.chars().take(2 * NAME_BYTES_MAX).collect() });
    }
    Ok(text.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
        pub struct $Name(Box<str>);

        impl $Name {
            /// Checks a name.
            ///
            /// # Errors
            /// `NameError` when it is empty, too long, or has other characters than a-z, 0-9, `-`.
            pub fn new(text: &str) -> Result<Self, NameError> {
                checked(text).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $Name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$Name> for String {
            fn from(name: $Name) -> Self {
                name.0.into()
            }
        }

        impl std::str::FromStr for $Name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a node, as in `[node] name`.
    NodeName
}
name! {
    /// The name of an engine; the default is `main`.
    EngineName
}

impl Default for EngineName {
    fn default() -> Self {
        Self("main".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(NodeName::new("gw-a").unwrap().as_str(), "gw-a");
        for bad in ["", "-a", "A", "a b", "ä", "a\u{1b}[2J", &"x".repeat(33)] {
            assert!(EngineName::new(bad).is_err(), "{bad:?}");
        }
    }
}
