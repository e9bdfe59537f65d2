//! Which states, edges and rules of the machine's own tables were reached, and which were not.
use hotpair_fsm::{EDGES, Rule};
use hotpair_types::StateId;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A change of state and the rule that it went by.
pub type Edge = (StateId, StateId, Rule);

/// Every edge of the machine's table, one for each of its rules.
pub fn edges() -> impl Iterator<Item = Edge> {
    EDGES.iter().flat_map(|it| it.rules.iter().map(move |rule| (it.from, it.to, *rule)))
}

/// In a line.
#[must_use]
pub fn tell_edge((from, to, rule): Edge) -> String {
    format!("{} -> {} by {}", from.number(), to.number(), rule.id())
}

/// What is in the machine's tables and not among these: edges, then rules, then states.
#[must_use]
pub fn not_reached(reached: &BTreeSet<Edge>) -> Vec<String> {
    let rules: BTreeSet<Rule> = reached.iter().map(|it| it.2).collect();
    let states: BTreeSet<StateId> = reached.iter().flat_map(|it| [it.0, it.1]).collect();
    let left = edges().filter(|it| !reached.contains(it)).map(tell_edge);
    let unruled = Rule::ALL.iter().filter(|it| !rules.contains(it)).map(|it| it.id().to_owned());
    // What a node never is itself: a partner that failed.
    let own = StateId::ALL.iter().filter(|it| **it != StateId::Failed);
    let unseen = own.filter(|it| !states.contains(it)).map(|it| it.display_name().to_owned());
    left.chain(unruled).chain(unseen).collect()
}

/// Every edge of the machine's table, and whether it was taken.
#[must_use]
pub fn table(reached: &BTreeSet<Edge>) -> String {
    let mut table = String::new();
    for edge in edges() {
        let word = if reached.contains(&edge) { "taken" } else { "NEVER" };
        writeln!(table, "{word}  {}", tell_edge(edge)).expect("a string takes it");
    }
    table
}
