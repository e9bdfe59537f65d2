//! Native objects by name: what an embedding program gives its node besides modules.
use super::declaration::ObjectDeclaration;
use super::declared::ModulePorts;
use super::fault::Fault;
use super::name::{NAME_ALLOWED, Name};
use super::native::{Native, NativeObject};
use super::runner::MakeProgram;
use super::surroundings::Port;
use super::unit::IDENTITY_BYTES_MAX;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What the name of a native object begins with where a declaration says what an object runs. The
/// name of a module cannot: it has no colon.
pub const NATIVE_PREFIX: &str = "native:";

/// The native objects of a node. Both nodes of a pair need the same ones.
#[derive(Clone, Default)]
pub struct Natives(BTreeMap<Box<str>, Kind>);

#[derive(Clone)]
struct Kind {
    identity: &'static str,
    ports: Vec<Port>,
    make: MakeProgram,
}

/// Why a native object cannot be had under a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeRefusal {
    /// The name.
    #[error("`{name}` cannot name a native object: it is {NAME_ALLOWED}")]
    Name {
        /// As it was given.
        name: Box<str>,
    },
    /// Two by one name.
    #[error("there is a native object `{name}` already")]
    Twice {
        /// Of both.
        name: Box<str>,
    },
    /// The identity of its state.
    #[error("the identity of `{name}` has {bytes} bytes; 1 to {IDENTITY_BYTES_MAX} are allowed")]
    Identity {
        /// Of the object.
        name: Box<str>,
        /// How long its identity is.
        bytes: usize,
    },
}

impl Natives {
    /// Adds one: declarations name it `native:` and this name. `ports`: what a declaration needs for it.
    /// `begin` makes it as it is before its first scan; it is called on the thread that scans.
    ///
    /// # Errors
    /// `NativeRefusal` for a name or an identity that cannot be used.
    pub fn add<T: NativeObject>(
        &mut self,
        name: &str,
        ports: Vec<Port>,
        begin: impl Fn(&ObjectDeclaration) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<(), NativeRefusal> {
        if Name::new(name).is_none() {
            return Err(NativeRefusal::Name { name: name.into() });
        }
        let bytes = T::IDENTITY.len();
        if !(1..=IDENTITY_BYTES_MAX).contains(&bytes) {
            return Err(NativeRefusal::Identity { name: name.into(), bytes });
        }
        let key: Box<str> = format!("{NATIVE_PREFIX}{name}").into();
        if self.0.contains_key(&key) {
            return Err(NativeRefusal::Twice { name: name.into() });
        }
        let make: MakeProgram = Arc::new(move |declaration| {
            let object = begin(declaration)?;
            Ok(Box::new(Native::new(Arc::new(declaration.clone()), object)))
        });
        self.0.insert(key, Kind { identity: T::IDENTITY, ports, make });
        Ok(())
    }

    /// What makes the program that a declaration names; none for a module.
    #[must_use]
    pub fn get(&self, module: &str) -> Option<MakeProgram> {
        self.0.get(module).map(|it| it.make.clone())
    }

    /// What each of them has to find declared.
    #[must_use]
    pub fn ports(&self) -> ModulePorts {
        self.0.iter().map(|(name, it)| (name.clone(), it.ports.clone())).collect()
    }

    /// All of them with the identity of their state, for a comparison of two nodes; none when there is none.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let all: Vec<_> = self.0.iter().map(|(name, kind)| named(name, kind)).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

fn named(name: &str, kind: &Kind) -> String {
    format!("{} ({})", name.strip_prefix(NATIVE_PREFIX).unwrap_or(name), kind.identity)
}

impl fmt::Debug for Natives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::native::Scan;
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Idle;

    impl NativeObject for Idle {
        const IDENTITY: &'static str = "idle/1";

        fn scan(&mut self, _: &mut Scan<'_>) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Nameless;

    impl NativeObject for Nameless {
        const IDENTITY: &'static str = "";

        fn scan(&mut self, _: &mut Scan<'_>) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[test]
    fn a_name_that_cannot_be_used_is_refused_with_what_is_allowed() {
        let mut natives = Natives::default();
        let add = |natives: &mut Natives, name| natives.add(name, Vec::new(), |_| Ok(Idle));
        assert_eq!(add(&mut natives, "idle"), Ok(()));
        let refused = |it: Result<(), NativeRefusal>| it.map_err(|it| it.to_string());
        assert_eq!(
            refused(add(&mut natives, "idle")),
            Err("there is a native object `idle` already".into())
        );
        assert_eq!(
            refused(add(&mut natives, "id:le")),
            Err("`id:le` cannot name a native object: it is 1 to 64 of a-z, A-Z, 0-9, `_`, `-`"
                .into())
        );
        assert_eq!(
            refused(natives.add("nameless", Vec::new(), |_| Ok(Nameless))),
            Err("the identity of `nameless` has 0 bytes; 1 to 128 are allowed".into())
        );
        assert_eq!(natives.text().as_deref(), Some("idle (idle/1)"));
    }
}
