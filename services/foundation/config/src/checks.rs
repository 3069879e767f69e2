//! Combinations of values that cannot work together.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::{
    kind::{Kind, pairs},
    problem::{Origin, Problem},
    resolve::Resolved,
    settings::{Actions, Settings},
};

struct Checks<'a> {
    values: &'a Resolved,
    problems: &'a mut Vec<Problem>,
}

/// Checks what no single key can tell.
pub(crate) fn check(settings: &Settings, values: &Resolved, problems: &mut Vec<Problem>) {
    let mut checks = Checks { values, problems };
    checks.ports_differ("http.port", "grpc.port", ["http.host", "grpc.host"]);
    checks.ports_differ("update.grpc_port", "update.port", ["update.host"; 2]);
    checks.ports_differ("worker.http_port", "worker.port", ["worker.host"; 2]);
    checks.ports_differ("ingress.tls_port", "ingress.http_port", ["ingress.listen_host"; 2]);
    checks.audio(settings);
    checks.sizes(settings);
    checks.times(settings);
    checks.guardrails(settings);
    checks.sentences(settings);
    checks.certificates();
    checks.headers(settings);
    checks.admin_token(settings);
    checks.database(settings);
}

// === impl Checks ===

impl Checks<'_> {
    fn refuse(&mut self, path: &str, expected: impl Into<String>) {
        let origin = self.values.origin(path).describe(path);
        let problem = Problem::new(path, origin, expected);
        let value = self.values.value(path);
        self.problems.push(if value.is_null() { problem } else { problem.given(value) });
    }

    /// Two ports of one service, unless they are on different addresses. The
    /// one that somebody has chosen is named.
    fn ports_differ(&mut self, path: &str, other: &str, hosts: [&str; 2]) {
        let [host, other_host] = hosts.map(|path| self.values.text(path).unwrap_or_default());
        let is_any = |host: &str| matches!(host, "0.0.0.0" | "::" | "[::]");
        let share_address = host == other_host || is_any(host) || is_any(other_host);
        if share_address && self.values.value(path) == self.values.value(other) {
            let is_default = *self.values.origin(path) == Origin::Default;
            let (path, other) = if is_default { (other, path) } else { (path, other) };
            self.refuse(path, format!("another port than {other}"));
        }
    }

    /// A secret, so what is wrong with it is not shown.
    fn headers(&mut self, settings: &Settings) {
        let headers = settings.telemetry.otlp_headers.as_ref();
        if headers.is_some_and(|headers| pairs(headers.expose_secret()).is_none()) {
            const PATH: &str = "telemetry.otlp_headers";
            let origin = self.values.origin(PATH).describe(PATH);
            self.problems.push(Problem::new(PATH, origin, Kind::Pairs.allowed()));
        }
    }

    /// It travels in a header, and must not be guessed.
    fn admin_token(&mut self, settings: &Settings) {
        const PATH: &str = "admin.token";
        const SHORTEST: usize = 16;
        let Some(token) = &settings.admin.token else { return };
        let token = token.expose_secret();
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let origin = self.values.origin(PATH).describe(PATH);
            let expected =
                format!("at least {SHORTEST} visible ASCII characters, and no space among them");
            self.problems.push(Problem::new(PATH, origin, expected));
        }
    }

    fn audio(&mut self, settings: &Settings) {
        let sample_bytes = 2 * u64::from(settings.audio.channels);
        if !(settings.audio.streaming_chunk_size as u64).is_multiple_of(sample_bytes) {
            let expected = format!("whole samples, a multiple of {sample_bytes} bytes");
            self.refuse("audio.streaming_chunk_size", expected);
        }
    }

    /// A message must be able to carry the largest screenshot, in base64.
    fn sizes(&mut self, settings: &Settings) {
        let screenshot = settings.limits.max_screenshot_bytes.div_ceil(3) * 4;
        if settings.grpc.max_message_bytes <= screenshot {
            let expected = format!(
                "more than {screenshot}, the largest screenshot (limits.max_screenshot_bytes) in base64"
            );
            self.refuse("grpc.max_message_bytes", expected);
        }
        // Else a call above the limit would wait instead of being refused, here
        // and on the one connection to a worker.
        let streams = settings.backpressure.max_concurrent_streams;
        if settings.grpc.max_streams_per_connection as usize <= streams {
            let expected = format!("more than {streams}, backpressure.max_concurrent_streams");
            self.refuse("grpc.max_streams_per_connection", expected);
        }
        if settings.grpc.connection_window_bytes < settings.grpc.stream_window_bytes {
            self.refuse("grpc.connection_window_bytes", "at least grpc.stream_window_bytes");
        }
    }

    fn times(&mut self, settings: &Settings) {
        if settings.llm.first_token_timeout > settings.llm.turn_budget {
            self.refuse("llm.first_token_timeout_ms", "at most llm.turn_budget_ms");
        }
        if settings.tts.first_byte_timeout > settings.llm.turn_budget {
            self.refuse("tts.first_byte_timeout_ms", "at most llm.turn_budget_ms");
        }
    }

    /// Nobody is called before there was a warning.
    fn guardrails(&mut self, settings: &Settings) {
        let limits = &settings.guardrails;
        if limits.first_audio_p95_page < limits.first_audio_p95_warn {
            let expected = "at least guardrails.first_audio_p95_warn_ms";
            self.refuse("guardrails.first_audio_p95_page_ms", expected);
        }
        if limits.error_ratio_page < limits.error_ratio_warn {
            self.refuse("guardrails.error_ratio_page", "at least guardrails.error_ratio_warn");
        }
    }

    /// A user who is not asked cannot agree, and one who is told nothing cannot
    /// know what happens.
    fn sentences(&mut self, settings: &Settings) {
        let Actions { confirm_en, confirm_ru, doing_en, doing_ru, cannot_en, cannot_ru, .. } =
            &settings.actions;
        for (path, sentence, expected) in [
            ("actions.confirm_en", confirm_en, "a question"),
            ("actions.confirm_ru", confirm_ru, "a question"),
            ("actions.doing_en", doing_en, "a sentence"),
            ("actions.doing_ru", doing_ru, "a sentence"),
            ("actions.cannot_en", cannot_en, "a sentence"),
            ("actions.cannot_ru", cannot_ru, "a sentence"),
        ] {
            if sentence.trim().is_empty() {
                self.refuse(path, expected);
            }
        }
    }

    fn certificates(&mut self) {
        for pair in [
            ["ingress.tls_certificate", "ingress.tls_key"],
            ["grpc.tls_certificate", "grpc.tls_key"],
        ] {
            let [certificate, key] = pair.map(|path| self.values.text(path).is_some());
            if certificate != key {
                let missing = if certificate { pair[1] } else { pair[0] };
                self.refuse(missing, "a file, because the other one of certificate and key is set");
            }
        }
        let files = ["internal_tls.ca", "internal_tls.certificate", "internal_tls.key"];
        let is_set = files.map(|path| self.values.text(path).is_some());
        if is_set.contains(&true) {
            for (path, _) in files.into_iter().zip(is_set).filter(|(_, is_set)| !is_set) {
                self.refuse(path, "a file, because another one of internal_tls is set");
            }
        }
    }

    fn database(&mut self, settings: &Settings) {
        let has_password = *self.values.value("database.password") != Value::Null;
        let has_server = settings.database.host.is_some() || settings.database.url.is_some();
        if has_password && !has_server {
            self.refuse("database.host", "a host, because DB_PASSWORD is set");
        }
    }
}
