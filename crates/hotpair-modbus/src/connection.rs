//! A connection to one device. Every request has an end; after one that had none the connection is not
//! used again, because its late answer could be taken for that of another request.
//!
//! A connection that is dropped is aborted: the kernel forgets what it has not sent and what was not
//! acknowledged. Otherwise it would go on sending after a cut, and an old write would overtake newer ones.
use crate::plan::Block;
use crate::point::{Point, Raw, Table};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_modbus::client::{Context, tcp};
use tokio_modbus::prelude::{ExceptionCode, Reader as _, Slave, Writer as _};

/// Why a device did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModbusError {
    /// No connection.
    #[error("no connection to {address}: {reason}")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// It did not answer. Whether it did what it was asked is not known.
    #[error("no answer within {limit:?}")]
    Silent {
        /// How long was waited.
        limit: Duration,
    },
    /// It answered that it cannot (Modbus application protocol 1.1b3, 7).
    #[error(
        "the device refuses: {reason} ({code:#04x}), table {table:?}, address {address}, count {count}"
    )]
    Exception {
        /// Its code.
        code: u8,
        /// In words.
        reason: String,
        /// Of which table.
        table: Table,
        /// From which address.
        address: u16,
        /// How many.
        count: u16,
    },
    /// The node lost its right to act while a write was under way. Whether it was done is not known.
    #[error("the role went while a write was under way")]
    RoleGone,
    /// The connection broke, or what came is no Modbus.
    #[error("the connection broke: {reason}")]
    Broken {
        /// Why.
        reason: String,
    },
}

impl ModbusError {
    /// Whether the connection can be used again.
    #[must_use]
    pub const fn leaves_the_connection(&self) -> bool {
        match self {
            Self::Exception { .. } => true,
            Self::Connect { .. } | Self::Silent { .. } | Self::RoleGone | Self::Broken { .. } => {
                false
            }
        }
    }

    /// Whether the device has not all of what was asked for: it may have a part of it. A device that is
    /// busy, or a gateway that does not reach it, has no part either.
    #[must_use]
    pub fn is_of_the_range(&self) -> bool {
        let of_range =
            [ExceptionCode::IllegalDataAddress, ExceptionCode::IllegalDataValue].map(u8::from);
        matches!(self, Self::Exception { code, .. } if of_range.contains(code))
    }
}

/// What a block holds.
#[derive(Clone, Debug)]
pub(crate) enum Words {
    Bits(Vec<bool>),
    Registers(Vec<u16>),
}

impl Words {
    /// What one point has of it.
    pub(crate) fn of(&self, block: &Block, point: &Point) -> Option<Raw> {
        let first = usize::from(point.address.checked_sub(block.address)?);
        let end = first + usize::from(point.encoding.width());
        match self {
            Self::Bits(bits) => bits.get(first).map(|it| Raw::Bit(*it)),
            Self::Registers(them) => them.get(first..end).map(|it| Raw::Registers(it.to_vec())),
        }
    }
}

pub(crate) struct Connection {
    context: Context,
    limit: Duration,
}

impl Connection {
    pub(crate) async fn open(
        address: SocketAddr,
        unit: u8,
        limit: Duration,
    ) -> Result<Self, ModbusError> {
        let failed = |reason: String| ModbusError::Connect { address, reason };
        let stream = timeout(limit, connect(address, limit))
            .await
            .map_err(|_| failed(format!("no answer within {limit:?}")))?
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { context: tcp::attach_slave(stream, Slave(unit)), limit })
    }

    pub(crate) async fn read(&mut self, block: &Block) -> Result<Words, ModbusError> {
        let Block { table, address, count, .. } = *block;
        let context = &mut self.context;
        let asked = async {
            match table {
                Table::Coil => {
                    context.read_coils(address, count).await.map(|it| it.map(Words::Bits))
                }
                Table::Discrete => {
                    context.read_discrete_inputs(address, count).await.map(|it| it.map(Words::Bits))
                }
                Table::Input => {
                    let read = context.read_input_registers(address, count).await;
                    read.map(|it| it.map(Words::Registers))
                }
                Table::Holding => {
                    let read = context.read_holding_registers(address, count).await;
                    read.map(|it| it.map(Words::Registers))
                }
            }
        };
        answered(timeout(self.limit, asked).await, self.limit, (table, address, count))
    }

    pub(crate) async fn write(&mut self, point: &Point, raw: &Raw) -> Result<(), ModbusError> {
        let Point { table, address, .. } = *point;
        let context = &mut self.context;
        let asked = async {
            match raw {
                Raw::Bit(it) => context.write_single_coil(address, *it).await,
                Raw::Registers(them) => match them.as_slice() {
                    [one] => context.write_single_register(address, *one).await,
                    several => context.write_multiple_registers(address, several).await,
                },
            }
        };
        let asked_for = (table, address, point.encoding.width());
        answered(timeout(self.limit, asked).await, self.limit, asked_for)
    }
}

/// Dropping the stream aborts it. The kernel itself ends it when what was sent is not acknowledged in time:
/// a process that stands still drops nothing.
async fn connect(address: SocketAddr, limit: Duration) -> std::io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_zero_linger()?;
    socket.set_nodelay(true)?;
    let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
    rustix::net::sockopt::set_tcp_user_timeout(&socket, limit)?;
    socket.connect(address).await
}

type Asked<T> = Result<tokio_modbus::Result<T>, tokio::time::error::Elapsed>;

fn answered<T>(
    asked: Asked<T>,
    limit: Duration,
    (table, address, count): (Table, u16, u16),
) -> Result<T, ModbusError> {
    match asked {
        Err(_) => Err(ModbusError::Silent { limit }),
        Ok(Err(error)) => Err(ModbusError::Broken { reason: error.to_string() }),
        Ok(Ok(Err(code))) => {
            let (reason, code) = (code.to_string(), code.into());
            Err(ModbusError::Exception { code, reason, table, address, count })
        }
        Ok(Ok(Ok(it))) => Ok(it),
    }
}
