//! Modbus TCP devices: their registers become tags, and tags become their registers.
//!
//! A device is a config record `modbus/NAME` ([`Device`]). Both nodes hold a connection to it and read it, so
//! that the standby knows whether it could go on; only the active posts what it read and writes
//! outputs. What the plant was told last is live state of the provider `modbus` ([`Written`]), so the other
//! node knows it after a takeover.
//!
//! Reading a declaration, the encoding of registers and what is read together are pure. [`run`] is the loop
//! of one device; what it needs of a node is the trait [`Site`].

#![warn(missing_docs)]

mod device;
mod point;
mod plan;
mod connection;
mod written;
mod site;
mod device_loop;

pub use connection::ModbusError;
pub use device::{
    CONFIG_PREFIX, DEVICES_MAX, DOCUMENT_BYTES_MAX, Device, POINTS_MAX, POLL_MAX, POLL_MIN,
    TIMEOUT_MAX, TIMEOUT_MIN, TagOf,
};
pub use device_loop::{Health, RECONNECT_MAX, doubt, run};
pub use plan::{BITS_MAX, Block, GAP_MAX, REGISTERS_MAX, blocks};
pub use point::{Encoding, EncodingError, Number, Point, Raw, Table, WordOrder};
pub use site::{Site, SiteError};
pub use written::{PROVIDER, Written};
