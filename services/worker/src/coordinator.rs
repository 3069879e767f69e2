//! The composition root: every module of the worker, built from settings in a
//! stated order and held as a typed field.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use nexy_config::Settings;
use nexy_database::Database;
use nexy_image_processing::Images;
use nexy_memory_management::{Handle as MemoryHandle, Memory};
use nexy_types::{Module, ModuleStatus};
use secrecy::ExposeSecret as _;

use crate::{
    providers::{Models, Voices},
    turn::{
        self, BridgeSettings, Bridges, ConsentSettings, Pipeline, Running, SpeakerSettings,
        WordsSettings, WriterSettings,
    },
    welcome::{self, Welcomes},
};

/// The modules of the worker.
pub(crate) struct ModuleCoordinator {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) welcomes: Arc<Welcomes>,
    pub(crate) memory: MemoryHandle,
    pub(crate) voices: Arc<Voices>,
    database: Arc<Database>,
}

// === impl ModuleCoordinator ===

impl ModuleCoordinator {
    /// Builds, in this order: database, memory, models, voices, greetings, images,
    /// pipeline. Returns the memory's loop beside them, to be run.
    ///
    /// # Errors
    /// When a setting cannot be used. A provider or database that is away is
    /// no error: it makes the worker degraded, not dead.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<(Self, Memory)> {
        let database = database(settings)?;
        let memory = Memory::new(memory_settings(settings), Arc::clone(&database) as _);
        let models = Models::new(settings)?;
        let voices = Arc::new(Voices::new(settings)?);
        let welcomes = Arc::new(Welcomes::new(Arc::clone(&voices), welcome_settings(settings)));
        let pipeline = Arc::new(Pipeline {
            memory: memory.handle(),
            running: Running::default(),
            models,
            images: Images::new(image_settings(settings)),
            voices: Arc::clone(&voices),
            bridges: Bridges { speech: Arc::clone(&welcomes), settings: bridge_settings(settings) },
            commands: settings.commands.clone(),
            settings: pipeline_settings(settings)?,
        });
        let modules = Self { pipeline, welcomes, memory: memory.handle(), voices, database };
        Ok((modules, memory))
    }

    /// Finds out what works, so that `/status` tells it before somebody asks.
    pub(crate) async fn start(&self) {
        for module in self.modules() {
            module.start().await;
        }
    }

    /// Does what the first turns would have to wait for: opens the connections
    /// to providers, and has the sentences spoken that must be there when
    /// everything is slow.
    pub(crate) async fn prepare(&self) {
        tokio::join!(self.pipeline.models.warm_up(), self.voices.warm_up());
        self.pipeline.bridges.prepare().await;
    }

    /// What each module reports.
    pub(crate) fn statuses(&self) -> Vec<ModuleStatus> {
        self.modules().map(Module::status).collect()
    }

    /// Closes the store.
    pub(crate) async fn close(&self, within: Duration) {
        self.database.close(within).await;
    }

    fn modules(&self) -> impl Iterator<Item = &dyn Module> {
        let modules: [&dyn Module; 3] = [&self.memory, &self.pipeline.models, self.voices.as_ref()];
        modules.into_iter()
    }
}

fn database(settings: &Settings) -> anyhow::Result<Arc<Database>> {
    let url = settings.database_url();
    let settings = nexy_database::Settings {
        max_connections: settings.database.max_connections,
        acquire_timeout: settings.database.acquire_timeout,
        busy_timeout: settings.database.busy_timeout,
    };
    Database::new(url.expose_secret(), settings).context("database.url")
}

fn memory_settings(settings: &Settings) -> nexy_memory_management::Settings {
    nexy_memory_management::Settings {
        max_short_term_size: settings.memory.max_short_term_size,
        short_term_idle: settings.memory.short_term_idle,
        read_timeout: settings.memory.read_timeout,
        write_timeout: settings.memory.write_timeout,
        write_queue: settings.memory.write_queue,
        drain_timeout: settings.server.drain,
    }
}

fn welcome_settings(settings: &Settings) -> welcome::Settings {
    welcome::Settings {
        cache_bytes: settings.welcome.cache_bytes,
        keep_for: settings.welcome.keep_for,
        keep_stand_in_for: settings.welcome.keep_stand_in_for,
        greeting_en: settings.welcome.greeting_en.clone(),
        greeting_ru: settings.welcome.greeting_ru.clone(),
    }
}

fn image_settings(settings: &Settings) -> nexy_image_processing::Settings {
    let image = &settings.llm.image;
    nexy_image_processing::Settings {
        max_long_edge: image.max_long_edge,
        max_bytes: image.max_bytes,
        max_pixels: image.max_pixels,
        jpeg_quality: image.jpeg_quality,
        max_concurrent: image.max_concurrent,
        timeout: image.timeout,
    }
}

fn bridge_settings(settings: &Settings) -> BridgeSettings {
    BridgeSettings {
        after: settings.workflow.bridge_after,
        english: settings.workflow.bridge_en.clone(),
        russian: settings.workflow.bridge_ru.clone(),
    }
}

fn pipeline_settings(settings: &Settings) -> anyhow::Result<turn::Settings> {
    let workflow = &settings.workflow;
    Ok(turn::Settings {
        writer: WriterSettings {
            segments: nexy_text_filtering::Settings {
                min_chars: workflow.stream_min_chars,
                min_words: workflow.stream_min_words,
                first_sentence_min_words: workflow.stream_first_sentence_min_words,
                force_flush_max_chars: workflow.force_flush_max_chars,
            },
            max_segments: usize::try_from(settings.llm.max_tokens)?,
            max_chars: settings.llm.max_reply_chars,
            turn_budget: settings.llm.turn_budget,
        },
        speaker: SpeakerSettings {
            look_ahead: workflow.look_ahead_segments,
            frame_buffer: settings.grpc.frame_buffer,
        },
        consent: ConsentSettings {
            english: settings.actions.confirm_en.clone(),
            russian: settings.actions.confirm_ru.clone(),
            max_args_bytes: settings.actions.confirm_max_bytes,
        },
        words: WordsSettings {
            doing_english: settings.actions.doing_en.clone(),
            doing_russian: settings.actions.doing_ru.clone(),
            cannot_english: settings.actions.cannot_en.clone(),
            cannot_russian: settings.actions.cannot_ru.clone(),
        },
        timezone: TimeZone::get(&settings.server.timezone).context("server.timezone")?,
    })
}
