//! The example modules do what they say, and their bytes are those of their sources.
use crate::wat::input;
use hotpair_engine::modules::{Budget, Direction, Fault, Input, Inputs, Instance, Module, Scan};
use hotpair_engine::tags::{Quality, Value};
use hotpair_types::NodeTime;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMES: [&str; 3] = ["pump_sequence", "tank_level", "totaliser"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/modules")
}

/// A module with the inputs of its next scan, by name.
struct Bench {
    instance: Instance,
    inputs: Vec<Input>,
    elapsed_us: u64,
    scan: Option<Scan>,
}

impl Bench {
    fn new(name: &str, elapsed_us: u64) -> Self {
        let bytes = std::fs::read(folder().join(name).with_extension("wasm")).unwrap();
        let module = Module::admit(&bytes).unwrap();
        let inputs = module.ports().iter().filter(|it| it.direction == Direction::In).count();
        let instance = Instance::new(&module, Budget::default()).unwrap();
        Self { instance, inputs: vec![Input::default(); inputs], elapsed_us, scan: None }
    }

    fn set(&mut self, port: &str, value: impl Into<Value>) -> &mut Self {
        let named = |it: &&hotpair_engine::modules::Port| it.direction == Direction::In;
        let mut ports = self.instance.module().ports().iter().filter(named);
        let place = ports.position(|it| &*it.name == port).unwrap();
        self.inputs[place] = input(value);
        self
    }

    fn lose(&mut self, port: &str) -> &mut Self {
        self.set(port, false);
        let named = self.instance.module().ports().iter();
        let place = named.clone().position(|it| &*it.name == port).unwrap();
        self.inputs[place] = Input { value: None, quality: Quality::Bad };
        self
    }

    fn try_scan(&mut self) -> Result<&mut Self, Fault> {
        let (ports, elapsed_us) = (&self.inputs[..], self.elapsed_us);
        let inputs = Inputs { ports, elapsed_us, time: NodeTime(0) };
        self.scan = Some(self.instance.scan(&inputs)?);
        Ok(self)
    }

    fn scan(&mut self) -> &mut Self {
        self.try_scan().unwrap()
    }

    /// Goes on in another instance, as after a takeover.
    fn take_over(&mut self) {
        let state = self.instance.state().unwrap();
        let module = self.instance.module().clone();
        self.instance = Instance::restore(&module, Budget::default(), &state).unwrap();
    }

    fn output(&self, port: &str) -> (Value, Quality) {
        let place = self.instance.module().ports().iter().position(|it| &*it.name == port);
        let mut outputs = self.scan.as_ref().unwrap().outputs.iter();
        let output = outputs.find(|it| Some(it.port) == place).unwrap();
        (output.value.clone(), output.quality)
    }

    fn float(&self, port: &str) -> f64 {
        match self.output(port) {
            (Value::Float(it), _) => it,
            (other, _) => panic!("{port} is {other}"),
        }
    }

    fn int(&self, port: &str) -> i64 {
        match self.output(port) {
            (Value::Int(it), _) => it,
            (other, _) => panic!("{port} is {other}"),
        }
    }
}

#[test]
fn the_tank_comes_to_its_level_and_a_takeover_is_not_seen() {
    let run = |takeover: bool| {
        let mut bench = Bench::new("tank_level", 100_000);
        bench.set("setpoint", 2.0).set("gain", 20.0).set("reset_s", 10.0).set("rate_s", 0.5);
        bench.set("automatic", true).set("manual", 0.0);
        let (mut level, mut levels) = (0.5, Vec::new());
        for scan in 0..3_000 {
            bench.set("level", level).scan();
            if takeover && scan % 7 == 3 {
                bench.take_over();
            }
            // 0.25 m a minute at full flow, and an outlet that takes 0.1 m.
            level += (bench.float("valve") / 100.0 * 0.25 - 0.1) / 600.0;
            levels.push(level);
        }
        levels
    };
    let levels = run(false);
    let last = levels.last().unwrap();
    assert!(levels.iter().all(|it| *it < 2.3), "it overshoots");
    assert!(levels[0] < 0.6 && (last - levels[2_000]).abs() < 0.6, "{last}");
    assert_eq!(run(true), levels);
}

#[test]
fn the_tank_is_switched_without_a_bump_and_blind_without_a_move() {
    let mut bench = Bench::new("tank_level", 100_000);
    bench.set("level", 1.0).set("setpoint", 1.1).set("gain", 10.0).set("reset_s", 20.0);
    bench.set("rate_s", 0.0).set("automatic", false).set("manual", 37.0).scan();
    assert_eq!(bench.float("valve"), 37.0);
    bench.set("automatic", true).scan();
    assert!((bench.float("valve") - 37.0).abs() < 0.1, "{}", bench.float("valve"));
    let before = bench.float("valve");
    bench.lose("level").scan();
    assert_eq!(bench.output("valve"), (Value::Float(before), Quality::Uncertain));
}

