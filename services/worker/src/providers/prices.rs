use nexy_config::Settings;
use nexy_telemetry::metrics;

/// What providers charge in USD, as far as it is configured; zero is not known,
/// and not counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Prices {
    gemini: TokenPrices,
    openai: TokenPrices,
    azure_million_chars: f64,
    tts_openai_million_chars: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct TokenPrices {
    million_input: f64,
    million_output: f64,
}

/// Billionths of a USD in a millionth.
const NANOS: f64 = 1000.0;

// === impl Prices ===

impl Prices {
    /// Estimates what a reply cost.
    pub(crate) fn reply(&self, model: &'static str, input_tokens: u32, output_tokens: u32) {
        let prices = match model {
            "gemini" => self.gemini,
            "openai" => self.openai,
            _ => return,
        };
        let input = f64::from(input_tokens) * prices.million_input;
        let output = f64::from(output_tokens) * prices.million_output;
        charge(model, input + output);
    }

    /// Estimates what an utterance cost. `voice` is the label of metrics.
    pub(crate) fn speech(&self, voice: &'static str, text: &str) {
        let million = match voice {
            "azure" => self.azure_million_chars,
            "tts_openai" => self.tts_openai_million_chars,
            _ => return,
        };
        let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        charge(voice, f64::from(chars) * million);
    }
}

impl From<&Settings> for Prices {
    fn from(settings: &Settings) -> Self {
        let gemini = &settings.llm.gemini;
        let openai = &settings.llm.openai;
        Self {
            gemini: TokenPrices {
                million_input: gemini.usd_per_million_input_tokens,
                million_output: gemini.usd_per_million_output_tokens,
            },
            openai: TokenPrices {
                million_input: openai.usd_per_million_input_tokens,
                million_output: openai.usd_per_million_output_tokens,
            },
            azure_million_chars: settings.tts.azure.usd_per_million_chars,
            tts_openai_million_chars: settings.tts.openai.usd_per_million_chars,
        }
    }
}

fn charge(provider: &'static str, millionths: f64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and far below 2^64: tokens of one reply times a price"
    )]
    let billionths = (millionths * NANOS).round() as u64;
    metrics::COST.add([provider], billionths);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_charged_at_the_price_of_its_provider() {
        let prices = Prices {
            gemini: TokenPrices { million_input: 0.1, million_output: 0.4 },
            azure_million_chars: 16.0,
            ..Prices::default()
        };
        let cost = |provider| metrics::COST.get([provider]);
        let before = [cost("gemini"), cost("azure"), cost("openai"), cost("espeak")];
        prices.reply("gemini", 1_000, 36);
        prices.reply("openai", 1_000, 36);
        prices.speech("azure", "Да, да.");
        prices.speech("espeak", "Да, да.");
        let after = [cost("gemini"), cost("azure"), cost("openai"), cost("espeak")];
        let charged: Vec<u64> = after.iter().zip(before).map(|(now, then)| now - then).collect();
        // 1000 · 0.1 + 36 · 0.4 = 114.4 and 7 · 16 = 112 millionths of a USD.
        assert_eq!(charged, [114_400, 112_000, 0, 0]);
    }
}
