//! A voice, and the fake behind it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexy_outbound::ProviderConnections;
use nexy_testkit::{
    azure_server,
    speech_server::{Audio, Ending, Refusal, Script, SpeechServer, echo},
};
use nexy_types::SampleRate;
use secrecy::SecretString;

use crate::{
    AzureSynthesizer, Error, EspeakSynthesizer, OpenAiSynthesizer, ScriptedSynthesizer,
    SpeechSynthesizer, azure, espeak, openai, scripted::Step, testing,
};

pub(super) use crate::testing::PATIENT;

/// The key that voices use.
pub(super) const KEY: &str = "key";

/// The voices. The scripted one has no deadlines and does not judge its audio:
/// it stands in for others in the tests of those who do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Azure,
    OpenAi,
    Espeak,
    Scripted,
}

/// What a fake does with every request.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Says this, so many bytes at a time.
    Say {
        pcm: Bytes,
        pieces: usize,
    },
    /// Says the echo of the text, which will be each of these in turn.
    Echo(&'static [&'static str]),
    /// Says this after a wait.
    Late(Duration, Bytes),
    /// Says this, then nothing more, and does not end.
    Stall(Bytes),
    /// Says nothing and does not end.
    Mute,
    /// Says this, then breaks off.
    Cut(Bytes),
    /// Does not end.
    Endless,
    /// Sends a page.
    Html,
    /// Speaks, if it is given this key.
    WantKey(&'static str),
    Refuse(Refusal),
}

pub(super) struct Subject {
    pub(super) voice: Arc<dyn SpeechSynthesizer>,
    behind: Behind,
}

enum Behind {
    /// A server, and what its script is without an act.
    Server(SpeechServer, Box<Script>),
    /// The folder of a script that leaves its process ids in `pids`.
    Program(tempfile::TempDir),
    Script(ScriptedSynthesizer),
}

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Azure, Self::OpenAi, Self::Espeak, Self::Scripted];
    pub(super) const WITH_DEADLINES: [Self; 3] = [Self::Azure, Self::OpenAi, Self::Espeak];
    pub(super) const OVER_HTTP: [Self; 2] = [Self::Azure, Self::OpenAi];
}

// === impl Subject ===

impl Subject {
    pub(super) async fn new(kind: Kind, act: Act) -> Self {
        Self::with_patience(kind, act, PATIENT).await
    }

    pub(super) async fn with_patience(kind: Kind, act: Act, patience: Duration) -> Self {
        nexy_testkit::install_tls_provider();
        match kind {
            Kind::Azure => {
                let plain = azure_server::tone();
                let server = azure_server::start(act.script(plain.clone())).await.unwrap();
                Self {
                    voice: azure(server.origin(), patience, testing::connections()),
                    behind: Behind::Server(server, Box::new(plain)),
                }
            }
            Kind::OpenAi => {
                let server = SpeechServer::start(act.script(Script::tone())).await.unwrap();
                let voice = openai(server.base_url(), patience, testing::connections());
                Self { voice, behind: Behind::Server(server, Box::new(Script::tone())) }
            }
            Kind::Espeak => {
                let folder = act.program();
                Self { voice: espeak(&folder, patience), behind: Behind::Program(folder) }
            }
            Kind::Scripted => {
                let voice = act.steps();
                Self { voice: Arc::new(voice.clone()), behind: Behind::Script(voice) }
            }
        }
    }

    /// From now on the server does this.
    pub(super) fn now(&self, act: Act) {
        match &self.behind {
            Behind::Server(server, plain) => {
                server.state().always(act.script(Script::clone(plain)));
            }
            Behind::Program(_) | Behind::Script(_) => panic!("it cannot change its mind"),
        }
    }

    /// The texts that were asked for, where the fake keeps them.
    pub(super) fn asked(&self) -> Option<Vec<String>> {
        match &self.behind {
            Behind::Server(server, _) => {
                let input = |body: &serde_json::Value| body["input"].as_str().unwrap().to_owned();
                Some(server.requests().iter().map(|request| input(&request.body)).collect())
            }
            Behind::Program(_) => None,
            Behind::Script(voice) => {
                Some(voice.utterances().into_iter().map(|utterance| utterance.text).collect())
            }
        }
    }

    /// How many requests have reached the fake.
    pub(super) fn requests(&self) -> usize {
        match &self.behind {
            Behind::Server(server, _) => server.requests().len(),
            Behind::Program(folder) => pids(folder).len(),
            Behind::Script(voice) => voice.active() + voice.cancelled(),
        }
    }

    pub(super) fn has_stopped(&self) -> bool {
        match &self.behind {
            Behind::Server(server, _) => server.open_connections() == 0,
            Behind::Program(folder) => pids(folder).iter().all(|pid| !is_alive(*pid)),
            Behind::Script(voice) => voice.active() == 0,
        }
    }

