//! Speech made faster or slower at the same pitch.
//!
//! The method is PICOLA, pointer interval controlled overlap-add (Morita and
//! Itakura, "Time-scale modification algorithm for speech by use of pointer
//! interval control overlap and add", Acoustical Society of Japan, autumn 1986):
//! periods of the voice are left out, or said twice, and the edges of each such
//! jump are faded into one another. Up to twice the speed a fade lasts a period;
//! above that, as long as speech lasts until the next jump. The period is found
//! by the average magnitude difference function (Ross, Shaffer, Cohen,
//! Freudberg and Manley, IEEE Transactions on Acoustics, Speech and Signal
//! Processing 22(5), 1974), first in thinned samples, then in all of them.

use std::ops::RangeInclusive;

use nexy_types::{SampleRate, SpeechRate};

use super::samples::{SAMPLE_BYTES, Samples};

/// The lowest pitch that is looked for, in Hz. Two periods of it, 31 ms of the
/// voice, are what the first sound waits for.
const LOWEST_HZ: u32 = 65;

/// The highest, in Hz.
const HIGHEST_HZ: u32 = 400;

/// About how many samples of a second are looked at first.
const THINNED_HZ: u32 = 4_000;

/// Changes the speed of one speech, jump by jump. What comes out depends on the
/// samples that went in and not on when they did.
pub(super) struct Stretcher {
    /// Seconds of the voice in a second of what is heard; not 1.
    speed: f64,
    /// Samples of the shortest and of the longest period.
    shortest: usize,
    longest: usize,
    /// Samples that become one when they are thinned.
    thinning: usize,
    /// What the voice said, before it is looked at.
    waiting: Samples,
    /// Two of the longest periods from the place on that is read next, or what is
    /// there of them.
    window: Vec<i16>,
    thinned: Vec<i16>,
    /// The latest period of the voice, in samples.
    period: usize,
    /// Samples that are passed on as they are before the next jump.
    plain: usize,
    /// Samples of the voice before the window, and those that were given for them.
    taken: u64,
    given: u64,
}

/// Goes on at another place of the window, unheard.
struct Jump {
    /// Samples before it.
    lead: usize,
    /// Where the part that fades out begins, the part that fades in, and how long
    /// both are.
    leave: usize,
    arrive: usize,
    fade: usize,
}

// === impl Stretcher ===

impl Stretcher {
    /// `None` when there is nothing to be changed.
    pub(super) fn new(sample_rate: SampleRate, rate: SpeechRate) -> Option<Self> {
        let hz = sample_rate.hz();
        let longest = (hz / LOWEST_HZ).max(1) as usize;
        let shortest = (hz / HIGHEST_HZ).max(1) as usize;
        (rate != SpeechRate::NORMAL).then(|| Self {
            speed: f64::from(rate.factor()),
            shortest,
            longest,
            thinning: (hz / THINNED_HZ).max(1) as usize,
            waiting: Samples::default(),
            window: Vec::new(),
            thinned: Vec::new(),
            period: shortest,
            plain: 0,
            taken: 0,
            given: 0,
        })
    }

    /// What the voice said and has not been looked at.
    pub(super) const fn waiting(&mut self) -> &mut Samples {
        &mut self.waiting
    }

    /// Goes on to the next jump, or as far as there is something to go on with.
    /// `false` when more of the voice is needed first, or at the end of it.
    pub(super) fn step(&mut self, finished: bool, out: &mut Samples) -> bool {
        self.fill();
        if self.plain > 0 {
            return self.pass(self.plain, out);
        }
        let is_whole = self.window.len() == 2 * self.longest;
        if !is_whole && !finished {
            return false;
        }
        // What is less than two periods of the voice has no place to jump to.
        let longest = self.window.len() / 2;
        if longest < self.period {
            return self.pass(self.window.len(), out);
        }
        self.period = self.find_period(longest);
        self.jump(out);
        true
    }

    fn fill(&mut self) {
        while self.window.len() < 2 * self.longest {
            let room = (2 * self.longest - self.window.len()) * SAMPLE_BYTES;
            let Some(piece) = self.waiting.take(SAMPLE_BYTES, room) else { return };
            let (pairs, _) = piece.as_chunks::<SAMPLE_BYTES>();
            self.window.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        }
    }

