//! Who looks for a planted bug: the simulator draws seeds, the model check walks.
use std::path::Path;
use std::process::Command;

/// So much of a broken promise stands in the table.
const TOLD_MAX: usize = 100;

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    /// For so many seeds.
    Simulator {
        /// How many.
        seeds: u64,
    },
    /// All walks of a test run.
    Model,
}

/// What came of one.
pub(super) enum Fate {
    /// After so many seeds or worlds, and what found it.
    Found {
        after: u64,
        by: String,
    },
    Survived,
    Broken(&'static str),
}

impl Judge {
    /// For sources that are sound.
    pub(super) fn briefly(self) -> Self {
        match self {
            Self::Simulator { seeds } => Self::Simulator { seeds: seeds.min(500) },
            Self::Model => Self::Model,
        }
    }

    /// What it counts.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Simulator { .. } => "seeds",
            Self::Model => "worlds",
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Simulator { .. } => "hotpair-sim",
            Self::Model => "hotpair-model",
        }
    }

    /// Builds its program as it lies in the tree and runs it.
    pub(super) fn look(self, root: &Path, tree: &Path) -> Fate {
        let target = root.join("target/mutate/target");
        let program = self.program();
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--offline", "--profile", "sim", "-p", program]);
        // Built often and run briefly.
        let settings =
            [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("INCREMENTAL", "true"), ("DEBUG", "none")];
        for (name, value) in settings {
            build.env(format!("CARGO_PROFILE_SIM_{name}"), value);
        }
        build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", "-Awarnings").current_dir(tree);
        match build.output() {
            Ok(it) if it.status.success() => {}
            Ok(it) => {
                eprintln!("{}", String::from_utf8_lossy(&it.stderr));
                return Fate::Broken("does not build");
            }
            Err(_) => return Fate::Broken("cargo cannot be run"),
        }
        let mut run = Command::new(target.join("sim").join(program));
        match self {
            Self::Simulator { seeds } => run.args(["--seeds", &seeds.to_string()]),
            Self::Model => run.arg("find"),
        };
        let Ok(it) = run.output() else { return Fate::Broken("its program cannot be run") };
        if it.status.success() {
            return Fate::Survived;
        }
        let said = String::from_utf8_lossy(&it.stdout);
        let fate = match self {
            Self::Simulator { .. } => read_seeds(&said),
            Self::Model => read_walk(&said),
        };
        fate.unwrap_or(Fate::Broken("its program fails and says nothing"))
    }
}

/// What the simulator said of a failure.
fn read_seeds(said: &str) -> Option<Fate> {
    let after = said.lines().find_map(|it| it.strip_prefix("found after "))?;
    let after = after.split(' ').next()?.parse().ok()?;
    let broken =
        said.lines().rev().find(|it| it.starts_with("seed ") && it.contains(" breaks "))?;
    let (_, by) = broken.split_once(" breaks ")?;
    let by = by.split(':').next()?.to_owned();
    Some(Fate::Found { after, by })
}

/// What the model check said of a broken promise: its walk and the promise.
fn read_walk(said: &str) -> Option<Fate> {
    let found = said.lines().find_map(|it| it.strip_prefix("found after "))?;
    let (after, by) = found.split_once(" worlds by ")?;
    let by = by.chars().take(TOLD_MAX).collect();
    Some(Fate::Found { after: after.parse().ok()?, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_find_is_read_with_its_seeds() {
        let said =
            "1 ms x\nseed 11 breaks S5 epochs grow: node 1 ...\nagain: ...\nfound after 12 seeds\n";
        let Some(Fate::Found { after, by }) = read_seeds(said) else { panic!("not read") };
        assert_eq!((after, by.as_str()), (12, "S5 epochs grow"));
        assert!(read_seeds("seed 3 holds").is_none());
    }

    #[test]
    fn a_find_is_read_with_its_walk() {
        let said = "found after 345 worlds by no-split/cut: S1/S2: both\nshortest way there\n";
        let Some(Fate::Found { after, by }) = read_walk(said) else { panic!("not read") };
        assert_eq!((after, by.as_str()), (345, "no-split/cut: S1/S2: both"));
        assert!(read_walk("nothing is broken").is_none());
    }
}
