//! What the test binary understands: its own choices and what cargo and other runners pass.
use crate::scenario::Scenario;

const USAGE: &str = "\
scenarios with real pairs: [NAME|ROW ...] and
  --list           names, nothing is run
  --exact          whole names alone
  --skip NAME|ROW  without these
  --long           the long form where there is one, and those that are long alone
  --ignored        only those that are long
  --netns          in network namespaces; as root
  --repeat N       so many times";

#[derive(Debug)]
pub(crate) struct Arguments {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    ignored_only: bool,
    pub(crate) list: bool,
    pub(crate) long: bool,
    pub(crate) netns: bool,
    pub(crate) repeat: u32,
}

impl Arguments {
    pub(crate) fn read(mut given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            filters: Vec::new(),
            skip: Vec::new(),
            exact: false,
            ignored_only: false,
            list: false,
            long: std::env::var_os("HOTPAIR_TEST_LONG").is_some(),
            netns: std::env::var_os("HOTPAIR_TEST_NETNS").is_some(),
            repeat: 1,
        };
        while let Some(argument) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Err(USAGE.to_owned()),
                "--list" => arguments.list = true,
                "--exact" => arguments.exact = true,
                "--long" | "--include-ignored" => arguments.long = true,
                "--ignored" => arguments.ignored_only = true,
                "--netns" => arguments.netns = true,
                "--repeat" => {
                    arguments.repeat = value()?.parse().map_err(|_| "--repeat needs a number")?;
                }
                "--skip" => arguments.skip.push(value()?),
                "--test-threads" | "--format" | "--color" | "--logfile" | "--report-time" => {
                    value()?;
                }
                passed if passed.starts_with('-') => {}
                filter => arguments.filters.push(filter.to_owned()),
            }
        }
        Ok(arguments)
    }

    pub(crate) fn choose(&self, scenario: &Scenario) -> bool {
        let row = |it: &String| scenario.row.eq_ignore_ascii_case(it);
        let named = |it: &String| {
            row(it)
                || if self.exact {
                    scenario.name == it
                } else {
                    scenario.name.contains(it.as_str())
                }
        };
        (self.filters.is_empty() || self.filters.iter().any(named))
            && !self.skip.iter().any(|it| row(it) || scenario.name.contains(it.as_str()))
            && (!self.ignored_only || scenario.long)
    }
}
