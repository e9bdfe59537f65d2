//! The rows of docs/design/faults.md against the scenarios: none without the other.
use std::path::Path;

use crate::scenario::{SCENARIOS, Scenario};

/// Stands in a row whose scenario is still to come.
const LATER: &str = "*Later";
/// Stands in a row that no scenario can play, with the reason.
const NONE: &str = "No scenario:";

/// A row of a table.
#[derive(Debug)]
pub(crate) struct Row {
    /// As `P7`.
    pub(crate) id: String,
    /// What must come of it.
    pub(crate) expected: String,
}

/// All rows of the document.
///
/// # Errors
/// When it cannot be read, or holds none.
pub(crate) fn rows() -> Result<Vec<Row>, String> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/design/faults.md");
    let text = std::fs::read_to_string(&place)
        .map_err(|error| format!("cannot read {}: {error}", place.display()))?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    if rows.is_empty() { Err(format!("no row in {}", place.display())) } else { Ok(rows) }
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let id = cells.next()?;
    let number = id.strip_prefix(['P', 'V', 'S', 'X'])?;
    number.parse::<u8>().ok()?;
    let expected = cells.nth(1)?;
    Some(Row { id: id.to_owned(), expected: expected.to_owned() })
}

/// The rows that have no scenario yet, with what they say.
pub(crate) fn not_yet(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|it| it.expected.contains(LATER)).collect()
}

/// Where document and scenarios differ, one line each.
pub(crate) fn misfits(rows: &[Row]) -> Vec<String> {
    compare(rows, &SCENARIOS.iter().copied().flatten().collect::<Vec<_>>())
}

fn compare(rows: &[Row], scenarios: &[&Scenario]) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows {
        let played = scenarios.iter().any(|it| it.row == row.id);
        let excused = row.expected.contains(LATER) || row.expected.contains(NONE);
        match (played, excused) {
            (false, false) => found.push(format!(
                "row {} has no scenario and does not say `{LATER}` or `{NONE}`",
                row.id
            )),
            (true, true) => {
                found.push(format!("row {} has a scenario and says that it has none", row.id));
            }
            (true, false) | (false, true) => {}
        }
        if rows.iter().filter(|it| it.id == row.id).count() > 1 {
            found.push(format!("row {} stands there twice", row.id));
        }
    }
    for scenario in scenarios {
        if !rows.iter().any(|it| it.id == scenario.row) {
            found.push(format!("{} plays a row {} that is not there", scenario.name, scenario.row));
        }
        if scenarios.iter().filter(|it| it.name == scenario.name).count() > 1 {
            found.push(format!("two scenarios are called {}", scenario.name));
        }
    }
    found
}
