//! What the API shows (its certificate) and asks for (the token): read from files, and read again while
//! it serves. Whoever is connected stays; the next handshake and the next request meet the new ones.
use super::{ListenerError, TlsFiles, Token, tls};
use rustls::ServerConfig;
use std::path::Path;
use std::sync::{Arc, RwLock};

/// Certificate and token of a served API. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    held: Arc<RwLock<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    tls: Option<Arc<ServerConfig>>,
    token: Option<Arc<Token>>,
}

impl Held {
    fn read(files: Option<TlsFiles>, token_file: Option<&Path>) -> Result<Self, ListenerError> {
        let token = token_file.map(Token::read).transpose()?.map(Arc::new);
        Ok(Self { tls: files.as_ref().map(tls::load).transpose()?, token })
    }
}

impl ApiKeys {
    pub(super) fn read(
        files: Option<TlsFiles>,
        token_file: Option<&Path>,
    ) -> Result<Self, ListenerError> {
        Ok(Self { held: Arc::new(RwLock::new(Held::read(files, token_file)?)) })
    }

    /// Reads the files again. Whether there is TLS at all, and whether a token is asked for, does not
    /// change: that was weighed against the address when the API began to listen.
    ///
    /// # Errors
    /// `ListenerError` when a file cannot be used; then what was read before stays.
    pub fn read_again(
        &self,
        files: Option<TlsFiles>,
        token_file: Option<&Path>,
    ) -> Result<(), ListenerError> {
        let new = Held::read(files, token_file)?;
        let mut held = self.held.write().expect(UNPOISONED);
        if held.tls.is_some() && new.tls.is_some() {
            held.tls = new.tls;
        }
        if held.token.is_some() && new.token.is_some() {
            held.token = new.token;
        }
        Ok(())
    }

    pub(super) fn set_token(&self, token: Token) {
        self.held.write().expect(UNPOISONED).token = Some(Arc::new(token));
    }

    pub(super) fn has_tls(&self) -> bool {
        self.held.read().expect(UNPOISONED).tls.is_some()
    }

    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.held.read().expect(UNPOISONED).tls.clone()
    }

    pub(crate) fn token(&self) -> Option<Arc<Token>> {
        self.held.read().expect(UNPOISONED).token.clone()
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";
