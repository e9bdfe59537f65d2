//! A provider that fails is named, and the others go on.
use crate::table::at;
use hotpair_engine::{
    Item, Post, ProviderError, ProviderRegistry, RegistryError, RuntimeStateProvider, Update,
};
use hotpair_types::Position;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Recipes {
    name: &'static str,
    held: Mutex<BTreeMap<Box<str>, bytes::Bytes>>,
}

impl RuntimeStateProvider for Recipes {
    fn name(&self) -> &str {
        self.name
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        match &update.value {
            Some(value) if value.is_empty() => panic!("an empty recipe {}", update.item),
            Some(value) if value.len() > 9 => {
                return Err(ProviderError::of_item(&update.item, "too long"));
            }
            Some(value) => {
                drop(self.held.lock().unwrap().insert(update.item.clone(), value.clone()))
            }
            None => drop(self.held.lock().unwrap().remove(&update.item)),
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, bytes::Bytes)>, ProviderError> {
        Ok(self.held.lock().unwrap().clone().into_iter().collect())
    }

    fn restore(&self, _: Position, items: &[Item]) -> Result<(), ProviderError> {
        assert!(self.name != "bad", "cannot restore");
        let items = items.iter().map(|it| (it.item.clone(), it.value.clone()));
        *self.held.lock().unwrap() = items.collect();
        Ok(())
    }
}

fn update(item: &str, value: &str) -> [Update; 1] {
    [Post { item: item.into(), value: Some(value.to_owned().into()) }.at(at(1, 1))]
}

fn registry(names: &[&'static str]) -> ProviderRegistry {
    let registry = ProviderRegistry::new();
    for name in names {
        registry.register(Arc::new(Recipes { name, ..Recipes::default() })).unwrap();
    }
    registry
}

#[test]
fn an_update_reaches_the_provider_it_is_for() {
    let registry = registry(&["one", "two"]);
    registry.apply("two", &update("soup", "salt")).unwrap();
    assert_eq!(registry.snapshot("two").unwrap(), [("soup".into(), "salt".into())]);
    assert_eq!(registry.snapshot("one").unwrap(), []);
    let error = registry.apply("three", &[]).unwrap_err();
    assert_eq!(error.to_string(), "no provider `three` is registered");
}

#[test]
fn a_provider_that_panics_or_fails_is_named() {
    let registry = registry(&["one"]);
    let error = registry.apply("one", &update("soup", "")).unwrap_err();
    assert_eq!(error.to_string(), "provider `one` panicked: an empty recipe soup");
    let error = registry.apply("one", &update("soup", "much too long")).unwrap_err();
    assert_eq!(error.to_string(), "provider `one`: too long");
    registry.apply("one", &update("soup", "salt")).unwrap();
}

#[test]
fn one_that_cannot_restore_does_not_keep_the_others_from_it() {
    let registry = registry(&["bad", "good", "other"]);
    registry.apply("other", &update("soup", "salt")).unwrap();
    let item = Item { position: at(1, 1), item: "soup".into(), value: "pepper".into() };
    let errors = registry.restore_all(at(1, 1), &BTreeMap::from([("good".into(), vec![item])]));
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, ["provider `bad` panicked: cannot restore"]);
    assert_eq!(registry.snapshot("good").unwrap(), [("soup".into(), "pepper".into())]);
    assert_eq!(registry.snapshot("other").unwrap(), [], "who has no item is empty");
}

#[test]
fn names_are_plain_and_unique_and_there_is_a_limit() {
    let registry = registry(&["one"]);
    let register = |name: String| {
        let name: &'static str = name.leak();
        registry.register(Arc::new(Recipes { name, ..Recipes::default() }))
    };
    assert_eq!(register("one".into()), Err(RegistryError::Taken { name: "one".into() }));
    for bad in ["", "a/b", "a b", "\u{1b}"] {
        assert!(matches!(register(bad.into()), Err(RegistryError::BadName { .. })), "{bad:?}");
    }
    for number in 1..hotpair_engine::PROVIDERS_MAX {
        register(format!("p{number}")).unwrap();
    }
    assert_eq!(register("more".into()), Err(RegistryError::Full));
    registry.unregister("one").unwrap();
    register("more".into()).unwrap();
}
