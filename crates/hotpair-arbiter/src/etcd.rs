//! etcd as arbiter, over its JSON gateway: one key with a lease for the grant of an engine, one
//! without for the node that went on alone.
mod call;
mod words;

use crate::{Answer, Arbiter, ArbiterError, Ask, EngineKey, Grant, Renewed, Seen, Taken};
use call::Calls;
use serde_json::{Value, json};
use std::time::Duration;
use words::{Read, b64, leased, number, revision, succeeded, written_at};

/// Longer leases make no sense for a takeover.
const LEASE_SECONDS_MAX: u64 = 3_600;
/// A transaction that finds something else than was read is tried again with that, so often.
const TRIES_MAX: usize = 3;

/// Where etcd is, and how long to wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdSettings {
    /// Base addresses, `http://HOST:PORT`; tried one after the other.
    pub addresses: Vec<String>,
    /// One call may take so long, all addresses together.
    pub call_time_max: Duration,
}

/// Asks etcd.
#[derive(Debug)]
pub struct Etcd {
    calls: Calls,
}

impl Etcd {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// `ArbiterError::Settings` names what is wrong with an address.
    pub fn new(settings: EtcdSettings) -> Result<Self, ArbiterError> {
        Ok(Self { calls: Calls::new(settings)? })
    }

    async fn take_it(&self, ask: &Ask) -> Result<Taken, ArbiterError> {
        // Whole seconds, and never fewer than the holder counts on; etcd raises short ones.
        let seconds = ask.lease.as_secs() + u64::from(ask.lease.subsec_nanos() > 0);
        if !(1..=LEASE_SECONDS_MAX).contains(&seconds) {
            let why =
                format!("more than 0 s and at most {LEASE_SECONDS_MAX} s, not {:?}", ask.lease);
            return Err(ArbiterError::Settings { field: "arbiter.lease", why });
        }
        // Who waits for a grant asks again and again: a look is read, a lease is written by all.
        let found = self.read(&ask.engine).await?;
        if !found.is_free_for(ask) {
            return Ok(Taken::Busy(found.seen()));
        }
        let lease =
            self.calls.post("/v3/lease/grant", &json!({"TTL": seconds.to_string()})).await?;
        let lease_id = number(&lease, "ID")?;
        let taken = self.take_with(ask, lease_id, found).await;
        if !matches!(taken, Ok(Taken::Held(_))) {
            // Best effort: it ends by itself.
            self.revoke(lease_id).await.ok();
        }
        taken
    }

    async fn take_with(
        &self,
        ask: &Ask,
        lease_id: i64,
        mut found: Found,
    ) -> Result<Taken, ArbiterError> {
        let (grant, alone) = keys(&ask.engine);
        let own = ask.holder.to_string();
        let put = json!({"requestPut": {"key": b64(&grant), "value": b64(&own), "lease": lease_id.to_string()}});
        let forget = json!({"requestDeleteRange": {"key": b64(&alone)}});
        for _ in 0..TRIES_MAX {
            let compare = [
                written_at(&grant, found.holder.revision),
                written_at(&alone, found.alone.revision),
            ];
            let success =
                if ask.over_alone { vec![put.clone(), forget.clone()] } else { vec![put.clone()] };
            let txn =
                json!({"compare": compare, "success": success, "failure": reads(&ask.engine)});
            let answer = self.calls.post("/v3/kv/txn", &txn).await?;
            if succeeded(&answer) {
                let revision = revision(&answer)?;
                let (engine, holder) = (ask.engine.clone(), ask.holder.clone());
                return Ok(Taken::Held(Grant { engine, holder, revision, lease_id }));
            }
            found = Found::read(&answer)?;
            if !found.is_free_for(ask) {
                break;
            }
        }
        Ok(Taken::Busy(found.seen()))
    }

    async fn read(&self, engine: &EngineKey) -> Result<Found, ArbiterError> {
        let txn = json!({"compare": [], "success": reads(engine), "failure": []});
        Found::read(&self.calls.post("/v3/kv/txn", &txn).await?)
    }

