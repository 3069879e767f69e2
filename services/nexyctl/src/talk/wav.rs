use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::reply::{AudioFormat, AudioFrame};

/// A WAV file that grows while a reply is heard: 16-bit PCM at the rate and
/// with the channels of its first frame.
pub(crate) struct Recording {
    writer: hound::WavWriter<BufWriter<File>>,
    path: PathBuf,
    format: AudioFormat,
}

// === impl Recording ===

impl Recording {
    /// Makes the file, over one that is there.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(crate) fn create(path: &Path, format: &AudioFormat) -> anyhow::Result<Self> {
        let spec = hound::WavSpec {
            channels: format.channels,
            sample_rate: format.sample_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec)
            .with_context(|| format!("create {}", path.display()))?;
        Ok(Self { writer, path: path.to_owned(), format: format.clone() })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// When the file cannot be written, or the sound has changed its format: a
    /// WAV file has one.
    pub(crate) fn add(&mut self, frame: &AudioFrame) -> anyhow::Result<()> {
        anyhow::ensure!(frame.format == self.format, "the sound changed its format on the way");
        for sample in frame.samples() {
            self.writer.write_sample(sample).with_context(|| self.what())?;
        }
        Ok(())
    }

    /// Writes the lengths into the header and closes the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn finish(self) -> anyhow::Result<PathBuf> {
        let what = self.what();
        self.writer.finalize().with_context(|| what)?;
        Ok(self.path)
    }

    fn what(&self) -> String {
        format!("write {}", self.path.display())
    }
}

/// Where the reply of that number is saved: `out.wav`, or with a number before
/// the extension when there may be several.
pub(crate) fn numbered(path: &Path, number: Option<u32>) -> PathBuf {
    let Some(number) = number else { return path.to_owned() };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
