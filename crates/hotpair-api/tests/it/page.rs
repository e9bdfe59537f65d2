//! The page about the interfaces names what there is.
use crate::client::start;
use hotpair_api::face::ProblemKind;
use hotpair_types::StateId;

const SCRIPT: &str = include_str!("../../src/page/page.js");
const PAGE: &str = include_str!("../../../../docs/design/interfaces.md");

#[tokio::test]
async fn the_page_names_every_path_problem_and_figure() {
    let api = start().await;
    let document = api.get("/api/v1/openapi.json").await.json();
    for path in document["paths"].as_object().unwrap().keys() {
        let named = [format!("{path}`"), format!("{path}?")].iter().any(|it| PAGE.contains(it));
        assert!(named, "docs/design/interfaces.md does not name {path}");
    }
    for kind in ProblemKind::ALL {
        let row = PAGE.lines().find(|it| it.starts_with(&format!("| {} | `", kind.status())));
        let named = row.is_some_and(|it| it.contains(&format!("`{}`", kind.id())));
        assert!(named, "docs/design/interfaces.md does not name {}", kind.id());
    }
    let figures = api.get("/metrics").await.body;
    for line in figures.lines().filter_map(|it| it.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let named = PAGE.contains(&format!("`{name}{suffix}`"));
        assert!(named, "docs/design/interfaces.md does not name {name}{suffix}");
    }
}

#[test]
fn the_status_page_knows_every_state_by_its_name() {
    for state in StateId::ALL {
        let row = SCRIPT.lines().find(|it| it.contains(&format!("\"{}\": [", state.id())));
        let named = row.is_some_and(|it| it.contains(&format!("\"{}\"]", state.display_name())));
        assert!(named, "page.js does not name {}", state.id());
    }
}
