//! "Choose two of three" in the manual is what the machines do.
use hotpair_model::Row;
use hotpair_types::Mode;

#[test]
fn the_table_of_the_modes_in_the_manual_is_what_they_do() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/design/states.md");
    let page = std::fs::read_to_string(page).unwrap();
    for &mode in Mode::ALL {
        let row = Row::find(mode);
        assert!(row.pairs >= 20, "only {} level pairs in {mode}", row.pairs);
        let told = page.lines().filter(|it| it.starts_with(&format!("| `{mode}` |")));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [row.tell()], "docs/design/states.md");
    }
}
