//! etcd as arbiter, over its JSON gateway: one key with a lease for the grant of an engine, one
//! without for the node that went on alone.
mod call;
mod words;

use crate::{Answer, Arbiter, ArbiterError, Ask, EngineKey, Grant, Renewed, Taken};
use call::Calls;
use serde_json::{Value, json};
use std::time::Duration;
use words::{Read, b64, is_missing, kv, leased, number, succeeded};

/// Longer leases make no sense for a takeover.
const LEASE_SECONDS_MAX: u64 = 3_600;

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
        let lease =
            self.calls.post("/v3/lease/grant", &json!({"TTL": seconds.to_string()})).await?;
        let lease_id = number(&lease, "ID")?;
        let taken = self.take_with(ask, lease_id).await;
        if !matches!(taken, Ok(Taken::Held(_))) {
            // Best effort: it ends by itself.
            self.revoke(lease_id).await.ok();
        }
        taken
    }

    async fn take_with(&self, ask: &Ask, lease_id: i64) -> Result<Taken, ArbiterError> {
        let (grant, alone) = keys(&ask.engine);
        let own = ask.holder.to_string();
        let put = json!({"requestPut": {"key": b64(&grant), "value": b64(&own), "lease": lease_id.to_string()}});
        let read = [
            json!({"requestRange": {"key": b64(&grant)}}),
            json!({"requestRange": {"key": b64(&alone)}}),
        ];
        let free = is_missing(&grant);
        let of_the_dead = ask.proven_dead.as_ref().map(|it| kv(&grant, &it.to_string()));
        let nobody_alone = is_missing(&alone);
        let alone_myself = kv(&alone, &ask.holder.node);
        let ways = [Some(free), of_the_dead];
        for grant_is in ways.into_iter().flatten() {
            for alone_is in [&nobody_alone, &alone_myself] {
                let mut compare = vec![grant_is.clone()];
                let mut success = vec![put.clone()];
                if ask.over_alone {
                    success.push(json!({"requestDeleteRange": {"key": b64(&alone)}}));
                } else {
                    compare.push(alone_is.clone());
                }
                let txn = json!({"compare": compare, "success": success, "failure": read});
                let answer = self.calls.post("/v3/kv/txn", &txn).await?;
                if succeeded(&answer) {
                    let revision = Read::revision(&answer)?;
                    let (engine, holder) = (ask.engine.clone(), ask.holder.clone());
                    return Ok(Taken::Held(Grant { engine, holder, revision, lease_id }));
                }
                let read = Read::of_failure(&answer)?;
                let again = ask.proven_dead.as_ref().map(ToString::to_string);
                let maybe = (read.holder.is_none() || read.holder == again)
                    && (read.alone.is_none() || read.alone.as_ref() == Some(&ask.holder.node));
                if !maybe {
                    return Ok(Taken::Busy { holder: read.holder, alone: read.alone });
                }
            }
        }
        // It changed between the questions: somebody else is at it.
        Ok(Taken::Busy { holder: None, alone: None })
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
        let mine = json!({"compare": [ours(&key, grant)], "success": [], "failure": []});
        let answer = self.calls.post("/v3/kv/txn", &mine).await?;
        Ok(if succeeded(&answer) { Renewed::Yes } else { Renewed::Gone })
    }
}

impl Arbiter for Etcd {
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
        Box::pin(async move {
            let (_, alone) = keys(engine);
            let delete = json!({"requestDeleteRange": {"key": b64(&alone)}});
            let mine = kv(&alone, node);
            let txn = json!({"compare": [mine], "success": [delete], "failure": []});
            // Not ours, or not there: nothing of ours stands.
            self.calls.post("/v3/kv/txn", &txn).await.map(drop)
        })
    }
}

/// The key of the grant, and the key of who went on alone.
fn keys(engine: &EngineKey) -> (String, String) {
    let base = format!("/hotpair/{}/{}", engine.pair, engine.engine);
    (format!("{base}/active"), format!("{base}/alone"))
}

/// Holds when the key is still as this grant wrote it.
fn ours(key: &str, grant: &Grant) -> Value {
    json!({
        "key": b64(key), "target": "MOD", "result": "EQUAL",
        "modRevision": grant.revision.to_string(),
    })
}
