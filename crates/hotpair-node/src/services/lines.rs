//! What a service says on its outputs: whole lines into the log of the node, of a bounded length and number.
use crate::clock::Clock;
use crate::line_pace::LinePace;
use hotpair_types::Time;
use std::io::{PipeReader, Read as _};

/// The rest of a longer line is left out.
const LINE_BYTES_MAX: usize = 1_024;

/// Logs what comes out of this pipe until nobody holds its other end.
pub(super) fn follow(service: String, mut pipe: PipeReader, clock: Clock) {
    let run = move || {
        let mut lines = Lines::default();
        let mut say = |line: &str| tracing::info!(service = %service, "{line}");
        let mut bytes = [0; 4_096];
        while let Ok(length @ 1..) = pipe.read(&mut bytes) {
            lines.push(clock.now(), &bytes[..length], &mut say);
        }
        lines.end(clock.now(), &mut say);
    };
    // Without a reader the service would stand still once the pipe is full: it gets a closed one.
    if let Err(error) = std::thread::Builder::new().name("service-lines".to_owned()).spawn(run) {
        tracing::warn!(%error, "what a service says cannot be logged");
    }
}

/// Cuts bytes into lines and counts them.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    /// Of the line at hand, beyond its limit.
    cut: usize,
    pace: LinePace,
}

impl Lines {
    fn push(&mut self, now: Time, bytes: &[u8], say: &mut impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' => self.finish(now, say),
                _ if self.line.len() < LINE_BYTES_MAX => self.line.push(*byte),
                _ => self.cut += 1,
            }
        }
    }

    fn end(&mut self, now: Time, say: &mut impl FnMut(&str)) {
        if !self.line.is_empty() {
            self.finish(now, say);
        }
        self.pace.end(say);
    }

    fn finish(&mut self, now: Time, say: &mut impl FnMut(&str)) {
        let (line, cut) = (std::mem::take(&mut self.line), std::mem::take(&mut self.cut));
        if !self.pace.passes(now, say) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        // Nothing that moves a terminal's cursor, or begins a line that looks like one of the node's.
        let mut text: String = text
            .trim_end_matches('\r')
            .chars()
            .map(|it| if it.is_control() { ' ' } else { it })
            .collect();
        if cut > 0 {
            text.push_str(&format!(" … ({cut} more bytes)"));
        }
        say(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_pace::LINES_PER_SECOND_MAX;
    use std::time::Duration;

    fn said(feed: impl FnOnce(&mut Lines, &mut dyn FnMut(&str))) -> Vec<String> {
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        feed(&mut Lines::default(), &mut say);
        said
    }

    #[test]
    fn lines_come_whole_wherever_they_were_cut_and_without_control_characters() {
        let said = said(|lines, mut say| {
            lines.push(Time::ZERO, b"one\ntw", &mut say);
            lines.push(Time::ZERO, b"o\r\n\x1b[2Jthree\nlast", &mut say);
            lines.end(Time::ZERO, &mut say);
        });
        assert_eq!(said, ["one", "two", " [2Jthree", "last"]);
    }

    #[test]
    fn long_lines_are_cut_and_many_are_left_out_with_their_number() {
        let said = said(|lines, mut say| {
            lines.push(Time::ZERO, "x".repeat(LINE_BYTES_MAX + 7).as_bytes(), &mut say);
            lines.push(Time::ZERO, b"\n", &mut say);
            for _ in 0..LINES_PER_SECOND_MAX + 9 {
                lines.push(Time::ZERO, b"again\n", &mut say);
            }
            lines.push(Time::ZERO + Duration::from_secs(1), b"later\n", &mut say);
        });
        assert!(said[0].ends_with("x … (7 more bytes)"), "{}", said[0]);
        let most = LINES_PER_SECOND_MAX as usize;
        assert_eq!(said[1..most], vec!["again"; most - 1]);
        assert_eq!(said[most..], ["(10 lines are left out: more than 200 a second)", "later"]);
    }
}