#[test]
fn the_pump_starts_in_order_and_stays_tripped_until_a_reset() {
    let mut bench = Bench::new("pump_sequence", 500_000);
    bench.set("start", false).set("reset", false).set("suction_ok", true).set("valve_open", false);
    bench.set("temperature", 20.0).set("temperature_max", 80.0).set("patience_s", 2.0).scan();
    let now = |it: &Bench| (it.int("step"), it.output("run").0, it.int("trip"));
    assert_eq!(now(&bench), (0, Value::Bool(false), 0));
    bench.set("start", true).scan();
    assert_eq!(now(&bench), (1, Value::Bool(false), 0), "the valve first");
    bench.take_over();
    bench.set("valve_open", true).scan();
    assert_eq!(now(&bench), (2, Value::Bool(true), 0));
    bench.set("temperature", 81.0).scan();
    assert_eq!(now(&bench), (4, Value::Bool(false), 3));
    assert_eq!(&*bench.scan.as_ref().unwrap().said.lines[0], "the pump tripped");
    bench.take_over();
    bench.set("temperature", 20.0).set("reset", true).scan();
    assert_eq!(now(&bench), (4, Value::Bool(false), 3), "not while it is still to start");
    bench.set("start", false).scan();
    assert_eq!(now(&bench), (0, Value::Bool(false), 0));
    bench.set("start", true).set("reset", false).set("valve_open", false).scan();
    for _ in 0..4 {
        bench.scan();
    }
    assert_eq!(now(&bench), (1, Value::Bool(false), 0));
    bench.scan();
    assert_eq!(now(&bench), (4, Value::Bool(false), 2), "the valve did not open in time");
    assert_eq!(bench.int("starts"), 1);
}

#[test]
fn pulses_are_counted_over_wraps_blindness_and_takeovers() {
    let mut bench = Bench::new("totaliser", 1_000_000);
    bench.set("wraps_at", 1_000).set("per_pulse", 0.5).set("next_period", false);
    bench.set("pulses", 990).scan();
    assert_eq!(bench.int("count"), 0, "where it begins is not counted");
    bench.set("pulses", 5).scan();
    assert_eq!((bench.int("count"), bench.float("flow_per_s")), (15, 7.5));
    bench.lose("pulses").scan();
    assert_eq!(bench.output("total"), (Value::Float(7.5), Quality::Uncertain));
    bench.take_over();
    bench.set("pulses", 25).set("next_period", true).scan();
    assert_eq!((bench.int("count"), bench.float("total")), (35, 17.5));
    assert_eq!((bench.float("last_period"), bench.float("period")), (17.5, 0.0));
    bench.set("wraps_at", 0);
    let fault = bench.try_scan().map(|_| ()).unwrap_err();
    assert_eq!(fault.to_string(), "failed: wraps_at must be above 0: the meter's number of counts");
}

#[test]
fn what_every_example_costs_is_small() {
    for name in NAMES {
        let mut bench = Bench::new(name, 100_000);
        if name == "totaliser" {
            bench.set("wraps_at", 10);
        }
        bench.scan();
        let scan = bench.scan().scan.as_ref().unwrap();
        assert!(scan.fuel < 1_000, "{name}: {}", scan.fuel);
        assert!(scan.changes.chunks.len() <= 2, "{name}: {}", scan.changes.chunks.len());
    }
}

/// Debian 12's; the bytes are those of its code generator.
const CLANG: &str = "clang version 14.";

#[test]
fn the_bytes_are_those_of_the_sources() {
    let version = Command::new("clang").arg("--version").output();
    let version = version.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    if !version.as_ref().is_ok_and(|it| it.contains(CLANG)) {
        eprintln!("SKIPPED: needs {CLANG}x and lld (Debian 12: apt-get install clang lld)");
        return;
    }
    let built = std::env::temp_dir().join(format!("hotpair-modules-{}", std::process::id()));
    std::fs::create_dir_all(&built).unwrap();
    let status = Command::new(folder().join("build.sh")).arg(&built).status().unwrap();
    assert!(status.success(), "build.sh: {status}");
    for name in NAMES {
        let file = Path::new(name).with_extension("wasm");
        let (kept, new) = (std::fs::read(folder().join(&file)), std::fs::read(built.join(&file)));
        assert!(kept.unwrap() == new.unwrap(), "{name}: run examples/modules/build.sh");
    }
    std::fs::remove_dir_all(&built).unwrap();
}

#[test]
fn the_rust_example_is_sound() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let built = std::env::temp_dir().join(format!("hotpair-ramp-{}", std::process::id()));
    std::fs::create_dir_all(&built).unwrap();
    let source = folder().join("rust/ramp.rs");
    let compile = |arguments: &[&str], to: &str| {
        let mut command = Command::new(&rustc);
        command.args(["--edition", "2024", "-D", "warnings"]).args(arguments).arg(&source);
        let output = command.arg("-o").arg(built.join(to)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    compile(&["--test"], "ramp");
    let tests = Command::new(built.join("ramp")).output().unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stdout));
    let wasm = ["--target", "wasm32-unknown-unknown"];
    let libraries = Command::new(&rustc).args(["--print", "target-libdir"]).args(wasm).output();
    let libraries = String::from_utf8_lossy(&libraries.unwrap().stdout).trim().to_owned();
    if Path::new(&libraries).is_dir() {
        let flags = ["--crate-type", "cdylib", "-C", "opt-level=s", "-C", "panic=abort"];
        compile(&[&wasm[..], &flags].concat(), "ramp.wasm");
        let module = Module::admit(&std::fs::read(built.join("ramp.wasm")).unwrap()).unwrap();
        assert_eq!(module.ports().len(), 5);
    } else {
        eprintln!("SKIPPED: no target wasm32-unknown-unknown; tested on the host alone");
    }
    std::fs::remove_dir_all(&built).unwrap();
}
