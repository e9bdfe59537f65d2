//! What clients of a node write.
use crate::pair::{Pair, apply, set, tag};
use hotpair_replication::{Expectation, IdempotencyKey, Input, Op, Write, WriteBody, WriteTicket};
use hotpair_types::{Ack, ItemKey, NodeTime};

impl Pair {
    pub fn write_with(
        &mut self,
        node: usize,
        ack: Option<Ack>,
        key: Option<&str>,
        body: WriteBody,
    ) -> u64 {
        self.tickets += 1;
        let ticket = self.tickets;
        let written_at = NodeTime(self.now.0 / 1_000);
        let key = key.map(|it| IdempotencyKey { key: it.into(), issued: Some(written_at) });
        if let WriteBody::Runtime { ops } = &body {
            for op in ops {
                apply(&mut self.nodes[node].applied, op);
            }
        }
        let write = Write { ticket: WriteTicket(ticket), ack, key, written_at, body };
        self.give(node, Input::Write(write));
        self.give(node, Input::Flush);
        ticket
    }

    pub fn tag(&mut self, node: usize, item: &str, value: &str) -> u64 {
        self.write_with(node, None, None, WriteBody::Runtime { ops: vec![set(tag(item), value)] })
    }

    pub fn config(&mut self, node: usize, key: &str, value: &str) -> u64 {
        let ops = vec![set(ItemKey::config(key), value)];
        self.write_with(node, None, None, WriteBody::Config { expect: Vec::new(), ops })
    }

    pub fn remove_config(&mut self, node: usize, key: &str) -> u64 {
        let ops = vec![Op::Remove { item: ItemKey::config(key) }];
        self.write_with(node, None, None, WriteBody::Config { expect: Vec::new(), ops })
    }

    pub fn config_expecting(&mut self, node: usize, expect: Vec<Expectation>, ops: Vec<Op>) -> u64 {
        self.write_with(node, None, None, WriteBody::Config { expect, ops })
    }

    pub fn module(&mut self, node: usize, name: &str, bytes: &[u8]) -> u64 {
        let hash = *blake3::hash(bytes).as_bytes();
        self.nodes[node].blob_bytes.insert(hash, bytes.to_vec());
        self.nodes[node].disk.blobs.insert(hash);
        self.give(node, Input::BlobHere { hash });
        let hex = blake3::hash(bytes).to_hex();
        let value = format!("{{\"hash\":\"{hex}\",\"size\":{}}}", bytes.len());
        self.config(node, &format!("modules/{name}"), &value)
    }
}
