//! Samples of both sides, and what is said of them: medians, spread, the median of the ratios.
use std::fmt;

use serde_json::{Value, json};

/// What one bench measured, in rounds.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// What stands beside it.
    pub(crate) beside: String,
    /// One of the product and one of the bare limit for each round.
    pub(crate) rounds: Vec<(f64, f64)>,
    /// Whatever else should be known.
    pub(crate) note: String,
}

impl Report {
    pub(crate) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "beside": self.beside,
            "hotpair": self.rounds.iter().map(|it| it.0).collect::<Vec<_>>(),
            "bare": self.rounds.iter().map(|it| it.1).collect::<Vec<_>>(),
            "ratio": self.ratio(),
            "note": self.note,
        })
    }

    fn ratio(&self) -> f64 {
        percentile(self.rounds.iter().filter(|it| it.1 > 0.0).map(|it| it.0 / it.1), 50)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, name: &str, pick: fn(&(f64, f64)) -> f64| {
            let of = |percent| percentile(self.rounds.iter().map(pick), percent);
            writeln!(
                f,
                "  {name:<34} median {:>10} {}   ({} .. {})",
                figure(of(50)),
                self.unit,
                figure(of(0)),
                figure(of(100))
            )
        };
        writeln!(f, "{} ({} rounds)", self.name, self.rounds.len())?;
        side(f, "hotpair", |it| it.0)?;
        if self.rounds.iter().any(|it| it.1 > 0.0) {
            side(f, &self.beside, |it| it.1)?;
            writeln!(f, "  median of the rounds' ratios       {:.2}", self.ratio())?;
        }
        if !self.note.is_empty() {
            writeln!(f, "  {}", self.note)?;
        }
        Ok(())
    }
}

fn figure(value: f64) -> String {
    match value {
        it if it.abs() >= 1000.0 => format!("{it:.0}"),
        it if it.abs() >= 10.0 => format!("{it:.1}"),
        it => format!("{it:.3}"),
    }
}

/// The nearest rank; 0 when there is nothing.
pub(crate) fn percentile(values: impl Iterator<Item = f64>, percent: usize) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_ratios_is_not_the_ratio_of_the_medians() {
        let report = Report {
            name: "x".into(),
            unit: "ms",
            beside: "bare".into(),
            rounds: vec![(2.0, 1.0), (30.0, 10.0), (4.0, 1.0)],
            note: String::new(),
        };
        assert!((report.ratio() - 3.0).abs() < 1e-9);
        assert!((percentile([5.0, 1.0, 9.0].into_iter(), 99) - 9.0).abs() < 1e-9);
        assert!((percentile(std::iter::empty(), 50)).abs() < 1e-9);
    }
}
