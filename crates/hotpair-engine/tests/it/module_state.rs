//! State goes on in another instance, bit for bit; its bytes are a contract.
use crate::wat::{NOTHING, bytes, input, instance, module, scanning};
use expect_test::expect;
use hotpair_engine::modules::{
    Budget, Changes, Gap, HEAD_ITEM, Inputs, Instance, Module, RestoreError, Scan, State,
};
use hotpair_types::NodeTime;
use proptest::prelude::*;

/// Keeps what it reads in memory and in globals, scattered, and grows at times.
const WORK: &str = r#"
    (local $at i32)
    (global.set $count (i64.add (i64.mul (global.get $count) (i64.const 6364136223846793005))
        (i64.add (call $read_int (i32.const 1)) (call $elapsed_us))))
    (local.set $at (i32.wrap_i64 (i64.shr_u (global.get $count) (i64.const 49))))
    (i64.store (local.get $at) (i64.xor (i64.load (local.get $at)) (global.get $count)))
    (if (i32.and (call $read_bool (i32.const 0)) (i32.lt_u (memory.size) (i32.const 5)))
        (then
            (i32.store (i32.sub (i32.mul (i32.const 65536)
                (i32.add (memory.grow (i32.const 1)) (i32.const 1))) (i32.const 4)) (local.get $at))
            (i32.store (i32.const 2048) (i32.const 0))))
    (if (call $read_bool (i32.const 0)) (then
        (if (i64.eqz (i64.rem_u (global.get $count) (i64.const 5))) (then unreachable))))
    (call $write_int (i32.const 4) (i64.xor (global.get $count)
        (i64.load (i32.and (i32.mul (local.get $at) (i32.const 7)) (i32.const 0xfff8)))))"#;

fn at(scan: &(bool, i64)) -> [hotpair_engine::modules::Input; 2] {
    [input(scan.0), input(scan.1)]
}

/// What came out, and the changes if any.
fn run(instance: &mut Instance, scans: &[(bool, i64)]) -> Vec<Result<Scan, String>> {
    let scan = |it: &(bool, i64)| {
        let ports = at(it);
        let inputs = Inputs { ports: &ports, elapsed_us: 7, time: NodeTime(0) };
        instance.scan(&inputs).map_err(|fault| fault.to_string())
    };
    scans.iter().map(scan).collect()
}

/// As it is carried: item by item, and read again.
fn carried(items: &[(Box<str>, ::bytes::Bytes)]) -> impl Iterator<Item = (&str, &[u8])> {
    items.iter().map(|(item, value)| (&**item, &**value))
}

