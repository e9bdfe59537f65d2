//! A code module of any bytes: admitted or refused, and what is admitted stays within its budget
//! and goes on from its state.
use crate::script::Script;
use hotpair_engine::modules::{Budget, Input, Inputs, Instance, Module, Scan, State};
use hotpair_engine::tags::{Quality, Value};
use hotpair_types::NodeTime;

/// So that a module that loops for ever does not hold up the others.
const FUEL: u64 = 20_000;
const MEMORY_BYTES: usize = 256 * 1024;
const SCANS: u64 = 4;

pub(crate) fn run(bytes: &[u8]) {
    let module = match Module::admit(bytes) {
        Ok(module) => module,
        Err(refused) => {
            assert!(!refused.reasons().is_empty(), "refused without a reason");
            let text = refused.to_string();
            assert!(!text.chars().any(char::is_control), "controls a terminal: {text:?}");
            return;
        }
    };
    let budget = Budget::new(FUEL, MEMORY_BYTES);
    let Ok(mut one) = Instance::new(&module, budget) else { return };
    let mut other = Instance::new(&module, budget).expect("it began with this budget before");
    let mut script = Script::new(bytes);
    let mut told: Option<State> = None;
    for number in 0..SCANS {
        let ports: Vec<Input> = module.ports().iter().map(|_| input(script.byte())).collect();
        let inputs = Inputs { ports: &ports, elapsed_us: 1_000, time: NodeTime(number) };
        let scan = one.scan(&inputs);
        assert_eq!(scan, other.scan(&inputs), "not a function of its inputs");
        if let Ok(scan) = scan {
            check(&scan, &module);
            match &mut told {
                Some(state) => state.apply(scan.changes).expect("one scan after the other"),
                None => told = Some(State::begin(scan.changes).expect("the first scan")),
            }
        }
        assert_eq!(one.state(), told, "not what the partner was told");
        if let Some(state) = &told {
            let items = state.items();
            let items = items.iter().map(|(item, value)| (&**item, &**value));
            assert_eq!(State::from_items(items).as_ref(), Ok(state));
            // The other one goes on elsewhere.
            other = Instance::restore(&module, budget, state).expect("a state of this module");
        }
    }
}

fn check(scan: &Scan, module: &Module) {
    assert!(scan.fuel <= FUEL, "{} of {FUEL}", scan.fuel);
    assert!(scan.changes.pages as usize * 65_536 <= MEMORY_BYTES, "{:?}", scan.changes.pages);
    for output in &scan.outputs {
        assert_eq!(output.value.of_type(), module.ports()[output.port].of_type.of_tag());
        assert!(!matches!(output.value, Value::Float(it) if !it.is_finite()));
    }
    for line in &scan.said.lines {
        assert!(!line.chars().any(char::is_control), "controls a terminal: {line:?}");
    }
}

fn input(byte: u8) -> Input {
    let value = match byte % 4 {
        0 => None,
        1 => Some(Value::Bool(byte > 127)),
        2 => Some(Value::Int(i64::from(byte) << (byte % 57))),
        _ => Some(Value::Float(f64::from(byte) / 3.0)),
    };
    Input { value, quality: Quality::Good }
}
