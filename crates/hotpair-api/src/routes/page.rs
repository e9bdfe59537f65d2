//! The status page: embedded files that load nothing from elsewhere.
use super::board::Board;
use crate::gate::{Shared, origin_of};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

const HTML: &str = include_str!("../page/index.html");
const CSS: &str = include_str!("../page/page.css");
const JS: &str = include_str!("../page/page.js");
const LINK_JS: &str = include_str!("../page/link.js");
const TREND_JS: &str = include_str!("../page/trend.js");
const WORDS_JS: &str = include_str!("../page/words.js");
const JS_TYPE: &str = "text/javascript; charset=utf-8";

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/", page)
        .add("get", "/page/page.css", async || asset("text/css; charset=utf-8", CSS))
        .add("get", "/page/page.js", async || asset(JS_TYPE, JS))
        .add("get", "/page/link.js", async || asset(JS_TYPE, LINK_JS))
        .add("get", "/page/trend.js", async || asset(JS_TYPE, TREND_JS))
        .add("get", "/page/words.js", async || asset(JS_TYPE, WORDS_JS))
}

async fn page(State(api): State<Shared>) -> Response {
    let partner = api.status().partner_api.clone().unwrap_or_default();
    let partner = origin_of(&partner);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'{}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        also(partner)
    );
    let mut response = asset("text/html; charset=utf-8", HTML);
    if let Ok(policy) = policy.parse() {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The partner as a source, if its address can be one.
fn also(partner: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-.:/[]".contains(it);
    let Some((scheme, rest)) = partner.split_once("://") else { return String::new() };
    if !partner.chars().all(plain) || !matches!(scheme, "http" | "https") {
        return String::new();
    }
    let socket = if scheme == "https" { "wss" } else { "ws" };
    format!(" {partner} {socket}://{rest}")
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::also;

    #[test]
    fn only_a_plain_address_becomes_a_source() {
        assert_eq!(also("http://10.0.0.2:8650"), " http://10.0.0.2:8650 ws://10.0.0.2:8650");
        for bad in ["", "10.0.0.2", "ftp://a", "http://a; script-src *", "http://a b"] {
            assert_eq!(also(bad), "", "{bad}");
        }
    }
}
