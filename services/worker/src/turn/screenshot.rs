use bytes::Bytes;
use nexy_image_processing::{Conversion, Error, Fitted, Images};
use nexy_telemetry::metrics;
use nexy_text_processing::{Image, LanguageModel, Screen};
use nexy_types::ImageFormat;
use tracing::Instrument as _;

use crate::decisions::{ScreenshotConverted, ScreenshotRefused};

/// The screenshot of one turn, and the forms of it that models have needed so
/// far. Each is made once, and a form that the next model reads is not made again.
pub(super) struct Screenshot<'a> {
    images: &'a Images,
    file: Option<Bytes>,
    fitted: Vec<Image>,
    /// Why there will be no more forms.
    refused: Option<Error>,
}

// === impl Screenshot ===

impl<'a> Screenshot<'a> {
    pub(super) fn new(images: &'a Images, file: Option<Bytes>) -> Self {
        Self { images, file, fitted: Vec::new(), refused: None }
    }

    /// Makes the form for this model now, so that it is there when it is needed.
    pub(super) async fn prepare(&mut self, model: &dyn LanguageModel) {
        if let Some(file) = self.file.clone() {
            let preparing = self.form(file, model.image_formats());
            preparing.instrument(tracing::info_span!("screenshot")).await;
        }
    }

    /// What the model gets. Never an error: a screenshot that nobody can read
    /// must not cost the user an answer, and the model is told that there is one.
    pub(super) async fn shown_to(&mut self, model: &dyn LanguageModel) -> Screen {
        let Some(file) = self.file.clone() else { return Screen::NotSent };
        match self.form(file, model.image_formats()).await {
            Some(image) => Screen::Shown(image),
            None => Screen::Withheld,
        }
    }

    async fn form(&mut self, file: Bytes, formats: &[ImageFormat]) -> Option<Image> {
        if formats.is_empty() {
            return None;
        }
        let is_read = |image: &&Image| formats.contains(&image.format);
        if let Some(image) = self.fitted.iter().find(is_read) {
            return Some(image.clone());
        }
        if self.refused.is_none() {
            match self.images.fit(file.clone(), formats).await {
                Ok(fitted) => return Some(self.keep(&file, fitted)),
                Err(error) => self.refuse(&file, error),
            }
        }
        self.unchanged(file, formats)
    }

    fn keep(&mut self, file: &Bytes, fitted: Fitted) -> Image {
        let Fitted { format, data, conversion } = fitted;
        if let Some(Conversion { from, took }) = conversion {
            metrics::STAGE_DURATION.observe(["screenshot", "none"], took);
            nexy_telemetry::emit(&ScreenshotConverted {
                from: from.mime(),
                to: format.mime(),
                from_bytes: file.len(),
                to_bytes: data.len(),
                took,
            });
        }
        let image = Image { format, data };
        self.fitted.push(image.clone());
        image
    }

    fn refuse(&mut self, file: &Bytes, error: Error) {
        nexy_telemetry::emit(&ScreenshotRefused { reason: error.as_str(), bytes: file.len() });
        self.refused = Some(error);
    }

    /// The file as it came, where only we failed: a model that reads its format
    /// can scale it by itself.
    fn unchanged(&self, file: Bytes, formats: &[ImageFormat]) -> Option<Image> {
        let may_be_good = self.refused.is_some_and(Error::spares_the_file);
        let format = ImageFormat::of_signature(&file).filter(|format| formats.contains(format));
        may_be_good.then_some(format)?.map(|format| Image { format, data: file })
    }
}

/// Whether a model that sees images has to do without this one.
pub(super) fn is_lost(screen: &Screen, model: &dyn LanguageModel) -> bool {
    *screen == Screen::Withheld && !model.image_formats().is_empty()
}
