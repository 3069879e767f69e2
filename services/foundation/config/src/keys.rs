use crate::kind::{Kind, hours, millis, seconds, whole};

/// One setting: a row of the table that everything else is made from.
pub struct Key {
    /// Its place in the YAML, e.g. `backpressure.idle_timeout_seconds`.
    pub path: &'static str,
    /// What values it takes.
    pub kind: Kind,
    variable: Variable,
    file: Option<Variable>,
}

/// A field of [`Variables`].
struct Variable {
    /// Its name in lower case, which is how envy names fields.
    field: &'static str,
    get: fn(&Variables) -> Option<&str>,
}

/// `"key" variable => kind;` for each key, and `variable | variable_file` for a
/// secret. Makes [`KEYS`], and [`Variables`] with a field for each variable.
macro_rules! keys {
    (@file) => { None };
    (@file $file:ident) => {
        Some(Variable { field: stringify!($file), get: |v| v.$file.as_deref() })
    };
    ($($path:literal $env:ident $(| $file:ident)? => $kind:expr;)*) => {
        /// The environment as envy parses it: all text, converted afterwards so
        /// that every bad value is reported.
        #[derive(Default, serde::Deserialize)]
        pub(crate) struct Variables {
            pub(crate) nexy_env: Option<String>,
            pub(crate) nexy_config: Option<String>,
            pub(crate) nexy_config_env: Option<String>,
            pub(crate) tz: Option<String>,
            $(
                $env: Option<String>,
                $($file: Option<String>,)?
            )*
        }

        /// Every setting, in the order of the YAML.
        pub static KEYS: &[Key] = &[$(Key {
            path: $path,
            kind: $kind,
            variable: Variable { field: stringify!($env), get: |v| v.$env.as_deref() },
            file: keys!(@file $($file)?),
        }),*];
    };
}

/// The schemes of addresses that a provider or collector can have.
const WEB: Kind = Kind::Url(&["http", "https"]);
/// What screenshots are sent as, and what is written.
const IMAGE_FORMATS: Kind = Kind::Choices(&["webp", "png", "jpeg"]);
/// A share of a whole.
const SHARE: Kind = Kind::Decimal { min: 0.0, max: 1.0 };
/// What leaves by OTLP.
const EXPORTER: Kind = Kind::Choice(&["otlp", "none"]);
/// USD for a million of something.
const PRICE: Kind = Kind::Decimal { min: 0.0, max: 100_000.0 };
/// A day in seconds, the bound of time-outs that need none in particular.
const DAY: u64 = 86_400;
const GIB: u64 = 1 << 30;
/// The largest window of HTTP/2 (RFC 9113 §6.9.1).
const MAX_WINDOW: u64 = (1 << 31) - 1;

