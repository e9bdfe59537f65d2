//! One request, sent as often as it takes: which node next, whether again, and what it means in the
//! end.
use crate::connection::{Connections, NoAnswer, RawAnswer};
use crate::{Attempt, Error, NodeAddress, Problem};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How many nodes are tried: those given, and those they name.
const NODES_MAX: usize = 6;
/// How many attempts an error tells of.
const ATTEMPTS_TOLD_MAX: usize = 6;
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// What may be done when no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing: any node, any number of times.
    Read,
    /// It carries an idempotency key: as a read.
    Keyed,
    /// Once it may have arrived, not again.
    Never,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<(&'static str, Bytes)>,
    pub(crate) repeat: Repeat,
}

/// What an attempt means.
#[derive(Debug)]
enum Meaning {
    Done(Bytes),
    /// Another node takes it, if it is known which.
    Elsewhere(Problem),
    /// Not now: perhaps soon, perhaps elsewhere. It did not happen.
    Later(Problem),
    /// It may have happened.
    Doubtful(String),
    /// It did not happen, and will not.
    Refused(Problem),
}

/// The nodes of the pair, the one that last did what was asked first.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) connections: Connections,
    nodes: Mutex<Vec<NodeAddress>>,
    pub(crate) total_time_max: Duration,
    pub(crate) attempt_time_max: Duration,
}

impl Way {
    pub(crate) fn new(nodes: Vec<NodeAddress>, connections: Connections) -> Self {
        Self {
            connections,
            nodes: Mutex::new(nodes),
            total_time_max: Duration::from_secs(30),
            attempt_time_max: Duration::from_secs(2),
        }
    }

    /// All known nodes, the best first.
    pub(crate) fn nodes(&self) -> Vec<NodeAddress> {
        self.nodes.lock().expect(UNPOISONED).clone()
    }

    /// From now on this one first.
    pub(crate) fn prefer(&self, node: &NodeAddress) {
        let mut nodes = self.nodes.lock().expect(UNPOISONED);
        match nodes.iter().position(|it| it == node) {
            Some(0) => {}
            Some(index) => nodes[..=index].rotate_right(1),
            None => {
                nodes.insert(0, node.clone());
                nodes.truncate(NODES_MAX);
            }
        }
    }

    /// Carries a request out.
    pub(crate) async fn carry_out(&self, call: &Call) -> Result<(NodeAddress, Bytes), Error> {
        let deadline = Instant::now() + self.total_time_max;
        let mut course = Course::default();
        let mut pause = PAUSE_FIRST;
        loop {
            let nodes = self.nodes();
            for node in &nodes {
                let next = self.attempt(call, node, deadline, &mut course).await?;
                if let Some(body) = next {
                    return Ok((node.clone(), body));
                }
                if Instant::now() >= deadline {
                    return Err(course.give_up());
                }
                // A node named another: that one is first now, and asked at once.
                if course.take_redirect() {
                    break;
                }
            }
            let resume = Instant::now() + pause.max(course.take_wait());
            if resume >= deadline {
                sleep_until(deadline).await;
                return Err(course.give_up());
            }
            if !course.hurry {
                sleep_until(resume).await;
                pause = (2 * pause).min(PAUSE_MAX);
            }
            course.hurry = false;
        }
    }

    /// Asks one node once. Whether it says yes; `None`: it says nothing.
    pub(crate) async fn ask_one(
        &self,
        call: &Call,
        node: &NodeAddress,
        deadline: Instant,
    ) -> Option<bool> {
        let request = request(call, node).ok()?;
        let answer = self.connections.exchange(node, request, deadline).await.ok()?;
        Some((200..300).contains(&answer.status))
    }

