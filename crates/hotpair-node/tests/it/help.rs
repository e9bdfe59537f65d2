//! The guide is in step with the commands.

use crate::command::hotpair;
use expect_test::expect_file;

#[test]
fn the_guides_page_of_commands_is_their_help() {
    expect_file!["../../../../docs/guide/commands.md"]
        .assert_eq(&hotpair_node::cli::commands_page());
}

#[test]
fn the_guides_page_of_settings_is_their_table() {
    expect_file!["../../../../docs/guide/settings.md"]
        .assert_eq(&hotpair_node::settings::guide_page());
}

#[test]
fn every_command_has_help() {
    let page = hotpair_node::cli::commands_page();
    let commands: Vec<_> = page.lines().filter_map(|it| it.strip_prefix("## `hotpair ")).collect();
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands {
        let command = command.trim_end_matches('`');
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.push("--help");
        let called = hotpair(&arguments);
        assert_eq!(called.status, 0, "{command}: {}", called.error);
        assert!(called.out.contains("Usage:"), "{command}");
        assert!(!called.out.contains('\u{1b}'), "{command}: colour in a pipe");
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let called = hotpair(&["completions", shell]);
        assert_eq!(called.status, 0, "{shell}");
        assert!(called.out.contains("switchover"), "{shell}");
    }
    assert!(hotpair(&["man"]).out.starts_with(".ie"));
    let dir = tempfile::tempdir().unwrap();
    let called = hotpair(&["man", "--dir", dir.path().to_str().unwrap()]);
    assert_eq!(called.status, 0, "{}", called.error);
    assert!(dir.path().join("hotpair-switchover.1").exists());
}
