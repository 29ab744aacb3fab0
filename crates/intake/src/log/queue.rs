//! What waits for the writer: bounded by bytes, first come, first served.
//!
//! Always holds: a request that is in the queue gets an answer, also when the log is closed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

use tokio::sync::oneshot;

use super::AppendResult;
use super::record::Encoded;
use crate::Error;

/// Events that are written, or not, as one.
pub(super) struct Request {
    pub records: Vec<Encoded>,
    pub bytes: usize,
    pub reply: oneshot::Sender<Result<AppendResult, Error>>,
}

/// The queue before the writer.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_bytes: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub fn new(max_bytes: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), max_bytes }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock can panic")
    }

    /// Takes a request in, or says why not. A request larger than the whole queue is taken when nothing else waits.
    pub fn push(&self, request: Request) -> Result<(), Error> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::Closed);
        }
        if state.bytes > 0 && state.bytes + request.bytes > self.max_bytes {
            return Err(Error::Full { retry_after_seconds: 1 });
        }
        state.bytes += request.bytes;
        state.waiting.push_back(request);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for requests and takes as many as fit into `bytes`, at least one. Empty when the queue is closed and drained.
    pub fn take(&self, bytes: usize) -> Vec<Request> {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.closed {
            state = self.changed.wait(state).expect("no holder of this lock can panic");
        }
        let mut group = Vec::new();
        let mut taken = 0;
        while let Some(request) = state.waiting.front() {
            if taken > 0 && taken + request.bytes > bytes {
                break;
            }
            taken += request.bytes;
            group.extend(state.waiting.pop_front());
        }
        state.bytes -= taken;
        group
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.state().bytes
    }

    /// Takes nothing more in; what waits is still written.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}
