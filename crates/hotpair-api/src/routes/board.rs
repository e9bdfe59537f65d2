//! A router that remembers what was put on it, so that the description can be compared with it.
use crate::gate::Shared;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

/// Routes and their list.
pub(crate) struct Board {
    router: Router<Shared>,
    listed: Vec<(&'static str, &'static str)>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), listed: Vec::new() }
    }

    /// Adds a path with one method, in small letters.
    pub(crate) fn add<H, T>(mut self, method: &'static str, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let filter = match method {
            "get" => MethodFilter::GET,
            "put" => MethodFilter::PUT,
            "post" => MethodFilter::POST,
            "delete" => MethodFilter::DELETE,
            "options" => MethodFilter::OPTIONS,
            other => panic!("no method `{other}`"),
        };
        self.router = self.router.route(path, on(filter, handler));
        self.listed.push((method, path));
        self
    }

    /// Method and path of each, in axum's words: `/config/{*key}`.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> &[(&'static str, &'static str)] {
        &self.listed
    }

    pub(crate) fn into_router(self) -> Router<Shared> {
        self.router
    }
}
