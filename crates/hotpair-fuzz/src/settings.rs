//! Any bytes as a settings file.
use hotpair_node::settings::{Settings, VirtualAddress};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let problems = match Settings::parse("node.toml", text) {
        Ok(settings) => {
            // What was taken holds what the rest relies on.
            assert_ne!(settings.node.name, settings.partner.name);
            assert!(!settings.engines.is_empty());
            let fits = |it: &VirtualAddress| (1..=128).contains(&it.prefix);
            assert!(settings.virtual_addresses.iter().all(fits));
            return;
        }
        Err(problems) => problems,
    };
    assert!(!problems.list.is_empty(), "refused without a reason");
    // The end of the text may begin a line of its own.
    let lines = text.matches('\n').count() + 1;
    for problem in &problems.list {
        assert!((1..=lines).contains(&problem.line), "line {} of {lines}", problem.line);
        assert!(problem.column >= 1 && problem.width >= 1);
        assert!(!problem.message.is_empty());
    }
    let shown = problems.to_string();
    let first = &problems.list[0];
    let place = format!("node.toml:{}:{}", first.line, first.column);
    assert!(shown.contains(&place), "no {place} in {shown}");
    let obeyed = |it: char| it.is_control() && it != '\n';
    assert!(!shown.contains(obeyed), "control characters in {shown:?}");
}
