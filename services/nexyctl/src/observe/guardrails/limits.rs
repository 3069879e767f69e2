/// What is judged against, from the section guardrails of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Of the time to first audio, in milliseconds.
    pub(super) first_audio_p95_warn_ms: f64,
    pub(super) first_audio_p95_page_ms: f64,
    pub(super) error_ratio_warn: f64,
    pub(super) error_ratio_page: f64,
    pub(super) refusal_ratio: f64,
    pub(super) baseline_factor: f64,
    pub(super) median_factor: f64,
    /// A share up to this is not compared.
    pub(super) ratio_floor: f64,
    pub(super) median_min_hours: usize,
    pub(super) min_turns: u64,
    pub(super) unreadable_ratio: f64,
    /// Steps in percent, rising.
    pub(super) ramp_percent: Vec<u8>,
}

// === impl Limits ===

impl Limits {
    /// How many are needed of what only some turns have: half of them may have
    /// been interrupted or refused, not nearly all.
    pub(super) const fn min_some(&self) -> u64 {
        self.min_turns.div_ceil(2)
    }
}

impl From<&nexy_config::Settings> for Limits {
    fn from(settings: &nexy_config::Settings) -> Self {
        let limits = &settings.guardrails;
        Self {
            first_audio_p95_warn_ms: limits.first_audio_p95_warn.as_secs_f64() * 1000.0,
            first_audio_p95_page_ms: limits.first_audio_p95_page.as_secs_f64() * 1000.0,
            error_ratio_warn: limits.error_ratio_warn,
            error_ratio_page: limits.error_ratio_page,
            refusal_ratio: limits.refusal_ratio,
            baseline_factor: limits.baseline_factor,
            median_factor: limits.median_factor,
            ratio_floor: limits.ratio_floor,
            median_min_hours: limits.median_min_hours,
            min_turns: limits.min_turns,
            unreadable_ratio: limits.unreadable_ratio,
            ramp_percent: limits.ramp_percent.clone(),
        }
    }
}
