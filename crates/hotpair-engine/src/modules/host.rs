//! The functions that a module can call: all it can know is the inputs of the scan, all it can do
//! is to note outputs and text.
use super::fault::Fault;
use super::instance::{Input, Output};
use super::interface::IMPORTS_FROM;
use super::port::{Direction, Port, PortType};
use crate::objects::Said;
use crate::tags::{Quality, Value};
use std::sync::Arc;

use wasmi::{Caller, Engine, Error, Linker, Memory, ResourceLimiter};
use wasmi_core::LimiterError;

/// How many lines one scan may log; what is beyond is counted.
pub const LOG_LINES_MAX: usize = 16;
/// How long a line may be, and the reason of a failure; the rest is cut off.
pub const LOG_LINE_BYTES_MAX: usize = 256;
/// A call costs about as much time as so many instructions.
const CALL_FUEL: u64 = 20;

/// What the functions work with.
pub(super) struct Host {
    pub(super) ports: Arc<[Port]>,
    /// By port; those of outputs are not read.
    pub(super) inputs: Vec<Input>,
    /// By port.
    pub(super) outputs: Vec<Option<Output>>,
    pub(super) scan_number: u64,
    pub(super) elapsed_us: u64,
    pub(super) time_ms: u64,
    pub(super) said: Said,
    pub(super) memory: Option<Memory>,
    pub(super) memory_bytes_max: usize,
    /// Why the scan was stopped, when it was stopped by one of these functions.
    pub(super) fault: Option<Fault>,
}

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        // What the module itself declares as its most is an ordinary failure of `memory.grow`.
        if maximum.is_some_and(|it| desired > it) {
            return Ok(false);
        }
        if desired > self.memory_bytes_max {
            let bytes_max = self.memory_bytes_max;
            self.fault = Some(Fault::MemoryLimit { bytes: desired as u64, bytes_max });
            return Err(LimiterError::ResourceLimiterDeniedAllocation);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        // Tables are as large as admission saw them: `table.grow` is refused there.
        Ok(true)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        100
    }

    fn memories(&self) -> usize {
        1
    }
}

type Call<'a> = Caller<'a, Host>;

/// Everything that a module can import.
pub(super) fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    link(&mut linker).expect("each name is defined once");
    linker
}

fn link(linker: &mut Linker<Host>) -> Result<(), Error> {
    use PortType::{Bool, Float, Int};
    let from = IMPORTS_FROM;
    linker.func_wrap(from, "read_bool", |mut it: Call<'_>, port: i32| {
        let input = it.input("read_bool", port, Some(Bool))?;
        Ok(i32::from(matches!(input.value, Some(Value::Bool(true)))))
    })?;
    linker.func_wrap(from, "read_int", |mut it: Call<'_>, port: i32| {
        let input = it.input("read_int", port, Some(Int))?;
        Ok(if let Some(Value::Int(value)) = input.value { value } else { 0 })
    })?;
    linker.func_wrap(from, "read_float", |mut it: Call<'_>, port: i32| {
        let input = it.input("read_float", port, Some(Float))?;
        Ok(if let Some(Value::Float(value)) = input.value { value } else { 0.0 })
    })?;
    linker.func_wrap(from, "quality", |mut it: Call<'_>, port: i32| {
        Ok(it.input("quality", port, None)?.quality as i32)
    })?;
    linker.func_wrap(from, "write_bool", |mut it: Call<'_>, port: i32, value: i32| {
        it.output("write_bool", port, Bool, (value != 0).into())
    })?;
    linker.func_wrap(from, "write_int", |mut it: Call<'_>, port: i32, value: i64| {
        it.output("write_int", port, Int, value.into())
    })?;
    linker.func_wrap(from, "write_float", |mut it: Call<'_>, port: i32, value: f64| {
        it.output("write_float", port, Float, value.into())
    })?;
    linker.func_wrap(from, "write_quality", |mut it: Call<'_>, port: i32, quality: i32| {
        it.qualify(port, quality)
    })?;
    linker.func_wrap(from, "scan_number", |mut it: Call<'_>| {
        it.pay()?;
        Ok(it.data().scan_number as i64)
    })?;
    linker.func_wrap(from, "elapsed_us", |mut it: Call<'_>| {
        it.pay()?;
        Ok(it.data().elapsed_us as i64)
    })?;
    linker.func_wrap(from, "time_ms", |mut it: Call<'_>| {
        it.pay()?;
        Ok(it.data().time_ms as i64)
    })?;
    linker.func_wrap(from, "log", |mut it: Call<'_>, at: u32, bytes: u32| it.log(at, bytes))?;
    linker.func_wrap(from, "fail", |mut it: Call<'_>, at: u32, bytes: u32| {
        let text = it.text("fail", at, bytes)?;
        Err::<(), _>(it.stop(Fault::Failed { text }))
    })?;
    Ok(())
}

