//! What load balancers and supervisors ask.
use crate::client::start;
use hotpair_types::StateId;

#[tokio::test]
async fn the_active_says_so_to_get_head_and_options_alike() {
    let api = start().await;
    for method in ["GET", "HEAD", "OPTIONS"] {
        for path in ["/active", "/primary", "/active?engine=main", "/livez", "/readyz"] {
            let got = api.ask(&format!("{method} {path}"), &[], "").await;
            assert_eq!(got.status, 200, "{method} {path}");
            assert_eq!(got.body.is_empty(), method == "HEAD", "{method} {path}");
        }
        for path in ["/standby", "/replica"] {
            let got = api.ask(&format!("{method} {path}"), &[], "").await;
            assert_eq!(
                (got.status, got.header("retry-after")),
                (503, Some("1")),
                "{method} {path}"
            );
        }
    }
    assert_eq!(api.ask("POST /active", &[], "").await.problem(), "method-not-allowed");
    assert_eq!(api.get("/active?engine=other").await.problem(), "unknown-engine");
}

#[tokio::test]
async fn only_a_ready_standby_counts_as_standby() {
    let api = start().await;
    for state in StateId::ALL {
        api.node.change(|it| it.engines[0].state = Some(state));
        let expected = |yes: bool| if yes { 200 } else { 503 };
        assert_eq!(api.get("/active").await.status, expected(state.is_active()), "{state}");
        let ready = expected(state == StateId::StandbyReady);
        assert_eq!(api.get("/standby").await.status, ready, "{state}");
    }
}

#[tokio::test]
async fn a_node_with_two_engines_is_active_when_both_are() {
    let api = start().await;
    api.node.change(|it| {
        let mut second = it.engines[0].clone();
        second.name = "line-2".into();
        second.state = Some(StateId::StandbyReady);
        it.engines.push(second);
    });
    assert_eq!(api.get("/active").await.status, 503);
    assert_eq!(api.get("/standby").await.status, 503);
    assert_eq!(api.get("/active?engine=main").await.status, 200);
    assert_eq!(api.get("/standby?engine=line-2").await.status, 200);
}

#[tokio::test]
async fn readiness_names_each_check_when_asked_verbosely() {
    let api = start().await;
    let got = api.get("/readyz?verbose").await;
    assert!(got.body.contains("[+]storage: last commit"), "{}", got.body);
    api.node.change(|it| {
        it.checks[0].ok = false;
        it.checks[0].detail = "broken\u{1b}[31m".into();
    });
    let got = api.get("/readyz?verbose").await;
    assert_eq!(got.status, 503);
    assert!(got.body.contains("[-]storage: broken\\u{1b}[31m\n"), "{}", got.body);
}

#[tokio::test]
async fn a_loop_that_stands_still_is_not_alive() {
    let read_patience = std::time::Duration::from_millis(20);
    let limits = hotpair_api::Limits { read_patience, ..hotpair_api::Limits::default() };
    let api = crate::client::start_with(limits, |it| it).await;
    api.node.with(|it| it.stuck = true);
    assert_eq!(api.get("/livez").await.problem(), "unavailable");
    assert_eq!(api.get("/readyz").await.status, 503);
    // It may have been frozen while its partner took over.
    assert_eq!(api.get("/active").await.status, 503);
}

#[tokio::test]
async fn a_node_whose_outputs_are_shut_is_not_active_whatever_its_status_says() {
    let api = start().await;
    assert_eq!(api.get("/active").await.status, 200);
    api.node.with(|it| it.shut = true);
    for path in ["/active", "/primary", "/active?engine=main"] {
        assert_eq!(api.get(path).await.status, 503, "{path}");
    }
}
