//! Native objects: programs in Rust, for those who embed the crate.
use super::declaration::ObjectDeclaration;
use super::fault::{Fault, FaultKind};
use super::program::{Chunk, Inputs, Outputs, Program};
use crate::tags::{Quality, TagRecord, Value};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// How large the pieces are in which a native object's state travels.
pub const NATIVE_CHUNK_BYTES: usize = 1024;

/// A program in Rust. Whatever it has to remember from scan to scan is in its fields: they are
/// encoded after each scan and are what the partner goes on with. A change of the fields is another
/// [`IDENTITY`](Self::IDENTITY).
///
/// It must not look at clocks, files or random numbers: what it does has to follow from its fields and
/// from the scan it is given.
pub trait NativeObject: Serialize + DeserializeOwned + Send + 'static {
    /// Name and version of its state, for example `tank/1`. At most 128 bytes.
    const IDENTITY: &'static str;

    /// Does one scan.
    ///
    /// # Errors
    /// `Fault` ends the object. A panic does, too.
    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault>;
}

/// One scan of a native object: attributes by their names.
#[derive(Debug)]
pub struct Scan<'a> {
    declaration: &'a ObjectDeclaration,
    inputs: &'a Inputs<'a>,
    outputs: Outputs,
}

impl<'a> Scan<'a> {
    /// What the scan was given besides attributes.
    #[must_use]
    pub const fn inputs(&self) -> &'a Inputs<'a> {
        self.inputs
    }

    /// An attribute as it was before the scan.
    ///
    /// # Errors
    /// `Fault` when none has this name.
    pub fn get(&self, name: &str) -> Result<&'a TagRecord, Fault> {
        self.place(name).map(|place| &self.inputs.attributes[place])
    }

    /// A number that can be used; `None` when its quality is bad.
    ///
    /// # Errors
    /// `Fault` when no attribute of type int or float has this name.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Fault> {
        let record = self.get(name)?;
        let number = crate::alarms::as_float(&record.value);
        let number = number.ok_or_else(|| wrong(name, "is no number"))?;
        Ok((record.quality != Quality::Bad).then_some(number))
    }

    /// Writes an attribute, as good.
    ///
    /// # Errors
    /// `Fault` when none has this name.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<(), Fault> {
        let place = self.place(name)?;
        self.outputs.set(place, value, Quality::Good);
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, Fault> {
        self.declaration.attribute(name).ok_or_else(|| wrong(name, "is not declared"))
    }
}

fn wrong(name: &str, what: &str) -> Fault {
    Fault::new(FaultKind::BadOutput, format!("attribute `{name}` {what}"))
}

/// A native object as a program.
#[derive(Debug)]
pub struct Native<T> {
    declaration: Arc<ObjectDeclaration>,
    object: T,
    /// The state as it was last told or taken.
    told: Vec<Bytes>,
}

impl<T: NativeObject> Native<T> {
    /// A program that begins with this.
    #[must_use]
    pub const fn new(declaration: Arc<ObjectDeclaration>, object: T) -> Self {
        Self { declaration, object, told: Vec::new() }
    }

    /// The object as it is now.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.object
    }

    fn pieces(&self) -> Vec<Bytes> {
        let encoded = postcard::to_allocvec(&self.object);
        // A type whose Serialize fails is found by its first scan.
        let encoded = Bytes::from(encoded.expect("fields that postcard can encode"));
        let ends = (0..encoded.len()).step_by(NATIVE_CHUNK_BYTES);
        ends.map(|it| encoded.slice(it..encoded.len().min(it + NATIVE_CHUNK_BYTES))).collect()
    }
}

impl<T: NativeObject> Program for Native<T> {
    fn identity(&self) -> &str {
        T::IDENTITY
    }

    fn scan(&mut self, inputs: &Inputs<'_>) -> Result<Outputs, Fault> {
        let declaration = Arc::clone(&self.declaration);
        let mut scan = Scan { declaration: &declaration, inputs, outputs: Outputs::new() };
        self.object.scan(&mut scan)?;
        Ok(scan.outputs)
    }

    fn state(&self) -> Vec<Chunk> {
        (0..).zip(self.pieces()).map(|(at, it)| Chunk { at, bytes: Some(it) }).collect()
    }

    fn changes(&mut self) -> Vec<Chunk> {
        let pieces = self.pieces();
        let count = pieces.len().max(self.told.len());
        let changed = (0..count).filter(|it| pieces.get(*it) != self.told.get(*it));
        let chunk = |at: usize| {
            let number = u32::try_from(at).expect("a state is smaller than 4 TiB");
            Chunk { at: number, bytes: pieces.get(at).cloned() }
        };
        let changes = changed.map(chunk).collect();
        self.told = pieces;
        changes
    }

    fn apply(&mut self, chunks: &[Chunk]) -> Result<(), Fault> {
        let unsound = |reason: String| Fault::new(FaultKind::BadState, reason);
        for Chunk { at, bytes } in chunks {
            let place = *at as usize;
            match bytes {
                None => self.told.truncate(place),
                Some(bytes) if place < self.told.len() => self.told[place] = bytes.clone(),
                Some(bytes) if place == self.told.len() => self.told.push(bytes.clone()),
                Some(_) => {
                    return Err(unsound(format!(
                        "piece {} of its state is missing",
                        self.told.len()
                    )));
                }
            }
        }
        let whole = self.told.concat();
        let (object, rest) = postcard::take_from_bytes(&whole)
            .map_err(|error| unsound(format!("no state of `{}`: {error}", T::IDENTITY)))?;
        if !rest.is_empty() {
            return Err(unsound(format!(
                "{} bytes after the state of `{}`",
                rest.len(),
                T::IDENTITY
            )));
        }
        self.object = object;
        Ok(())
    }
}
