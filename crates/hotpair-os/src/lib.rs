//! The only place where unsafe is allowed: small wrappers of system calls.

#![warn(missing_docs)]
