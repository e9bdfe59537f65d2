//! Parts of requests, with problem documents where they cannot be read.
use crate::face::{Problem, ProblemKind, WriteOptions};
use crate::name::{IDEMPOTENCY_KEY_BYTES_MAX, plain};
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use hotpair_types::{Ack, EngineName};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The query of a request. Unknown names are errors where `T` says so.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(query) => Ok(Self(query.0)),
            Err(error) => {
                let detail = plain(&error.body_text());
                Err(Problem::new(ProblemKind::BadRequest, detail))
            }
        }
    }
}

/// A name in the path, decoded.
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(Problem::new(ProblemKind::BadPath, plain(&error.body_text()))),
        }
    }
}

/// `?engine=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineQuery {
    pub(crate) engine: Option<EngineName>,
}

/// `?engine=&ack=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteQuery {
    pub(crate) engine: Option<EngineName>,
    pub(crate) ack: Option<Ack>,
}

/// `?engine=&last=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastQuery {
    pub(crate) engine: Option<EngineName>,
    pub(crate) last: Option<usize>,
}

/// `?engine=&prefix=&after=&limit=`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    pub(crate) engine: Option<EngineName>,
    #[serde(default)]
    pub(crate) prefix: String,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<usize>,
}

impl ListQuery {
    /// Checks the texts and bounds the count.
    pub(crate) fn checked(mut self, items_max: usize) -> Result<(Self, usize), Problem> {
        for text in [Some(&self.prefix), self.after.as_ref()].into_iter().flatten() {
            if text.len() > crate::name::ITEM_BYTES_MAX {
                return Err(Problem::new(
                    ProblemKind::BadRequest,
                    "`prefix` or `after` is too long",
                ));
            }
        }
        let count_max = self.limit.take().unwrap_or(items_max).clamp(1, items_max);
        Ok((self, count_max))
    }
}

/// How a write is wanted, by `?ack=` and the header `Idempotency-Key`.
pub(crate) fn write_options(
    headers: &HeaderMap,
    ack: Option<Ack>,
) -> Result<WriteOptions, Problem> {
    let idempotency_key = match headers.get("idempotency-key") {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            check_idempotency_key(text)?;
            Some(text.to_owned())
        }
    };
    Ok(WriteOptions { ack, idempotency_key })
}

pub(crate) fn check_idempotency_key(text: &str) -> Result<(), Problem> {
    let sound = !text.is_empty()
        && text.len() <= IDEMPOTENCY_KEY_BYTES_MAX
        && text.bytes().all(|it| it.is_ascii_graphic());
    if sound {
        return Ok(());
    }
    let detail =
        format!("an idempotency key is 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
    Err(Problem::new(ProblemKind::BadRequest, detail))
}
