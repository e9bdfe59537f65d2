//! The description of the API, tested to be what the router has.
use super::board::Board;
use axum::http::header;
use axum::response::{IntoResponse, Response};

const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/openapi.json", openapi)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::ProblemKind;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn described() -> Value {
        serde_json::from_str(OPENAPI).unwrap()
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let board = crate::routes::board();
        let plain = |path: &str| match path.strip_suffix('/') {
            Some("") | None => path.replace("{*", "{"),
            Some(path) => path.into(),
        };
        let routed: BTreeSet<_> =
            board.listed().iter().map(|it| (plain(it.1), it.0.to_owned())).collect();
        let mut described_paths = BTreeSet::new();
        for (path, operations) in described()["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                described_paths.insert((path.clone(), method.clone()));
            }
        }
        assert_eq!(routed, described_paths);
    }

    #[test]
    fn every_name_in_a_path_is_a_parameter_and_every_id_is_used_once() {
        let mut ids = BTreeSet::new();
        for (path, operations) in described()["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id.clone()), "{id} twice");
                let named: BTreeSet<_> = path
                    .split('/')
                    .filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
                    .collect();
                let empty = Vec::new();
                let parameters = operation["parameters"].as_array().unwrap_or(&empty);
                // A shared parameter is in the query or the head.
                let declared: BTreeSet<_> = parameters
                    .iter()
                    .filter(|it| it["in"] == "path")
                    .map(|it| it["name"].as_str().unwrap())
                    .collect();
                assert_eq!(named, declared, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_reference_and_every_kind_of_problem_is_there() {
        let document = described();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for part in OPENAPI.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        let listed: Vec<_> = schemas["Problem"]["properties"]["type"]["enum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect();
        let kinds: Vec<_> = ProblemKind::ALL.iter().map(|it| it.type_uri()).collect();
        assert_eq!(listed, kinds);
    }
}