    /// Waits until nothing works for the voice any more.
    pub(super) async fn until_stopped(&self) {
        let stopped = async {
            while !self.has_stopped() {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        tokio::time::timeout(PATIENT, stopped).await.expect("the work stops");
    }
}

pub(super) fn azure(
    base_url: String,
    patience: Duration,
    connections: ProviderConnections,
) -> Arc<dyn SpeechSynthesizer> {
    let voice = AzureSynthesizer::new(azure::Settings {
        base_url,
        key: SecretString::from(KEY),
        voice: "en-US-AriaNeural".to_owned(),
        connections,
        first_byte_timeout: patience,
        stall_timeout: patience,
        user_agent: "test".to_owned(),
    });
    Arc::new(voice.unwrap())
}

pub(super) fn openai(
    base_url: String,
    patience: Duration,
    connections: ProviderConnections,
) -> Arc<dyn SpeechSynthesizer> {
    let voice = OpenAiSynthesizer::new(openai::Settings {
        base_url,
        key: Some(SecretString::from(KEY)),
        model: "tts-1".to_owned(),
        voice: "alloy".to_owned(),
        sample_rate: SampleRate::new(24_000).unwrap(),
        takes_speed: false,
        connections,
        first_byte_timeout: patience,
        stall_timeout: patience,
    });
    Arc::new(voice.unwrap())
}

fn espeak(folder: &tempfile::TempDir, patience: Duration) -> Arc<dyn SpeechSynthesizer> {
    Arc::new(EspeakSynthesizer::new(espeak::Settings {
        program: folder.path().join("espeak-ng"),
        voice: "auto".to_owned(),
        words_per_minute: 175,
        max_processes: 8,
        first_byte_timeout: patience,
        stall_timeout: patience,
    }))
}

fn pids(folder: &tempfile::TempDir) -> Vec<u32> {
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap_or_default();
    pids.lines().map(|pid| pid.parse().unwrap()).collect()
}

fn is_alive(process: u32) -> bool {
    // A zombie is dead too.
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// The header that espeak-ng writes: 22 050 Hz, and no word on the length.
fn wav_header() -> Vec<u8> {
    let rate = 22_050_u32;
    let mut header = b"RIFF\x24\xF0\xFF\x7FWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    header.extend(rate.to_le_bytes());
    header.extend((2 * rate).to_le_bytes());
    header.extend(b"\x02\0\x10\0data\0\xF0\xFF\x7F");
    header
}

// === impl Act ===

impl Act {
    /// As a server does it.
    pub(super) fn script(self, plain: Script) -> Script {
        let saying = |pcm| Script { audio: Audio::Pcm(pcm), ..plain.clone() };
        match self {
            Self::Say { pcm, pieces } => Script { chunk_bytes: pieces, ..saying(pcm) },
            Self::Echo(_) => Script { audio: Audio::Echo, ..plain },
            Self::Late(wait, pcm) => Script { first_chunk_after: wait, ..saying(pcm) },
            Self::Stall(pcm) => Script { ending: Ending::StallAfter(pcm.len()), ..saying(pcm) },
            Self::Mute => Script { ending: Ending::StallAfter(0), ..plain },
            Self::Cut(pcm) => Script { ending: Ending::CutAfter(pcm.len()), ..saying(pcm) },
            Self::Endless => {
                Script { audio: Audio::Endless { hz: 440 }, chunk_bytes: 1 << 16, ..plain }
            }
            Self::Html => Script { content_type: "text/html; charset=utf-8".to_owned(), ..plain },
            Self::WantKey(key) => Script { key: Some(key.to_owned()), ..plain },
            Self::Refuse(refusal) => Script { refusal: Some(refusal), ..plain },
        }
    }

    /// As espeak-ng does it.
    fn program(self) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let (pcm, speak) = match self {
            Self::Say { pcm, pieces } => {
                (pcm, format!("cat > text; cat header; dd if=pcm bs={pieces} 2> errors"))
            }
            Self::Echo(_) => (
                Bytes::new(),
                "text=$(cat); cat header; printf %s \"$text\" | sed 's/./&&/g'".into(),
            ),
            Self::Late(wait, pcm) => {
                (pcm, format!("cat > text; sleep {}; cat header pcm", wait.as_secs_f64()))
            }
            Self::Stall(pcm) => (pcm, "cat > text; cat header pcm; exec sleep 600".into()),
            Self::Mute => (Bytes::new(), "cat > text; exec sleep 600".into()),
            Self::Cut(pcm) => (pcm, "cat > text; cat header pcm; kill -9 $$".into()),
            Self::Endless => (Bytes::new(), "cat > text; cat header; exec yes".into()),
            Self::Html => (Bytes::new(), "cat > text; echo '<html></html>'".into()),
            Self::WantKey(_) | Self::Refuse(_) => panic!("a program takes no key"),
        };
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes);
        write("header", &wav_header()).unwrap();
        write("pcm", &pcm).unwrap();
        let script = format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho $$ >> pids\n{speak}\n");
        write("espeak-ng", script.as_bytes()).unwrap();
        let program = folder.path().join("espeak-ng");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    /// As a script does it.
    fn steps(self) -> ScriptedSynthesizer {
        let voice = ScriptedSynthesizer::new("scripted", SampleRate::new(48_000).unwrap());
        let steps = match self {
            Self::Say { pcm, pieces } => {
                pcm.chunks(pieces).map(|piece| Step::Pcm(Bytes::copy_from_slice(piece))).collect()
            }
            Self::Echo(texts) => {
                return texts.iter().fold(voice, |voice, text| voice.then([Step::Pcm(echo(text))]));
            }
            Self::Late(wait, pcm) => vec![Step::Wait(wait), Step::Pcm(pcm)],
            Self::Stall(pcm) => vec![Step::Pcm(pcm), Step::Stall],
            Self::Mute => vec![Step::Stall],
            Self::Cut(pcm) => vec![Step::Pcm(pcm), Step::Fail(Error::BrokenStream)],
            Self::Endless | Self::Html | Self::WantKey(_) | Self::Refuse(_) => {
                panic!("a script does not judge itself")
            }
        };
        voice.always(steps)
    }
}
