use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use crate::{
    environment::Environment,
    keys::{KEYS, Variables},
    problem::{Origin, Problem},
    tree::Tree,
};

mod env_file;

/// The file of variables that is read from the working directory if it is there.
const ENV_FILE: &str = "config.env";

/// The prefix that only variables of ours have.
const PREFIX: &str = "NEXY_";

/// Variables with our prefix that are not settings: the first three choose the
/// sources, the others steer tests and are inherited by what these start.
const NOT_SETTINGS: [&str; 4] = ["NEXY_ENV", "NEXY_CONFIG", "NEXY_CONFIG_ENV", "NEXY_BLESS"];
const TEST_PREFIX: &str = "NEXY_TEST_";

/// Where settings are read from. Files are read again at each load, so that a
/// reload sees what has changed; the variables are those of the start.
#[derive(Clone, Default)]
pub struct Sources {
    variables: BTreeMap<String, String>,
    env_file: Option<PathBuf>,
    overlay: Option<PathBuf>,
    sets: Vec<(String, String)>,
    environment: Option<Environment>,
}

/// What the sources hold at one moment.
pub(crate) struct Layers {
    pub(crate) environment: Environment,
    pub(crate) environment_origin: Origin,
    pub(crate) overlay: Option<Tree>,
    /// The later wins: `config.env`, then the process.
    pub(crate) variables: Vec<VariableLayer>,
    pub(crate) sets: Vec<(String, String)>,
}

/// The variables of the process, or of `config.env`.
pub(crate) struct VariableLayer {
    pub(crate) variables: Variables,
    /// The file's name; `None` for the process.
    file: Option<String>,
}

// === impl Sources ===

impl Sources {
    /// The environment of this process, `config.env`, the overlay file (the
    /// argument, else `NEXY_CONFIG`) and the `--set` pairs. Reads no file yet.
    #[must_use]
    pub fn from_process(overlay: Option<PathBuf>, sets: Vec<(String, String)>) -> Self {
        // The one place of the workspace that reads the environment. Not `vars`,
        // which panics when some variable, ours or not, is not UTF-8.
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place of the workspace that reads the environment"
        )]
        let process = std::env::vars_os();
        let lossy = |text: &OsStr| text.to_string_lossy().into_owned();
        let variables = process.map(|(name, value)| (lossy(&name), lossy(&value))).collect();
        let env_file = Path::new(ENV_FILE).exists().then(|| ENV_FILE.into());
        Self { variables, env_file, overlay, sets, environment: None }
    }

    /// These variables only, as if they were the environment. No file is read
    /// unless they name one.
    #[must_use]
    pub fn for_tests<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }

    /// Adds a `--set` pair; the last one of a key wins.
    #[must_use]
    pub fn with_set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.sets.push((key.into(), value.into()));
        self
    }

    /// Takes this environment, whatever `NEXY_ENV` says.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The overlay file, whether it is there or not: what to watch for changes.
    #[must_use]
    pub fn overlay(&self) -> Option<PathBuf> {
        let layers = self.variable_layers(&mut Vec::new());
        self.overlay_of(&layers)
    }

    /// Reads every source.
    pub(crate) fn read(&self, problems: &mut Vec<Problem>) -> Layers {
        let variables = self.variable_layers(problems);
        let (environment, environment_origin) = self.environment_of(&variables, problems);
        let overlay = self.overlay_of(&variables).and_then(|path| read_overlay(&path, problems));
        Layers { environment, environment_origin, overlay, variables, sets: self.sets.clone() }
    }

    fn variable_layers(&self, problems: &mut Vec<Problem>) -> Vec<VariableLayer> {
        let process = VariableLayer::new(None, &self.variables, problems);
        let named = first_text([process.variables.nexy_config_env.as_deref()]);
        let path = named.map(PathBuf::from).or_else(|| self.env_file.clone());
        let file = path.and_then(|path| match env_file::read(&path, problems) {
            Ok(variables) => Some(VariableLayer::new(Some(file_name(&path)), &variables, problems)),
            Err(error) => {
                problems.push(unreadable("NEXY_CONFIG_ENV", &path, &error));
                None
            }
        });
        file.into_iter().chain([process]).collect()
    }

    fn environment_of(
        &self,
        layers: &[VariableLayer],
        problems: &mut Vec<Problem>,
    ) -> (Environment, Origin) {
        let mut chosen = (Environment::Prod, Origin::Default);
        for layer in layers {
            let Some(name) = first_text([layer.variables.nexy_env.as_deref()]) else { continue };
            let origin = layer.origin("NEXY_ENV");
            match Environment::from_name(name.trim()) {
                Some(environment) => chosen = (environment, origin),
                None => {
                    let expected = "dev, stage or prod";
                    let problem = Problem::new("env", origin.describe("env"), expected);
                    problems.push(problem.given(&name.into()));
                }
            }
        }
        self.environment.map_or(chosen, |environment| (environment, Origin::Set))
    }

    fn overlay_of(&self, layers: &[VariableLayer]) -> Option<PathBuf> {
        let named = || first_text(layers.iter().rev().map(|l| l.variables.nexy_config.as_deref()));
        self.overlay.clone().or_else(|| named().map(PathBuf::from))
    }
}

/// Shows no value: variables hold secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("env_file", &self.env_file)
            .field("overlay", &self.overlay)
            .finish_non_exhaustive()
    }
}

// === impl VariableLayer ===

impl VariableLayer {
    fn new(
        file: Option<String>,
        variables: &BTreeMap<String, String>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        // envy compares without case; only the spelling in capitals is ours.
        let ours = variables.iter().filter(|(name, _)| **name == name.to_uppercase());
        let parsed = envy::from_iter(ours.map(|(name, value)| (name.clone(), value.clone())));
        let layer = Self { variables: parsed.unwrap_or_default(), file };
        for name in variables.keys().filter(|name| is_unknown(name)) {
            let origin = layer.origin(name).describe(name);
            problems.push(Problem::new(
                name,
                origin,
                "another name: no variable of ours is called so",
            ));
        }
        layer
    }

    /// Where a variable of this layer stands.
    pub(crate) fn origin(&self, variable: &str) -> Origin {
        match &self.file {
            Some(file) => Origin::EnvFile(file.clone(), variable.to_owned()),
            None => Origin::Variable(variable.to_owned()),
        }
    }
}

fn is_unknown(variable: &str) -> bool {
    let is_setting = || {
        KEYS.iter().any(|key| {
            key.variable() == variable || key.file_variable().as_deref() == Some(variable)
        })
    };
    variable.starts_with(PREFIX)
        && !variable.starts_with(TEST_PREFIX)
        && !NOT_SETTINGS.contains(&variable)
        && !is_setting()
}

fn read_overlay(path: &Path, problems: &mut Vec<Problem>) -> Option<Tree> {
    let tree = match std::fs::read_to_string(path) {
        Ok(yaml) => Tree::parse(Origin::Overlay(file_name(path)), &yaml),
        Err(error) => Err(unreadable("NEXY_CONFIG", path, &error)),
    };
    match tree {
        Ok(tree) => {
            problems.extend(tree.unknown_keys());
            Some(tree)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// The first text that is not blank.
fn first_text<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Option<&'a str> {
    texts.into_iter().flatten().find(|text| !text.trim().is_empty())
}

pub(crate) fn unreadable(key: &str, path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(key, path.display().to_string(), format!("a readable file: {error}"))
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string())
}
