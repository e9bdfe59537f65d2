//! Brings an output to a target at a limited rate, so that nothing downstream is shaken.
//!
//! Build: see docs/writing-a-module.md. Test on the host: `rustc --edition 2024 --test ramp.rs`.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod hotpair;

use hotpair::{Kept, Quality};

ports! {
    in TARGET "target" float,
    in PER_S "per_s" float,
    in HOLD "hold" bool,
    out VALUE "value" float,
    out THERE "there" bool,
}

static VALUE_NOW: Kept<f64> = Kept::new(0.0);

#[cfg_attr(target_arch = "wasm32", unsafe(export_name = "hotpair_v1_scan"))]
pub extern "C" fn scan() {
    if PER_S.float() < 0.0 {
        hotpair::fail("per_s must not be below 0");
    }
    let before = VALUE_NOW.get();
    let missing = TARGET.float() - before;
    let step = PER_S.float() * hotpair::elapsed_us() as f64 / 1e6;
    let blind = TARGET.quality() == Quality::Bad;
    let now = if blind || HOLD.bool() { before } else { before + missing.clamp(-step, step) };
    VALUE_NOW.set(now);
    VALUE.set_float(now);
    THERE.set_bool(now == TARGET.float());
    if blind {
        VALUE.set_quality(Quality::Uncertain);
    }
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    hotpair::fail("panicked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair::host::{Value, node};

    fn scan_with(target: f64, quality: i32, hold: bool) -> (Value, i32) {
        node(|it| {
            it.inputs = [
                (0, (Value::Float(target), quality)),
                (1, (Value::Float(2.0), 0)),
                (2, (Value::Bool(hold), 0)),
            ]
            .into();
            it.elapsed_us = 500_000;
        });
        scan();
        node(|it| it.outputs[&3])
    }

    #[test]
    fn the_output_goes_to_the_target_at_its_rate() {
        assert_eq!(scan_with(2.5, 0, false), (Value::Float(1.0), 0));
        assert_eq!(scan_with(2.5, 0, true), (Value::Float(1.0), 0));
        assert_eq!(scan_with(9.0, 2, false), (Value::Float(1.0), 1));
        assert_eq!(scan_with(2.5, 0, false), (Value::Float(2.0), 0));
        assert_eq!(scan_with(2.5, 0, false), (Value::Float(2.5), 0));
        assert_eq!(node(|it| it.outputs[&4].0), Value::Bool(true));
    }

    #[test]
    fn the_ports_are_declared_as_the_node_reads_them() {
        let text = std::str::from_utf8(&PORTS).unwrap();
        assert_eq!(
            text,
            "in target float\nin per_s float\nin hold bool\nout value float\nout there bool\n"
        );
    }
}