keys! {
    "grpc.host" grpc_host => Kind::Host;
    "grpc.port" grpc_port => Kind::Port;
    "grpc.max_workers" max_workers => whole(1, 4096);
    "grpc.max_message_bytes" grpc_max_message_bytes => whole(65_536, GIB);
    "grpc.keepalive_interval_seconds" grpc_keepalive_interval_seconds => seconds(1, DAY);
    "grpc.keepalive_timeout_seconds" grpc_keepalive_timeout_seconds => seconds(1, 600);
    "grpc.handshake_timeout_ms" grpc_handshake_timeout_ms => millis(1, 60_000);
    "grpc.linger_ms" grpc_linger_ms => millis(0, 60_000);
    "grpc.max_connections" grpc_max_connections => whole(1, 1_000_000);
    "grpc.max_connection_age_seconds" grpc_max_connection_age_seconds => seconds(0, 30 * DAY);
    "grpc.max_connection_age_jitter_percent"
        grpc_max_connection_age_jitter_percent => whole(0, 50);
    "grpc.max_connection_age_grace_seconds"
        grpc_max_connection_age_grace_seconds => seconds(0, DAY);
    "grpc.max_streams_per_connection" grpc_max_streams_per_connection => whole(1, 1_000_000);
    "grpc.max_resets_per_connection" grpc_max_resets_per_connection => whole(1, 1_000_000_000);
    "grpc.max_header_bytes" grpc_max_header_bytes => whole(4096, 1_048_576);
    "grpc.stream_window_bytes" grpc_stream_window_bytes => whole(65_535, MAX_WINDOW);
    "grpc.connection_window_bytes" grpc_connection_window_bytes => whole(65_535, MAX_WINDOW);
    "grpc.send_buffer_bytes" grpc_send_buffer_bytes => whole(16_384, GIB);
    "grpc.tls_certificate" grpc_tls_certificate => Kind::Path;
    "grpc.tls_key" grpc_tls_key => Kind::Path;
    "grpc.tls_reload_interval_seconds" grpc_tls_reload_interval_seconds => seconds(0, DAY);
    "grpc.reflection" grpc_reflection => Kind::Switch;
    "grpc.frame_buffer" grpc_frame_buffer => whole(1, 1024);

    "internal_tls.ca" internal_tls_ca => Kind::Path;
    "internal_tls.certificate" internal_tls_certificate => Kind::Path;
    "internal_tls.key" internal_tls_key => Kind::Path;

    "http.host" http_host => Kind::Host;
    "http.port" http_port => Kind::Port;

    "update.host" update_host => Kind::Host;
    "update.port" update_port => Kind::Port;
    "update.grpc_port" update_grpc_port => Kind::Port;
    "update.grpc_addr" update_grpc_addr => Kind::Address;
    "update.enabled" update_enabled => Kind::Switch;
    "update.beta_enabled" update_beta_enabled => Kind::Switch;
    "update.alpha_enabled" update_alpha_enabled => Kind::Switch;
    "update.updates_dir" update_dir => Kind::Path;
    "update.downloads_dir" update_downloads_dir => Kind::Path;
    "update.manifests_dir" update_manifests_dir => Kind::Path;
    "update.public_key" update_public_key => Kind::PublicKey;
    "update.former_public_key" update_former_public_key => Kind::PublicKey;
    "update.signed_feeds_required" update_signed_feeds_required => Kind::Switch;
    "update.approvals_required" update_approvals_required => whole(0, 100);
    "update.rescan_interval_ms" update_rescan_interval_ms => millis(50, 60_000);
    "update.latest_cache_ttl_seconds" update_latest_cache_ttl_seconds => seconds(0, DAY);
    "update.request_timeout_ms" update_request_timeout_ms => millis(1, 600_000);
    "update.latest_timeout_ms" update_latest_timeout_ms => millis(1, 60_000);
    "update.feed_title" update_feed_title => Kind::Text;
    "update.feed_link" update_feed_link => Kind::Url(&["https"]);
    "update.feed_description" update_feed_description => Kind::Text;
    "update.public_base_url" update_public_base_url => Kind::Url(&["https"]);

    "backpressure.max_concurrent_streams" backpressure_max_streams => whole(1, 100_000);
    "backpressure.max_message_rate_per_second" backpressure_max_rate => whole(0, 100_000);
    "backpressure.idle_timeout_seconds" backpressure_idle_timeout => seconds(1, DAY);
    "backpressure.grace_period_seconds" backpressure_grace_period => seconds(0, DAY);
    "backpressure.collect_ttl_seconds" backpressure_collect_ttl_seconds => seconds(1, DAY);
    "backpressure.collect_max_entries" backpressure_collect_max_entries => whole(1, 1_000_000);
    "backpressure.collect_max_bytes" backpressure_collect_max_bytes => whole(65_536, 64 * GIB);
    "backpressure.interrupt_timeout_ms" backpressure_interrupt_timeout_ms => millis(1, 60_000);

    "features.use_module_coordinator" use_module_coordinator => Kind::Feature;
    "features.use_workflow_integrations" use_workflow_integrations => Kind::Feature;
    "features.use_fallback_manager" use_fallback_manager => Kind::Feature;
    "features.forward_assistant_actions" forward_assistant_actions => Kind::Feature;

    "kill_switches.disable_module_coordinator"
        nexy_ks_disable_module_coordinator => Kind::KillSwitch;
    "kill_switches.disable_workflow_integrations"
        nexy_ks_disable_workflow_integrations => Kind::KillSwitch;
    "kill_switches.disable_forward_assistant_actions"
        nexy_ks_disable_forward_assistant_actions => Kind::KillSwitch;

    "server.version" server_version => Kind::Text;
    "server.build" server_build => Kind::Text;
    "server.channel" server_channel => Kind::Text;
    "server.drain_seconds" server_drain_seconds => seconds(0, 3600);
    "server.lame_duck_seconds" server_lame_duck_seconds => seconds(0, 3600);
    "server.config_watch_interval_ms" config_watch_interval_ms => millis(0, 60_000);
    "server.runtime_threads" server_runtime_threads => whole(0, 1024);
    "server.timezone" server_timezone => Kind::Timezone;

    "workflow.bridge_after_ms" bridge_after_ms => millis(0, 60_000);
    "workflow.bridge_en" bridge_en => Kind::Text;
    "workflow.bridge_ru" bridge_ru => Kind::Text;
    "workflow.stream_min_chars" stream_min_chars => whole(0, 10_000);
    "workflow.stream_min_words" stream_min_words => whole(0, 1000);
    "workflow.stream_first_sentence_min_words" stream_first_sentence_min_words => whole(0, 1000);
    "workflow.force_flush_max_chars" stream_force_flush_max_chars => whole(0, 100_000);
    "workflow.prevent_concurrent_hardware_id_sessions"
        prevent_concurrent_hardware_id_sessions => Kind::Switch;
    "workflow.look_ahead_segments" look_ahead_segments => whole(1, 64);

    "worker.addrs" worker_addrs => Kind::Addresses;
    "worker.host" worker_host => Kind::Host;
    "worker.port" worker_port => Kind::Port;
    "worker.http_port" worker_http_port => Kind::Port;
    "worker.connect_timeout_ms" worker_connect_timeout_ms => millis(1, 60_000);
    "worker.stream_window_bytes" worker_stream_window_bytes => whole(65_535, MAX_WINDOW);
    "worker.status_interval_ms" worker_status_interval_ms => millis(50, 60_000);
    "worker.status_timeout_ms" worker_status_timeout_ms => millis(50, 60_000);
    "worker.eject_after_failures" worker_eject_after_failures => whole(1, 1000);
    "worker.eject_ms" worker_eject_ms => millis(1, 600_000);
    "worker.eject_max_ms" worker_eject_max_ms => millis(1, 3_600_000);
    "worker.unready_grace_seconds" worker_unready_grace_seconds => seconds(0, DAY);

    "data_dir" nexy_data_dir => Kind::Path;

    "admin.token" nexy_admin_token | nexy_admin_token_file => Kind::Secret;

    "providers.ping_interval_seconds" providers_ping_interval_seconds => seconds(0, 3600);
    "providers.ping_timeout_ms" providers_ping_timeout_ms => millis(1, 60_000);
    "providers.idle_timeout_seconds" providers_idle_timeout_seconds => seconds(1, DAY);
    "providers.stream_window_bytes" providers_stream_window_bytes => whole(65_535, MAX_WINDOW);

    "llm.providers" llm_providers => Kind::Choices(&["gemini", "openai", "offline"]);
    "llm.gemini.key" gemini_api_key | gemini_api_key_file => Kind::Secret;
    "llm.gemini.fallback_key"
        gemini_fallback_api_key | gemini_fallback_api_key_file => Kind::Secret;
    "llm.gemini.model" gemini_primary_model => Kind::Text;
    "llm.gemini.base_url" gemini_base_url => WEB;
    "llm.gemini.google_search" gemini_google_search => Kind::Switch;
    "llm.gemini.image_formats" gemini_image_formats => IMAGE_FORMATS;
    "llm.gemini.usd_per_million_input_tokens" gemini_usd_per_million_input_tokens => PRICE;
    "llm.gemini.usd_per_million_output_tokens" gemini_usd_per_million_output_tokens => PRICE;
    "llm.openai.base_url" openai_base_url => WEB;
    "llm.openai.key" openai_api_key | openai_api_key_file => Kind::Secret;
    "llm.openai.model" openai_model => Kind::Text;
    "llm.openai.image_formats" openai_image_formats => IMAGE_FORMATS;
    "llm.openai.usd_per_million_input_tokens" openai_usd_per_million_input_tokens => PRICE;
    "llm.openai.usd_per_million_output_tokens" openai_usd_per_million_output_tokens => PRICE;
    "llm.image.max_long_edge" llm_image_max_long_edge => whole(64, 16_383);
    "llm.image.max_bytes" llm_image_max_bytes => whole(1024, GIB);
    "llm.image.max_pixels" llm_image_max_pixels => whole(4096, 1_000_000_000);
    "llm.image.jpeg_quality" llm_image_jpeg_quality => whole(1, 100);
    "llm.image.max_concurrent" llm_image_max_concurrent => whole(1, 256);
    "llm.image.timeout_ms" llm_image_timeout_ms => millis(1, 60_000);
    "llm.temperature" text_processing_temperature => Kind::Decimal { min: 0.0, max: 2.0 };
    "llm.max_tokens" text_processing_max_tokens => whole(1, 1_000_000);
    "llm.max_reply_chars" llm_max_reply_chars => whole(1, 1_000_000);
    "llm.connect_timeout_ms" llm_connect_timeout_ms => millis(1, 600_000);
    "llm.first_token_timeout_ms" llm_first_token_timeout_ms => millis(1, 600_000);
    "llm.stall_timeout_ms" llm_stall_timeout_ms => millis(1, 600_000);
    "llm.max_event_bytes" llm_max_event_bytes => whole(1024, GIB);
    "llm.turn_budget_ms" turn_budget_ms => millis(1, 3_600_000);
    "llm.quota_pause_seconds" llm_quota_pause_seconds => seconds(1, DAY);
    "llm.circuit_breaker_threshold" circuit_breaker_threshold => whole(1, 1000);
    "llm.circuit_breaker_error_ratio"
        circuit_breaker_error_ratio => Kind::Decimal { min: 0.01, max: 1.0 };
    "llm.circuit_breaker_min_requests" circuit_breaker_min_requests => whole(1, 1_000_000);
    "llm.circuit_breaker_window_seconds" circuit_breaker_window_seconds => seconds(1, DAY);
    "llm.circuit_breaker_timeout" circuit_breaker_timeout => seconds(1, DAY);

    "tts.providers" tts_providers => Kind::Choices(&["azure", "openai", "espeak"]);
    "tts.azure.key" azure_speech_key | azure_speech_key_file => Kind::Secret;
    "tts.azure.region" azure_speech_region => Kind::Host;
    "tts.azure.voice" azure_voice_name => Kind::Text;
    "tts.azure.base_url" azure_speech_base_url => WEB;
    "tts.azure.user_agent" azure_speech_user_agent => Kind::Text;
    "tts.azure.usd_per_million_chars" azure_usd_per_million_chars => PRICE;
    "tts.openai.base_url" tts_openai_base_url => WEB;
    "tts.openai.key" tts_openai_api_key | tts_openai_api_key_file => Kind::Secret;
    "tts.openai.model" tts_openai_model => Kind::Text;
    "tts.openai.voice" tts_openai_voice => Kind::Text;
    "tts.openai.sample_rate" tts_openai_sample_rate => whole(8000, 192_000);
    "tts.openai.takes_speed" tts_openai_takes_speed => Kind::Switch;
    "tts.openai.usd_per_million_chars" tts_openai_usd_per_million_chars => PRICE;
    "tts.espeak.program" espeak_program => Kind::Path;
    "tts.espeak.voice" espeak_voice => Kind::Text;
    "tts.espeak.rate" espeak_rate => whole(80, 450);
    "tts.espeak.max_processes" espeak_max_processes => whole(1, 256);
    "tts.espeak.warm_processes" espeak_warm_processes => whole(0, 64);
    "tts.connect_timeout_ms" tts_connect_timeout_ms => millis(1, 600_000);
    "tts.first_byte_timeout_ms" tts_first_byte_timeout_ms => millis(1, 600_000);
    "tts.stall_timeout_ms" tts_stall_timeout_ms => millis(1, 600_000);
    "tts.warm_up_after_seconds" tts_warm_up_after_seconds => seconds(0, DAY);

    "audio.sample_rate" sample_rate => whole(8000, 192_000);
    "audio.channels" audio_channels => whole(1, 2);
    "audio.format" audio_format => Kind::Choice(&["int16"]);
    "audio.streaming_chunk_size" streaming_chunk_size => whole(2, 4096);

    "actions.transport" actions_transport => Kind::Choice(&["mcp_prefix", "action_message"]);
    "actions.catalogue" actions_catalogue => Kind::Path;
    "actions.confirm_within_seconds" actions_confirm_within_seconds => seconds(1, 3600);
    "actions.confirm_max_devices" actions_confirm_max_devices => whole(1, 1_000_000);
    "actions.confirm_max_bytes" actions_confirm_max_bytes => whole(1, 1_000_000);
    "actions.confirm_en" actions_confirm_en => Kind::Text;
    "actions.confirm_ru" actions_confirm_ru => Kind::Text;
    "actions.doing_en" actions_doing_en => Kind::Text;
    "actions.doing_ru" actions_doing_ru => Kind::Text;
    "actions.cannot_en" actions_cannot_en => Kind::Text;
    "actions.cannot_ru" actions_cannot_ru => Kind::Text;

    "limits.max_prompt_chars" max_prompt_chars => whole(1, 1_000_000);
    "limits.max_screenshot_bytes" image_max_size => whole(1, GIB);

    "memory.max_short_term_size" max_short_term_memory_size => whole(0, 1_000_000);
    "memory.max_long_term_size" max_long_term_memory_size => whole(0, 1_000_000);
    "memory.read_timeout_ms" memory_timeout_ms => millis(1, 60_000);
    "memory.write_timeout_ms" memory_write_timeout_ms => millis(1, 60_000);
    "memory.short_term_idle_hours" memory_short_term_idle_hours => hours(1, 8760);
    "memory.analysis_model" memory_analysis_model => Kind::Text;
    "memory.write_queue" memory_write_queue => whole(1, 100_000);

    "database.url" database_url | database_url_file
        => Kind::SecretUrl(&["sqlite", "postgres", "postgresql"]);
    "database.host" db_host => Kind::Host;
    "database.port" db_port => Kind::Port;
    "database.name" db_name => Kind::Text;
    "database.user" db_user => Kind::Text;
    "database.password" db_password | db_password_file => Kind::Secret;
    "database.max_connections" db_max_connections => whole(1, 1000);
    "database.acquire_timeout_ms" db_acquire_timeout_ms => millis(1, 60_000);
    "database.busy_timeout_ms" db_busy_timeout_ms => millis(1, 60_000);

    "shared_state.url" shared_state_url | shared_state_url_file
        => Kind::SecretUrl(&["redis", "rediss"]);

    "telemetry.otlp_endpoint" otel_exporter_otlp_endpoint => WEB;
    "telemetry.otlp_protocol" otel_exporter_otlp_protocol => Kind::Choice(&["grpc"]);
    "telemetry.otlp_certificate" otel_exporter_otlp_certificate => Kind::Path;
    "telemetry.otlp_headers" otel_exporter_otlp_headers | otel_exporter_otlp_headers_file
        => Kind::Secret;
    "telemetry.traces_exporter" otel_traces_exporter => EXPORTER;
    "telemetry.metrics_exporter" otel_metrics_exporter => EXPORTER;
    "telemetry.metric_export_interval_ms" otel_metric_export_interval => millis(100, 86_400_000);
    "telemetry.service_name" otel_service_name => Kind::Text;
    "telemetry.resource_attributes" otel_resource_attributes => Kind::Pairs;
    "telemetry.sampler" otel_traces_sampler => Kind::Choice(&[
        "always_on", "always_off", "traceidratio",
        "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
    ]);
    "telemetry.sample_ratio" otel_traces_sampler_arg => SHARE;
    "telemetry.export_timeout_ms" otel_exporter_otlp_timeout => millis(1, 600_000);
    "telemetry.snapshot_interval_seconds" metrics_snapshot_interval_seconds => seconds(1, DAY);
    "telemetry.id_hash_key" nexy_id_hash_key | nexy_id_hash_key_file => Kind::Secret;

    "guardrails.first_audio_p95_warn_ms"
        guardrails_first_audio_p95_warn_ms => millis(1, 600_000);
    "guardrails.first_audio_p95_page_ms"
        guardrails_first_audio_p95_page_ms => millis(1, 600_000);
    "guardrails.error_ratio_warn" guardrails_error_ratio_warn => SHARE;
    "guardrails.error_ratio_page" guardrails_error_ratio_page => SHARE;
    "guardrails.refusal_ratio" guardrails_refusal_ratio => SHARE;
    "guardrails.baseline_factor"
        guardrails_baseline_factor => Kind::Decimal { min: 1.0, max: 100.0 };
    "guardrails.median_factor"
        guardrails_median_factor => Kind::Decimal { min: 1.0, max: 100.0 };
    "guardrails.ratio_floor" guardrails_ratio_floor => SHARE;
    "guardrails.median_min_hours" guardrails_median_min_hours => whole(1, 24);
    "guardrails.min_turns" guardrails_min_turns => whole(1, 1_000_000);
    "guardrails.unreadable_ratio" guardrails_unreadable_ratio => SHARE;
    "guardrails.ramp_percent" guardrails_ramp_percent => Kind::Rising { min: 1, max: 100 };

    "logging.level" log_level => Kind::LogFilter;

    "welcome.max_chars" welcome_max_chars => whole(1, 16_000);
    "welcome.cache_bytes" welcome_cache_bytes => whole(0, GIB);
    "welcome.keep_for_seconds" welcome_keep_for_seconds => seconds(1, 30 * DAY);
    "welcome.keep_stand_in_for_seconds" welcome_keep_stand_in_for_seconds => seconds(1, DAY);
    "welcome.greeting_en" welcome_greeting_en => Kind::Text;
    "welcome.greeting_ru" welcome_greeting_ru => Kind::Text;

    "ingress.host_name" ingress_host_name => Kind::Host;
    "ingress.listen_host" ingress_listen_host => Kind::Host;
    "ingress.http_port" ingress_http_port => Kind::Port;
    "ingress.tls_port" ingress_tls_port => Kind::Port;
    "ingress.tls_certificate" ingress_tls_certificate => Kind::Path;
    "ingress.tls_key" ingress_tls_key => Kind::Path;
    "ingress.gateway_grpc_addr" ingress_gateway_grpc_addr => Kind::Addresses;
    "ingress.gateway_http_addr" ingress_gateway_http_addr => Kind::Addresses;
    "ingress.update_http_addr" ingress_update_http_addr => Kind::Address;
    "ingress.resolve_interval_seconds" ingress_resolve_interval_seconds => seconds(1, 3600);
    "ingress.probe_interval_ms" ingress_probe_interval_ms => millis(50, 60_000);
    "ingress.grpc_timeout_seconds" ingress_grpc_timeout_seconds => seconds(1, DAY);
    "ingress.max_connections_per_address"
        ingress_max_connections_per_address => whole(1, 1_000_000);
    "ingress.requests_per_second_per_address"
        ingress_requests_per_second_per_address => whole(1, 1_000_000);
    "ingress.request_burst" ingress_request_burst => whole(0, 1_000_000);
    "ingress.worker_shutdown_timeout_seconds"
        ingress_worker_shutdown_timeout_seconds => seconds(1, DAY);
}

// === impl Key ===

impl Key {
    /// The key of a path.
    #[must_use]
    pub fn find(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path == path)
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        self.variable.field.to_uppercase()
    }

    /// For a secret: the environment variable that names a file holding it.
    #[must_use]
    pub fn file_variable(&self) -> Option<String> {
        self.file.as_ref().map(|variable| variable.field.to_uppercase())
    }

    /// What the variable holds; an empty one counts as not set.
    pub(crate) fn text<'v>(&self, variables: &'v Variables) -> Option<&'v str> {
        (self.variable.get)(variables).filter(|text| !text.trim().is_empty())
    }

    /// The file that the `_FILE` variable names.
    pub(crate) fn file<'v>(&self, variables: &'v Variables) -> Option<&'v str> {
        let file = self.file.as_ref()?;
        (file.get)(variables).filter(|text| !text.trim().is_empty())
    }

    /// The field of `Settings`: the path without the unit, which the type tells.
    pub(crate) fn field(&self) -> &'static str {
        let Kind::Time { unit, .. } = self.kind else { return self.path };
        self.path.strip_suffix(unit.suffix()).unwrap_or(self.path)
    }
}
