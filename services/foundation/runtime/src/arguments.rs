use std::path::PathBuf;

/// The command line that every service shares.
#[derive(Debug, clap::Parser)]
pub(crate) struct Arguments {
    /// An overlay file over the compiled-in configuration (else `NEXY_CONFIG`).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Sets one key, above every other source; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) sets: Vec<(String, String)>,

    /// Checks the configuration, says what is wrong with it, and leaves.
    #[arg(long)]
    pub(crate) check_config: bool,

    /// Asks the running service's own /health and leaves: 0 healthy, 1 not.
    #[arg(long)]
    pub(crate) healthcheck: bool,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}