    /// One attempt at one node. `None`: go on.
    async fn attempt(
        &self,
        call: &Call,
        node: &NodeAddress,
        deadline: Instant,
        course: &mut Course,
    ) -> Result<Option<Bytes>, Error> {
        let until = deadline.min(Instant::now() + self.attempt_time_max);
        let until = if call.repeat == Repeat::Never { deadline } else { until };
        let request = request(call, node)?;
        let meaning = match self.connections.exchange(node, request, until).await {
            Ok(answer) => Meaning::of(call, answer),
            Err(NoAnswer { maybe_sent: true, what }) => Meaning::Doubtful(what),
            Err(NoAnswer { maybe_sent: false, what }) => {
                course.note(node, what);
                return Ok(None);
            }
        };
        match meaning {
            Meaning::Done(body) => {
                self.prefer(node);
                return Ok(Some(body));
            }
            Meaning::Refused(problem) => {
                // A key that is too old to be checked leaves the earlier attempt in doubt.
                if course.in_doubt && problem.id == "idempotency-key-expired" {
                    course.note(node, problem.to_string());
                    return Err(course.give_up());
                }
                self.prefer(node);
                return Err(Error::Refused(problem.into()));
            }
            Meaning::Doubtful(what) => {
                course.in_doubt |= call.repeat != Repeat::Read;
                course.note(node, what);
                if call.repeat == Repeat::Never {
                    return Err(course.give_up());
                }
            }
            Meaning::Elsewhere(problem) => {
                let active = problem.active.as_deref().and_then(|it| it.parse().ok());
                course.note(node, problem.to_string());
                // Whoever was asked over TLS may not send us to where there is none.
                if let Some(active) = active.filter(|it: &NodeAddress| it.https || !node.https) {
                    course.redirect(&active, node);
                    self.prefer(&active);
                }
                course.refusal = Some(problem);
            }
            Meaning::Later(problem) => {
                course.note(node, problem.to_string());
                course.wait = course.wait.max(problem.retry_after.unwrap_or_default());
                course.refusal = Some(problem);
            }
        }
        Ok(None)
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";

impl Meaning {
    fn of(call: &Call, RawAnswer { status, body }: RawAnswer) -> Self {
        if (200..300).contains(&status) {
            return Self::Done(body);
        }
        let problem = Problem::read(status, &body);
        match (status, problem.id.as_str()) {
            (421, _) => Self::Elsewhere(problem),
            (504 | 500 | 502, _) if call.repeat != Repeat::Read => {
                Self::Doubtful(problem.to_string())
            }
            // There is no standby, and nothing changes by asking again at once.
            (503, "standby-required" | "storage-failed") => Self::Refused(problem),
            (408 | 429 | 500 | 502..=504, _) => Self::Later(problem),
            _ => Self::Refused(problem),
        }
    }
}

/// What was learned on the way.
#[derive(Debug, Default)]
struct Course {
    attempts: Vec<Attempt>,
    /// It may have been carried out already.
    in_doubt: bool,
    refusal: Option<Problem>,
    wait: Duration,
    redirected: bool,
    redirects: u32,
    hurry: bool,
}

impl Course {
    fn note(&mut self, node: &NodeAddress, what: String) {
        self.attempts.retain(|it| it.node != *node || it.what != what);
        if self.attempts.len() == ATTEMPTS_TOLD_MAX {
            self.attempts.remove(0);
        }
        self.attempts.push(Attempt { node: node.clone(), what });
    }

    fn redirect(&mut self, to: &NodeAddress, from: &NodeAddress) {
        // Two that name each other are waited for like a switch under way.
        self.redirected = to != from && self.redirects.is_multiple_of(2);
        self.redirects += 1;
    }

    fn take_redirect(&mut self) -> bool {
        self.hurry |= self.redirected;
        std::mem::take(&mut self.redirected)
    }

    /// How long the nodes asked us to wait. A takeover takes less than the second they can say.
    fn take_wait(&mut self) -> Duration {
        std::mem::take(&mut self.wait).min(PAUSE_MAX)
    }

    fn give_up(&mut self) -> Error {
        let attempts = std::mem::take(&mut self.attempts);
        match self.refusal.take() {
            _ if self.in_doubt => Error::Unknown(attempts),
            Some(problem) => Error::Refused(problem.into()),
            None => Error::Unreachable(attempts),
        }
    }
}

fn request(call: &Call, node: &NodeAddress) -> Result<Request<Full<Bytes>>, Error> {
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(&call.target)
        .header("host", &*node.authority)
        .header("user-agent", concat!("hotpair-client/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    if let Some((content_type, _)) = &call.body {
        request = request.header("content-type", *content_type);
    }
    let body = call.body.as_ref().map(|it| it.1.clone()).unwrap_or_default();
    request.body(Full::new(body)).map_err(|_| Error::Settings("the request cannot be written"))
}
