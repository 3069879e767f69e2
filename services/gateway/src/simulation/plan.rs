//! What happens in a simulation, all of it chosen by the seed.

use std::time::Duration;

use fastrand::Rng;

use super::script::{Ending, Script};

/// Devices, each with connections of its own.
pub(super) const DEVICES: u32 = 3;

/// Workers behind the gateway.
pub(super) const WORKERS: u32 = 2;

/// Conversations that a device has at the same time.
const LANES: u32 = 2;

/// When the gateway has found its workers.
pub(super) const READY: Duration = Duration::from_millis(500);

/// When every fault is over.
pub(super) const HEALED: Duration = Duration::from_millis(2000);

/// The longest way of a message, in milliseconds.
pub(super) const SLOWEST_MS: u64 = 30;

/// How long a fault may be felt after it is over: until both sides have noticed
/// that their connection lost something.
const FELT: Duration = Duration::from_millis(1000);

/// A seed, worked out.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) slowest_ms: u64,
    pub(super) faults: Vec<Fault>,
    /// What each lane of each device does.
    pub(super) devices: Vec<Vec<Vec<Act>>>,
    /// Whether the workers are well all the time.
    pub(super) is_calm: bool,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Everything between the two is lost.
    Cut(String, String),
    /// What the first one sends to the second one is lost.
    CutOneWay(String, String),
    /// Nothing arrives between the two, and then everything does.
    Held(String, String),
    /// The host is gone, and comes back.
    Crashed(String),
}

/// What a lane of a device does next.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) pause_ms: u32,
    pub(super) script: Script,
    pub(super) deadline_ms: u32,
    pub(super) how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// To the end.
    Listen,
    /// The user says stop after so many milliseconds, so many times.
    Stop { after_ms: u32, times: u32 },
    /// Goes away without a word.
    HangUp { after_ms: u32 },
    /// Asks the next question on the same call.
    BargeIn { after_ms: u32 },
    /// Asks in the same session on another call.
    Twice { after_ms: u32 },
    /// Sends the question in two parts.
    InParts,
}

pub(super) fn device(number: u32) -> String {
    format!("device-{number}")
}

pub(super) fn worker(number: u32) -> String {
    format!("worker-{number}")
}

// === impl Plan ===

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let is_calm = rng.u32(..3) == 0;
        let mut faults = Vec::new();
        for number in 1..=DEVICES {
            if rng.u32(..2) == 0 {
                faults.extend(link_faults(&mut rng, &device(number), "gateway"));
            }
        }
        for number in 1..=WORKERS {
            if !is_calm && rng.u32(..3) > 0 {
                faults.extend(worker_faults(&mut rng, &worker(number)));
            }
        }
        let mut nonce = 0;
        let mut lane = |rng: &mut Rng| {
            let acts = rng.u32(1..=3);
            (0..acts).map(|_| act(rng, &mut nonce, is_calm)).collect()
        };
        let devices = (0..DEVICES).map(|_| (0..LANES).map(|_| lane(&mut rng)).collect()).collect();
        let slowest_ms = rng.u64(2..=SLOWEST_MS);
        Self { seed, slowest_ms, faults, devices, is_calm }
    }

    /// Whether something on the way between a device and the gateway can be
    /// felt between these moments.
    pub(super) fn is_disturbed(&self, device: &str, from: Duration, to: Duration) -> bool {
        self.faults.iter().any(|fault| {
            let is_ours = match &fault.what {
                What::Cut(a, b) | What::CutOneWay(a, b) | What::Held(a, b) => {
                    a == device || b == device
                }
                What::Crashed(_) => false,
            };
            is_ours && fault.from <= to && from <= fault.to + FELT
        })
    }
}

/// One after the other, so that healing one does not heal the next.
fn link_faults(rng: &mut Rng, a: &str, b: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut at = READY + Duration::from_millis(rng.u64(..700));
    while faults.len() < 2 {
        let until = at + Duration::from_millis(rng.u64(20..800));
        if until >= HEALED {
            break;
        }
        let (a, b) = (a.to_owned(), b.to_owned());
        let what = match rng.u32(..4) {
            0 => What::Cut(a, b),
            1 => What::CutOneWay(a, b),
            2 => What::CutOneWay(b, a),
            _ => What::Held(a, b),
        };
        faults.push(Fault { from: at, to: until, what });
        at = until + Duration::from_millis(rng.u64(50..600));
    }
    faults
}

fn worker_faults(rng: &mut Rng, worker: &str) -> Vec<Fault> {
    if rng.bool() {
        return link_faults(rng, "gateway", worker);
    }
    let from = READY + Duration::from_millis(rng.u64(..1000));
    let to = (from + Duration::from_millis(rng.u64(50..800))).min(HEALED);
    vec![Fault { from, to, what: What::Crashed(worker.to_owned()) }]
}

fn act(rng: &mut Rng, nonce: &mut u32, is_calm: bool) -> Act {
    *nonce += 2;
    let script = script(rng, *nonce, is_calm);
    let lasts = script.lasts_ms().max(40);
    let after_ms = rng.u32(..lasts + 60);
    let how = match rng.u32(..10) {
        0 | 1 => How::Listen,
        2..=4 => How::Stop { after_ms, times: rng.u32(1..=3) },
        5 => How::HangUp { after_ms },
        6 | 7 => How::BargeIn { after_ms },
        8 => How::Twice { after_ms },
        _ => How::InParts,
    };
    // A short one now and then, and never one that a whole reply cannot meet.
    let deadline_ms = if rng.u32(..5) == 0 { rng.u32(200..600) } else { rng.u32(800..1000) };
    Act { pause_ms: rng.u32(..200), script, deadline_ms, how }
}

fn script(rng: &mut Rng, nonce: u32, is_calm: bool) -> Script {
    let bad = [Ending::BrokenOff, Ending::Status, Ending::Failed];
    let ending = match rng.u32(..8) {
        0 => Ending::Hanging,
        1 | 2 if !is_calm => bad[rng.usize(..bad.len())],
        // Of its own accord, which says nothing of the way to it.
        1 => Ending::Failed,
        _ => Ending::Whole,
    };
    let is_spoiled = ending != Ending::Whole && !is_calm && rng.bool();
    Script {
        nonce,
        segments: rng.u32(..9),
        first_ms: rng.u32(..100),
        pause_ms: rng.u32(..45),
        ending,
        spoiled_by: is_spoiled.then(|| rng.u32(1..=WORKERS)),
        is_mixed: rng.u32(..4) == 0,
    }
}
