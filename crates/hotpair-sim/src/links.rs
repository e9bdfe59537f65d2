//! Connections: made, given up, reset; what travels over them.
use crate::carry::brief;
use crate::net::Net;
use crate::world::{Happening, World};
use hotpair_core::Input;
use hotpair_replication::Lane;
use hotpair_types::Channel;
use std::time::Duration;

impl World {
    pub(crate) fn connect(&mut self, channel: Channel) {
        let alive = self.nodes.iter().all(|it| it.core.is_some() && !it.paused);
        if self.net.connection(channel) != 0 {
            return;
        }
        if !alive || !self.net.is_whole(channel) {
            // Dialled again and again.
            let dead = self.nodes.iter().any(|it| it.core.is_none());
            if !dead {
                let after = self.now + Duration::from_millis(400);
                self.at(after, Happening::Connect(channel));
            }
            return;
        }
        let number = self.net.connect(self.now, channel);
        note!(self, "{channel} is connected");
        for node in 0..2 {
            self.give(node, Input::LinkUp { channel });
            let instance = self.nodes[node].instance;
            let differs = self.differs.then(|| "mode".into());
            let input = Input::Hello { channel, instance, differs, compares: true };
            let at = self.net.hello(self.now, channel, node, &mut self.rng);
            let connection = Some((channel, number));
            self.at(at, Happening::Arrives { to: 1 - node, connection, input });
        }
    }

    pub(crate) fn drop_connection(&mut self, channel: Channel) {
        if self.net.connection(channel) == 0 {
            return;
        }
        note!(self, "{channel} is given up");
        let data_moves = channel == Channel::Redundancy;
        self.net.disconnect(channel);
        for node in 0..2 {
            self.give(node, Input::LinkDown { channel });
            if data_moves && self.net.connection(channel.other()) != 0 {
                self.give(node, Input::Moved);
            }
        }
        let after = Net::reconnect_after(&mut self.rng);
        self.at(self.now + after, Happening::Connect(channel));
    }

    /// The process at one end is gone: the other is told by the kernel, if that lives.
    pub(crate) fn reset_connections(&mut self, node: usize, kernel_lives: bool) {
        let other = 1 - node;
        for channel in Channel::ALL {
            if self.net.connection(channel) == 0 {
                continue;
            }
            self.net.disconnect(channel);
            if kernel_lives && self.net.delivers(channel, node) {
                let refused = self.rng.percent(50);
                let hint = Input::Hint { channel, refused };
                let after = self.rng.between(Duration::from_micros(100), Duration::from_millis(3));
                let happening = Happening::Arrives { to: other, connection: None, input: hint };
                self.at(self.now + after, happening);
                let down = Input::LinkDown { channel };
                let happening = Happening::Arrives { to: other, connection: None, input: down };
                self.at(self.now + after * 2, happening);
            }
        }
    }

    pub(crate) fn arrive(&mut self, to: usize, connection: Option<(Channel, u64)>, input: Input) {
        if let Some((channel, number)) = connection {
            if self.net.connection(channel) != number {
                return;
            }
            // QUIC repeats until it is through, or the connection is given up.
            if !self.net.delivers(channel, 1 - to) {
                let later = self.now + Duration::from_millis(25);
                let happening = Happening::Arrives { to, connection, input };
                if self.net.is_idle(self.now, channel) {
                    self.drop_connection(channel);
                } else {
                    self.at(later, happening);
                }
                return;
            }
            if let Input::Hello { .. } = &input {
                self.nodes[to].greeted[channel] = number;
            }
        }
        note!(self, "{to} <- {}", brief(&input));
        let mut beat = None;
        if let Input::Beat { beat: it, number, .. } = &input {
            beat = Some((it.instance, *number));
        }
        let before = self.view_taken_at(to);
        self.give(to, input);
        let now = Some(self.nodes[to].local(self.now));
        if let Some((from, number)) = beat
            && before != now
            && self.view_taken_at(to) == now
            && let Err(text) = self.watch.words.takes(to, from, number)
        {
            self.watch.broken_proof.get_or_insert(text);
        }
    }

    /// When a node took a view of its partner last.
    fn view_taken_at(&self, node: usize) -> Option<hotpair_types::Time> {
        let engine = self.nodes[node].core.as_ref()?.engines().first()?;
        engine.partner_view().map(|(at, _)| at)
    }

    pub(crate) fn frame(&mut self, node: usize, lane: Lane, input: Input) {
        let Some(channel) = Channel::ALL.into_iter().find(|it| self.net.connection(*it) != 0)
        else {
            return;
        };
        let number = self.net.connection(channel);
        let at = self.net.frame(self.now, channel, node, lane, &mut self.rng);
        let connection = Some((channel, number));
        self.at(at, Happening::Arrives { to: 1 - node, connection, input });
    }
}