/// The bodies of the functions above.
trait Body {
    fn pay(&mut self) -> Result<(), Error>;
    fn stop(&mut self, fault: Fault) -> Error;
    fn bad_port(&mut self, function: &'static str, port: i32, reason: String) -> Error;
    fn port(
        &mut self,
        function: &'static str,
        port: i32,
        direction: Direction,
        of_type: Option<PortType>,
    ) -> Result<usize, Error>;
    fn input(
        &mut self,
        function: &'static str,
        port: i32,
        of_type: Option<PortType>,
    ) -> Result<&Input, Error>;
    fn output(
        &mut self,
        function: &'static str,
        port: i32,
        of_type: PortType,
        value: Value,
    ) -> Result<(), Error>;
    fn qualify(&mut self, port: i32, quality: i32) -> Result<(), Error>;
    fn text(&mut self, function: &'static str, at: u32, bytes: u32) -> Result<Box<str>, Error>;
    fn log(&mut self, at: u32, bytes: u32) -> Result<(), Error>;
}

impl Body for Call<'_> {
    /// Calls take longer than instructions do.
    fn pay(&mut self) -> Result<(), Error> {
        let fuel = self.get_fuel()?;
        let Some(left) = fuel.checked_sub(CALL_FUEL) else {
            return Err(wasmi::TrapCode::OutOfFuel.into());
        };
        self.set_fuel(left)
    }

    fn stop(&mut self, fault: Fault) -> Error {
        self.data_mut().fault = Some(fault);
        Error::new("stopped by the node")
    }

    fn bad_port(&mut self, function: &'static str, port: i32, reason: String) -> Error {
        self.stop(Fault::BadPort { function, port, reason: reason.into() })
    }

    fn port(
        &mut self,
        function: &'static str,
        port: i32,
        direction: Direction,
        of_type: Option<PortType>,
    ) -> Result<usize, Error> {
        self.pay()?;
        let index = usize::try_from(port).ok();
        let Some((index, found)) = index.and_then(|it| Some((it, self.data().ports.get(it)?)))
        else {
            let reason = format!("it has {} ports", self.data().ports.len());
            return Err(self.bad_port(function, port, reason));
        };
        if found.direction != direction || of_type.is_some_and(|it| it != found.of_type) {
            let Port { name, direction, of_type } = found;
            let reason = format!("`{name}` is `{} {of_type}`", direction.id());
            return Err(self.bad_port(function, port, reason));
        }
        Ok(index)
    }

    fn input(
        &mut self,
        function: &'static str,
        port: i32,
        of_type: Option<PortType>,
    ) -> Result<&Input, Error> {
        let index = self.port(function, port, Direction::In, of_type)?;
        Ok(&self.data().inputs[index])
    }

    fn output(
        &mut self,
        function: &'static str,
        port: i32,
        of_type: PortType,
        value: Value,
    ) -> Result<(), Error> {
        let index = self.port(function, port, Direction::Out, Some(of_type))?;
        if let Value::Float(float) = value
            && !float.is_finite()
        {
            let port = self.data().ports[index].name.clone();
            return Err(self.stop(Fault::NotFinite { port, value: float.to_string().into() }));
        }
        let output = &mut self.data_mut().outputs[index];
        let quality = output.as_ref().map_or(Quality::Good, |it| it.quality);
        *output = Some(Output { port: index, value, quality });
        Ok(())
    }

    fn qualify(&mut self, port: i32, quality: i32) -> Result<(), Error> {
        let index = self.port("write_quality", port, Direction::Out, None)?;
        let known = usize::try_from(quality).ok().and_then(|it| Quality::ALL.get(it));
        let Some(known) = known else { return Err(self.stop(Fault::BadQuality { quality })) };
        let Some(output) = &mut self.data_mut().outputs[index] else {
            let reason = "no value was written to it in this scan".to_owned();
            return Err(self.bad_port("write_quality", port, reason));
        };
        output.quality = *known;
        Ok(())
    }

    fn text(&mut self, function: &'static str, at: u32, bytes: u32) -> Result<Box<str>, Error> {
        self.pay()?;
        let memory = self.data().memory.expect("it is set before anything runs");
        let all = memory.data(&*self);
        let range = usize::try_from(at).ok().zip(usize::try_from(bytes).ok());
        let text = range.and_then(|(at, bytes)| all.get(at..)?.get(..bytes));
        let Some(text) = text else {
            return Err(self.stop(Fault::BadText { function, at, bytes }));
        };
        let text = String::from_utf8_lossy(&text[..text.len().min(LOG_LINE_BYTES_MAX)]);
        Ok(text.chars().flat_map(escaped).collect::<String>().into())
    }

    fn log(&mut self, at: u32, bytes: u32) -> Result<(), Error> {
        let line = self.text("log", at, bytes)?;
        let host = self.data_mut();
        if host.said.lines.len() < LOG_LINES_MAX {
            host.said.lines.push(line);
        } else {
            host.said.left_out += 1;
        }
        Ok(())
    }
}

/// Text of a module reaches terminals and logs: nothing in it controls them.
fn escaped(it: char) -> impl Iterator<Item = char> {
    let plain = !it.is_control();
    let escape = (!plain).then(|| it.escape_default());
    plain.then_some(it).into_iter().chain(escape.into_iter().flatten())
}
