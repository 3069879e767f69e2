use std::path::PathBuf;

use super::{player::Player, wav::Recording};
use crate::{failure::chain, reply::AudioFrame};

/// What happens to the sound of one reply: it is saved, played, both, or only
/// counted.
pub(crate) struct Sound {
    save: Save,
    play: Play,
    /// A frame that waits until the player has room.
    waiting: Option<AudioFrame>,
    saved: Option<PathBuf>,
}

enum Save {
    No,
    /// The file is made with the first frame.
    To(PathBuf),
    Running(Box<Recording>),
}

enum Play {
    No,
    /// The player is started with the first frame.
    Wanted,
    Running(Player),
}

// === impl Sound ===

impl Sound {
    pub(crate) fn new(save: Option<PathBuf>, play: bool) -> Self {
        Self {
            save: match save {
                Some(path) => Save::To(path),
                None => Save::No,
            },
            play: if play { Play::Wanted } else { Play::No },
            waiting: None,
            saved: None,
        }
    }

    /// Takes a frame. Gives back what the user has to know: what cannot be
    /// saved or played is said once and given up.
    pub(crate) fn take(&mut self, frame: AudioFrame) -> Vec<String> {
        let mut notes = Vec::new();
        if !frame.is_playable() {
            if !matches!((&self.save, &self.play), (Save::No, Play::No)) {
                notes.push("The sound is not in a format that can be saved or played.".to_owned());
                (self.save, self.play) = (Save::No, Play::No);
            }
            return notes;
        }
        notes.extend(self.record(&frame));
        if matches!(self.play, Play::Wanted) {
            let (play, note) = start(&frame);
            self.play = play;
            notes.extend(note);
        }
        if matches!(self.play, Play::Running(_)) {
            self.waiting = Some(frame);
        }
        notes
    }

    fn record(&mut self, frame: &AudioFrame) -> Option<String> {
        if let Save::To(path) = &self.save {
            match Recording::create(path, &frame.format) {
                Ok(recording) => self.save = Save::Running(Box::new(recording)),
                Err(error) => return self.give_up_saving(&error),
            }
        }
        let Save::Running(recording) = &mut self.save else { return None };
        let error = recording.add(frame).err()?;
        self.give_up_saving(&error)
    }

    fn give_up_saving(&mut self, error: &anyhow::Error) -> Option<String> {
        self.save = Save::No;
        Some(format!("The sound is not saved: {}.", chain(error.as_ref())))
    }

    /// Whether a frame waits; no other may be taken before it is delivered.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Waits until the player has taken the frame that waits.
    pub(crate) async fn deliver(&mut self) {
        match &mut self.play {
            Play::Running(player) => player.hand_over(&mut self.waiting).await,
            Play::No | Play::Wanted => self.waiting = None,
        }
    }

    /// Ends the file. Says where it is, or why there is none.
    pub(crate) fn close_file(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.save, Save::No) {
            Save::No => None,
            Save::To(path) => Some(format!("No sound came; {} was not written.", path.display())),
            Save::Running(recording) => Some(match recording.finish() {
                Ok(path) => {
                    let note = format!("Saved to {}.", path.display());
                    self.saved = Some(path);
                    note
                }
                Err(error) => format!("The sound is not saved: {}.", chain(error.as_ref())),
            }),
        }
    }

    /// Waits until everything has been heard. Says so when it was not.
    pub(crate) async fn play_out(&mut self) -> Option<String> {
        let Play::Running(player) = &mut self.play else { return None };
        let note = player.finish().await.err().map(|error| {
            format!("The sound was not played to its end: {}.", chain(error.as_ref()))
        });
        self.play = Play::No;
        note
    }

    /// Silence, at once.
    pub(crate) fn silence(&mut self) {
        self.play = Play::No;
        self.waiting = None;
    }

    /// The file that was written.
    pub(crate) const fn saved(&self) -> Option<&PathBuf> {
        self.saved.as_ref()
    }
}

fn start(frame: &AudioFrame) -> (Play, Option<String>) {
    match Player::start(&frame.format) {
        Ok(Some(player)) => (Play::Running(player), None),
        Ok(None) => {
            let note = format!(
                "No program that plays sound was found (looked for {}); nothing is played.",
                Player::known()
            );
            (Play::No, Some(note))
        }
        Err(error) => (Play::No, Some(format!("Nothing is played: {}.", chain(error.as_ref())))),
    }
}