    /// Passes on so many samples at most. `false` when there are none.
    fn pass(&mut self, most: usize, out: &mut Samples) -> bool {
        let count = most.min(self.window.len());
        out.extend(self.window.drain(..count));
        self.plain = self.plain.saturating_sub(count);
        self.taken += count as u64;
        self.given += count as u64;
        count > 0
    }

    /// The period of the voice at the beginning of the window.
    fn find_period(&mut self, longest: usize) -> usize {
        self.thinned.clear();
        self.thinned.extend(self.window.chunks_exact(self.thinning).map(mean));
        let roughly = self.shortest.div_ceil(self.thinning)..=longest / self.thinning;
        let roughly = likeliest_period(&self.thinned, roughly) * self.thinning;
        let from = roughly.saturating_sub(self.thinning).max(self.shortest);
        let to = (roughly + self.thinning).min(longest);
        likeliest_period(&self.window, from..=to)
    }

    /// Leaves a period out, or says it twice.
    fn jump(&mut self, out: &mut Samples) {
        let until_next = self.until_next();
        let jump = Jump::of(self.period, self.speed > 1.0, until_next);
        out.extend(self.window.iter().copied().take(jump.lead));
        let part = |from: usize| self.window.get(from..from + jump.fade).unwrap_or_default();
        fade(part(jump.leave), part(jump.arrive), out);
        let (passed, said) = (jump.arrive + jump.fade, jump.lead + jump.fade);
        self.window.drain(..passed.min(self.window.len()));
        self.taken += passed as u64;
        self.given += said as u64;
        self.plain = until_next.saturating_sub(said);
    }

    /// Samples to be given from this jump to the next, so that all that was given
    /// until then has the right length. What rounding left is made up for.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float-to-integer cast saturates"
    )]
    fn until_next(&self) -> usize {
        let ahead = self.taken as f64 - self.speed * self.given as f64;
        let period = self.period as f64;
        let skipped = if self.speed > 1.0 { period } else { -period };
        ((skipped + ahead) / (self.speed - 1.0)).round() as usize
    }
}

// === impl Jump ===

impl Jump {
    fn of(period: usize, is_forward: bool, until_next: usize) -> Self {
        if is_forward {
            let fade = until_next.clamp(1, period);
            return Self { lead: 0, leave: 0, arrive: period, fade };
        }
        let fade = until_next.saturating_sub(period).clamp(1, period);
        Self { lead: period, leave: period, arrive: 0, fade }
    }
}

/// The lag at which the samples from the first on are most like those after
/// them, of the same number; the shortest of equals.
fn likeliest_period(samples: &[i16], lags: RangeInclusive<usize>) -> usize {
    let mut best = (u64::MAX, *lags.start());
    for lag in lags {
        let (here, there) = samples.split_at_checked(lag).unwrap_or_default();
        let difference: u32 = here.iter().zip(there).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        // Compares what one sample differs by. (65 537 differences fit into the sum,
        // and no period has so many samples.)
        if u64::from(difference).saturating_mul(best.1 as u64) < best.0.saturating_mul(lag as u64) {
            best = (u64::from(difference), lag);
        }
    }
    best.1
}

/// From one part to the other. Where the two are not alike, as in an `s`, they
/// would cancel each other in the middle, so they are raised there.
#[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
fn fade(leaving: &[i16], arriving: &[i16], out: &mut Samples) {
    let likeness = likeness(leaving, arriving);
    let count = leaving.len() as f32 + 1.0;
    out.extend(leaving.iter().zip(arriving).enumerate().map(|(at, (leaving, arriving))| {
        let come = (at as f32 + 1.0) / count;
        let gone = 1.0 - come;
        let mixed = gone * f32::from(*leaving) + come * f32::from(*arriving);
        let power = gone * gone + come * come + 2.0 * gone * come * likeness;
        (mixed / power.sqrt()).round() as i16
    }));
}

/// 1 for parts of one shape, 0 for parts that have nothing in common.
fn likeness(one: &[i16], other: &[i16]) -> f32 {
    let (mut both, mut first, mut second) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        both += a * b;
        first += a * a;
        second += b * b;
    }
    let power = (first * second).sqrt();
    if power > 0.0 { (both / power).clamp(0.0, 1.0) } else { 1.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a mean lies between its samples")]
fn mean(samples: &[i16]) -> i16 {
    let sum: i64 = samples.iter().map(|sample| i64::from(*sample)).sum();
    (sum / (samples.len() as i64).max(1)) as i16
}

#[cfg(test)]
mod tests;