proptest! {
    #[test]
    fn an_instance_goes_on_from_the_state_of_another(
        scans in prop::collection::vec((any::<bool>(), any::<i64>()), 2..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let module = scanning(WORK);
        let mut all = Instance::new(&module, Budget::default()).unwrap();
        let whole = run(&mut all, &scans);
        let cut = cut.index(scans.len());
        let mut first = Instance::new(&module, Budget::default()).unwrap();
        // The standby: what it was told, scan by scan.
        let mut told: Option<State> = None;
        for scan in run(&mut first, &scans[..cut]).into_iter().flatten() {
            let changes = Changes::from_items(carried(&scan.changes.items())).unwrap();
            prop_assert_eq!(&changes, &scan.changes);
            match &mut told {
                Some(state) => state.apply(changes).unwrap(),
                None => told = Some(State::begin(changes).unwrap()),
            }
        }
        if let Some(state) = &told {
            let state = State::from_items(carried(&state.items())).unwrap();
            prop_assert_eq!(Some(&state), told.as_ref());
            let mut second = Instance::restore(&module, Budget::default(), &state).unwrap();
            prop_assert_eq!(run(&mut second, &scans[cut..]), &whole[cut..]);
            prop_assert_eq!(second.state(), all.state());
        }
        // A copy of it all at once goes on as well.
        if let Some(state) = first.state() {
            let mut third = Instance::restore(&module, Budget::default(), &state).unwrap();
            prop_assert_eq!(run(&mut third, &scans[cut..]), &whole[cut..]);
        }
    }

    #[test]
    fn no_items_make_the_reader_panic(
        items in prop::collection::vec(("(head|m/00[01][0-9a-f]|m/|x)", any::<Vec<u8>>()), 0..6),
        version in any::<bool>(),
    ) {
        let mut items = items;
        for (_, value) in &mut items {
            if version && !value.is_empty() {
                value[0] = 1;
            }
        }
        let items: Vec<(Box<str>, ::bytes::Bytes)> =
            items.into_iter().map(|(item, value)| (item.into(), value.into())).collect();
        if let Ok(state) = State::from_items(carried(&items)) {
            let again = state.items();
            prop_assert_eq!(State::from_items(carried(&again)), Ok(state));
        }
    }
}

#[test]
fn only_what_changed_is_handed_out() {
    let mut instance = instance(
        "(if (i64.eqz (call $scan_number)) (then (i32.store (i32.const 5000) (i32.const 258))))",
    );
    let chunks = |it: &mut Instance| {
        let chunks = it.scan(&NOTHING).unwrap().changes.chunks;
        chunks.into_iter().map(|it| (it.index, it.bytes.len())).collect::<Vec<_>>()
    };
    assert_eq!(chunks(&mut instance), [(4, 5000 - 4096 + 2)], "without the zeros at its end");
    assert_eq!(chunks(&mut instance), []);
    assert_eq!(instance.state().unwrap().items().len(), 2, "its data is in the module");
}

#[test]
fn the_bytes_are_those_of_version_1() {
    let mut instance = instance(
        "(i32.store (i32.const 2048) (i32.const 0)) (i32.store (i32.const 1024) (i32.const 258))
         (global.set $count (i64.const -1))",
    );
    let changes = instance.scan(&NOTHING).unwrap().changes;
    let line = |(item, value): &(Box<str>, ::bytes::Bytes)| {
        let hex: String = value.iter().map(|it| format!("{it:02x}")).collect();
        // The hash is that of the module's bytes, which are the text tool's.
        format!("{item} {}\n", hex.replace(&changes.module.to_string(), "<hash>"))
    };
    let lines: String = changes.items().iter().map(line).collect();
    expect![[r#"
        head 01<hash>010101ffffffffffffffffff01
        m/0001 010201
        m/0002 01
    "#]]
    .assert_eq(&lines);
}

fn head(pages: u8) -> Vec<u8> {
    [&[1][..], &[7; 32], &[3, pages, 1, 0]].concat()
}

#[test]
fn items_that_no_release_wrote_are_refused() {
    let refused = |items: &[(&str, &[u8])]| {
        State::from_items(items.iter().copied()).map(|_| ()).unwrap_err().to_string()
    };
    let sound = head(1);
    assert_eq!(refused(&[]), "there is no item `head`");
    assert_eq!(refused(&[("head", &[])]), "item `head`: no bytes");
    assert_eq!(refused(&[("head", &[2])]), "item `head`: its encoding version is not known");
    assert_eq!(refused(&[("head", &sound[..30])]), "item `head`: cannot be read");
    assert_eq!(
        refused(&[("head", &[&sound[..], &[0]].concat())]),
        "item `head`: bytes after its end"
    );
    assert_eq!(refused(&[("head", &head(127)), ("head", &sound)]), "item `head`: is there twice");
    let large = [&sound[..34], &[0x81, 1, 0]].concat();
    assert_eq!(refused(&[("head", &large)]), "item `head`: more memory than any budget");
    let none = [&sound[..33], &[0, 1, 0]].concat();
    assert_eq!(refused(&[("head", &none)]), "item `head`: the state of no scan");
    let globals = [&sound[..35], &[0x81, 2], &[0; 257]].concat();
    assert_eq!(refused(&[("head", &globals)]), "item `head`: more globals than a module can have");
    let chunk = |item: &str, value: &[u8]| refused(&[("head", &sound), (item, value)]);
    assert_eq!(chunk("m/1", &[1, 1]), "item `m/1` is not of a module's state");
    assert_eq!(chunk("m/00A1", &[1, 1]), "item `m/00A1` is not of a module's state");
    assert_eq!(chunk("m/+001", &[1, 1]), "item `m/+001` is not of a module's state");
    assert_eq!(chunk("m/0001", &[]), "item `m/0001`: no bytes");
    assert_eq!(chunk("m/0001", &[3]), "item `m/0001`: encoding version 3 is not known");
    assert_eq!(chunk("m/0001", &[1, 1, 0]), "item `m/0001`: ends with a zero");
    assert_eq!(chunk("m/0001", &[1; 1026]), "item `m/0001`: 1025 bytes; a piece has at most 1024");
    assert_eq!(chunk("m/0040", &[1, 1]), "item `m/0040`: behind 1 pages of memory");
    let twice: [(&str, &[u8]); 3] = [("m/0001", &[1, 1]), ("head", &sound), ("m/0001", &[1, 2])];
    assert_eq!(refused(&twice), "item `m/0001`: is there twice");
    assert!(State::from_items([(HEAD_ITEM, &sound[..]), ("m/003f", &[1, 1])]).is_ok());
}

#[test]
fn changes_that_do_not_follow_are_not_taken() {
    let mut instance = instance(WORK);
    let changes: Vec<_> = (0..3).map(|_| instance.scan(&NOTHING).unwrap().changes).collect();
    assert_eq!(State::begin(changes[1].clone()), Err(Gap::Scans { held: 0, came: 2 }));
    let mut state = State::begin(changes[0].clone()).unwrap();
    let before = state.clone();
    assert_eq!(state.apply(changes[2].clone()), Err(Gap::Scans { held: 1, came: 3 }));
    assert_eq!(state.apply(changes[0].clone()), Err(Gap::Scans { held: 1, came: 1 }));
    let mut other = changes[1].clone();
    other.module.0[0] ^= 1;
    assert!(matches!(state.apply(other), Err(Gap::Module { .. })));
    assert_eq!(state, before);
    assert_eq!(state.apply(changes[1].clone()), Ok(()));
    assert_eq!(state.scans(), 2);
}

fn of(module: &Module, pages: u8, globals: &[u8], chunks: &[(&str, &[u8])]) -> State {
    let head = [&[1][..], &module.hash().0, &[3, pages], globals].concat();
    State::from_items(chunks.iter().copied().chain([(HEAD_ITEM, &head[..])])).unwrap()
}

#[test]
fn a_state_that_is_not_of_the_module_is_refused() {
    let limited = r#"(module (memory (export "memory") 2 3) (global (mut f32) (f32.const 0))
        (func (export "hotpair_v1_scan")))"#;
    let module = module(limited);
    let refused = |state: &State| {
        let budget = Budget::new(1_000, 65_536 * 4);
        Instance::restore(&module, budget, state).map(|_| ()).unwrap_err().to_string()
    };
    let damaged = |pages, globals: &[u8]| refused(&of(&module, pages, globals, &[]));
    assert_eq!(damaged(2, &[0]), "no state of this module: it has another number of globals");
    assert_eq!(damaged(1, &[1, 0]), "no state of this module: less memory than it begins with");
    assert_eq!(
        damaged(4, &[1, 0]),
        "no state of this module: more memory than the module can have"
    );
    assert_eq!(damaged(5, &[1, 0]), "wanted 327680 bytes of memory; 262144 are allowed");
    let other = scanning("");
    let error = Instance::restore(&module, Budget::default(), &of(&other, 1, &[1, 0], &[]));
    assert!(matches!(error, Err(RestoreError::OtherModule { .. })));
    let sound = of(&module, 3, &[1, 0x80, 0x80, 0x80, 0xfc, 3], &[("m/00bf", &[1, 9])]);
    let instance = Instance::restore(&module, Budget::default(), &sound).unwrap();
    assert_eq!(instance.state(), Some(sound));
    assert_eq!(Module::admit(&bytes(limited)).unwrap().hash(), module.hash());
}