    async fn revoke(&self, lease_id: i64) -> Result<(), ArbiterError> {
        let id = json!({"ID": lease_id.to_string()});
        match self.calls.post("/v3/lease/revoke", &id).await {
            Ok(_) => Ok(()),
            // A lease that is gone is what was wanted.
            Err(ArbiterError::Refused { why }) if why.contains("lease not found") => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn renew_it(&self, grant: &Grant) -> Result<Renewed, ArbiterError> {
        let id = json!({"ID": grant.lease_id.to_string()});
        if !leased(&self.calls.post("/v3/lease/keepalive", &id).await?) {
            return Ok(Renewed::Gone);
        }
        // The lease may live on without the key: it was taken over from a holder believed dead.
        let (key, _) = keys(&grant.engine);
        let txn = json!({
            "compare": [ours(&key, grant)], "success": reads(&grant.engine), "failure": [],
        });
        let answer = self.calls.post("/v3/kv/txn", &txn).await?;
        if !succeeded(&answer) {
            return Ok(Renewed::Gone);
        }
        Ok(Renewed::Yes { alone: Found::read(&answer)?.alone.value })
    }

    async fn end_alone_of(&self, engine: &EngineKey, node: &str) -> Result<(), ArbiterError> {
        let (_, alone) = keys(engine);
        let delete = json!({"requestDeleteRange": {"key": b64(&alone)}});
        let mut found = self.read(engine).await?;
        for _ in 0..TRIES_MAX {
            if found.alone.value.as_deref() != Some(node) {
                // Not ours, or not there: nothing of ours stands.
                return Ok(());
            }
            // By revision, not by value: one of these that arrives late must not take back what
            // was written after it was sent.
            let compare = [written_at(&alone, found.alone.revision)];
            let txn = json!({"compare": compare, "success": [delete], "failure": reads(engine)});
            let answer = self.calls.post("/v3/kv/txn", &txn).await?;
            if succeeded(&answer) {
                return Ok(());
            }
            found = Found::read(&answer)?;
        }
        Err(ArbiterError::Refused { why: format!("{alone} changes all the time") })
    }
}

impl Arbiter for Etcd {
    fn look<'a>(&'a self, engine: &'a EngineKey) -> Answer<'a, Seen> {
        Box::pin(async move { Ok(self.read(engine).await?.seen()) })
    }

    fn take<'a>(&'a self, ask: &'a Ask) -> Answer<'a, Taken> {
        Box::pin(self.take_it(ask))
    }

    fn renew<'a>(&'a self, grant: &'a Grant) -> Answer<'a, Renewed> {
        Box::pin(self.renew_it(grant))
    }

    fn give_back<'a>(&'a self, grant: &'a Grant) -> Answer<'a, ()> {
        // The key goes with its lease, unless another has taken it over by then.
        Box::pin(self.revoke(grant.lease_id))
    }

    fn go_alone<'a>(&'a self, grant: &'a Grant) -> Answer<'a, bool> {
        Box::pin(async move {
            let (key, alone) = keys(&grant.engine);
            let node = &grant.holder.node;
            let put = json!({"requestPut": {"key": b64(&alone), "value": b64(node)}});
            let txn = json!({"compare": [ours(&key, grant)], "success": [put], "failure": []});
            Ok(succeeded(&self.calls.post("/v3/kv/txn", &txn).await?))
        })
    }

    fn end_alone<'a>(&'a self, engine: &'a EngineKey, node: &'a str) -> Answer<'a, ()> {
        Box::pin(self.end_alone_of(engine, node))
    }
}

/// Both keys of an engine as they were read at one moment.
struct Found {
    holder: Read,
    alone: Read,
}

impl Found {
    fn read(answer: &Value) -> Result<Self, ArbiterError> {
        Ok(Self { holder: Read::at(answer, 0)?, alone: Read::at(answer, 1)? })
    }

    /// Held by nobody, by the one that is proven dead, or by who asks.
    fn is_free_for(&self, ask: &Ask) -> bool {
        let dead = ask.proven_dead.as_ref();
        let free = self.holder.value.as_ref().is_none_or(|it| {
            *it == ask.holder.to_string() || dead.is_some_and(|dead| *it == dead.to_string())
        });
        let alone = self.alone.value.as_ref();
        free && (ask.over_alone || alone.is_none_or(|it| *it == ask.holder.node))
    }

    fn seen(self) -> Seen {
        Seen { holder: self.holder.value, alone: self.alone.value }
    }
}

/// Reads both keys of an engine, in the order of `Found`.
fn reads(engine: &EngineKey) -> [Value; 2] {
    let (grant, alone) = keys(engine);
    [grant, alone].map(|it| json!({"requestRange": {"key": b64(&it)}}))
}

/// The key of the grant, and the key of who went on alone.
fn keys(engine: &EngineKey) -> (String, String) {
    let base = format!("/hotpair/{}/{}", engine.pair, engine.engine);
    (format!("{base}/active"), format!("{base}/alone"))
}

/// Holds when the key is still as this grant wrote it.
fn ours(key: &str, grant: &Grant) -> Value {
    written_at(key, i64::try_from(grant.revision).unwrap_or(i64::MAX))
}
