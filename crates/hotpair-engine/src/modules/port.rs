//! Ports: the named inputs and outputs of a module, as it declares them itself.
use crate::tags::TagType;
use std::fmt;

/// How many ports a module may have.
pub const PORTS_MAX: usize = 256;
/// The longest declaration of all of them.
pub const PORTS_BYTES_MAX: usize = 64 * 1024;
const NAME_BYTES_MAX: usize = 64;

/// Which way values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the module.
    In,
    /// Out of it.
    Out,
}

impl Direction {
    /// The word in a declaration.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// What a port carries: the types of tags, without text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortType {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits, signed.
    Int,
    /// A finite number.
    Float,
}

impl PortType {
    /// The type of the tags it can be bound to.
    #[must_use]
    pub const fn of_tag(self) -> TagType {
        match self {
            Self::Bool => TagType::Bool,
            Self::Int => TagType::Int,
            Self::Float => TagType::Float,
        }
    }

    /// The word in a declaration.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.of_tag().id()
    }
}

impl fmt::Display for PortType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// One input or output. A module knows it by its place in the declaration, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What an object's declaration calls it.
    pub name: Box<str>,
    /// Which way values go.
    pub direction: Direction,
    /// What it carries.
    pub of_type: PortType,
}

/// Why a declaration of ports cannot be read. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortsError {
    /// Beyond `PORTS_BYTES_MAX`.
    #[error("{bytes} bytes; {PORTS_BYTES_MAX} are possible")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// Beyond `PORTS_MAX`.
    #[error("more than {PORTS_MAX} ports")]
    TooMany,
    /// Not UTF-8.
    #[error("not UTF-8 after byte {valid_bytes}")]
    NotText {
        /// How much of it is.
        valid_bytes: usize,
    },
    /// Not a port.
    #[error("line {line} is `{text}`; a line is `in` or `out`, a name and one of bool, int, float")]
    NotAPort {
        /// Which line.
        line: usize,
        /// The line, shortened and escaped.
        text: String,
    },
    /// The name cannot be used.
    #[error("line {line}: `{name}` is no name; 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` are needed")]
    BadName {
        /// Which line.
        line: usize,
        /// The name, shortened and escaped.
        name: String,
    },
    /// Two ports of one name.
    #[error("line {line}: there is a port `{name}` already")]
    Twice {
        /// Which line.
        line: usize,
        /// The name.
        name: Box<str>,
    },
}

/// Reads a declaration: one port a line, `in` or `out`, its name, its type.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Port>, PortsError> {
    if bytes.len() > PORTS_BYTES_MAX {
        return Err(PortsError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| PortsError::NotText { valid_bytes: error.valid_up_to() })?;
    let mut ports: Vec<Port> = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let port = port(line, text)?;
        if ports.iter().any(|it| it.name == port.name) {
            return Err(PortsError::Twice { line, name: port.name });
        }
        if ports.len() == PORTS_MAX {
            return Err(PortsError::TooMany);
        }
        ports.push(port);
    }
    Ok(ports)
}

fn port(line: usize, text: &str) -> Result<Port, PortsError> {
    let no_port = || PortsError::NotAPort { line, text: shown(text) };
    let mut words = text.split_ascii_whitespace();
    let (Some(direction), Some(name), Some(of_type), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(no_port());
    };
    let direction = [Direction::In, Direction::Out].into_iter().find(|it| it.id() == direction);
    let types = [PortType::Bool, PortType::Int, PortType::Float];
    let of_type = types.into_iter().find(|it| it.id() == of_type);
    let (Some(direction), Some(of_type)) = (direction, of_type) else { return Err(no_port()) };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.len() > NAME_BYTES_MAX || !name.bytes().all(legal) {
        return Err(PortsError::BadName { line, name: shown(name) });
    }
    Ok(Port { name: name.into(), direction, of_type })
}

/// A name in a module for people: bounded, without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}
