//! How a run of a service ended, as its warden says it on the socket of the lease: a program's own status may be
//! any number, also those by which a shell says that it could not start one or that a signal ended it.
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// A kind and a number.
pub(super) const WORD_BYTES: usize = 5;

/// The end of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The program ended with this status.
    Exited(i32),
    /// This signal ended the program.
    Killed(i32),
    /// There was no program: by the number of the system's error, where it has one.
    NotStarted(Option<i32>),
    /// It was not allowed to run any more.
    TimeOver,
    /// The warden ended without a word.
    Unsaid(ExitStatus),
}

impl End {
    /// What the warden says; nothing of what only the node can see.
    pub(super) fn encode(self) -> Option<[u8; WORD_BYTES]> {
        let (kind, number) = match self {
            Self::Exited(status) => (1, status),
            Self::Killed(signal) => (2, signal),
            Self::NotStarted(error) => (3, error.unwrap_or(0)),
            Self::TimeOver => (4, 0),
            Self::Unsaid(_) => return None,
        };
        let [a, b, c, d] = number.to_le_bytes();
        Some([kind, a, b, c, d])
    }

    /// What the warden said before it ended with this status.
    pub(super) fn decode(word: &[u8], status: ExitStatus) -> Self {
        let Some((&[kind, a, b, c, d], _)) = word.split_first_chunk::<WORD_BYTES>() else {
            return Self::Unsaid(status);
        };
        let number = i32::from_le_bytes([a, b, c, d]);
        match kind {
            1 => Self::Exited(number),
            2 => Self::Killed(number),
            3 => Self::NotStarted((number != 0).then_some(number)),
            4 => Self::TimeOver,
            _ => Self::Unsaid(status),
        }
    }

    /// For people.
    pub(super) fn text(self) -> String {
        match self {
            Self::Exited(status) => format!("ended with status {status}"),
            Self::Killed(signal) => format!("ended by signal {signal}"),
            Self::NotStarted(Some(error)) => {
                format!("it cannot be started: {}", std::io::Error::from_raw_os_error(error))
            }
            Self::NotStarted(None) => "it cannot be started".to_owned(),
            Self::TimeOver => "ended: it was not allowed to run any more".to_owned(),
            Self::Unsaid(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("its warden ended with status {code}"),
                (None, Some(signal)) => format!("its warden was ended by signal {signal}"),
                (None, None) => "its warden ended".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_warden_says_is_what_the_node_hears() {
        let gone = ExitStatus::from_raw(9);
        let said = [
            End::Exited(127),
            End::Exited(143),
            End::Killed(15),
            End::NotStarted(Some(2)),
            End::NotStarted(None),
            End::TimeOver,
        ];
        for end in said {
            let word = end.encode().expect("a warden says it");
            assert_eq!(End::decode(&word, gone), end);
        }
        for unsaid in [&[][..], &[1, 0, 0, 0], &[9, 0, 0, 0, 0]] {
            assert_eq!(End::decode(unsaid, gone), End::Unsaid(gone), "{unsaid:?}");
        }
        assert_eq!(End::Unsaid(gone).text(), "its warden was ended by signal 9");
        assert_eq!(
            End::NotStarted(Some(2)).text(),
            "it cannot be started: No such file or directory (os error 2)"
        );
    }
}
