//! The members of the workspace and their places in the architecture.

use cargo_metadata::{DependencyKind, MetadataCommand};
use nexy_testkit::stack::workspace_root;

/// A layer of architecture §4, finer where its rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// 0: types.
    Vocabulary,
    /// 0: generated messages.
    Proto,
    /// 1: config, telemetry.
    Base,
    /// 2: domain logic.
    Module,
    /// 3.
    Database,
    /// 3.
    Runtime,
    /// 4: what is deployed.
    Binary,
    /// 5: dev only.
    Test,
}

/// A member of the workspace.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    /// Below the root, with slashes.
    pub(super) folder: String,
    pub(super) layer: Layer,
    /// What it ships with: normal and build dependencies.
    pub(super) dependencies: Vec<String>,
    pub(super) dev_dependencies: Vec<String>,
}

/// All members.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
}

// === impl Workspace ===

impl Workspace {
    pub(super) fn load() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace_root().join("Cargo.toml"))
            // What the members declare: nothing is resolved, nothing downloaded.
            .no_deps()
            .exec()
            .expect("cargo metadata");
        let packages = metadata.packages.iter().map(Package::from).collect();
        Self { packages }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    #[track_caller]
    pub(super) fn named(&self, name: &str) -> &Package {
        self.find(name).unwrap_or_else(|| panic!("there is no package {name}"))
    }

    /// What is not for tests.
    pub(super) fn shipped(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.layer != Layer::Test)
    }

    /// What ends up in one of the binaries.
    pub(super) fn deployed(&self) -> impl Iterator<Item = &Package> {
        let mut names: Vec<&str> = Vec::new();
        let mut open: Vec<&Package> =
            self.packages.iter().filter(|package| package.layer == Layer::Binary).collect();
        while let Some(package) = open.pop() {
            if !names.contains(&package.name.as_str()) {
                names.push(&package.name);
                open.extend(package.dependencies.iter().filter_map(|name| self.find(name)));
            }
        }
        self.packages.iter().filter(move |package| names.contains(&package.name.as_str()))
    }
}

// === impl Package ===

impl From<&cargo_metadata::Package> for Package {
    fn from(package: &cargo_metadata::Package) -> Self {
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
        let folder = folder.as_std_path().strip_prefix(workspace_root()).expect("below the root");
        let folder = folder.to_str().expect("UTF-8").to_owned();
        let of_kind = |is_dev: bool| {
            let chosen = package
                .dependencies
                .iter()
                .filter(|dependency| (dependency.kind == DependencyKind::Development) == is_dev);
            chosen.map(|dependency| dependency.name.clone()).collect()
        };
        Self {
            name: package.name.to_string(),
            layer: Layer::of(&folder),
            folder,
            dependencies: of_kind(false),
            dev_dependencies: of_kind(true),
        }
    }
}

// === impl Layer ===

impl Layer {
    #[track_caller]
    fn of(folder: &str) -> Self {
        match folder.split('/').collect::<Vec<_>>().as_slice() {
            ["tests"] | ["services", "foundation", "testkit"] => Self::Test,
            ["services", "foundation", "types"] => Self::Vocabulary,
            ["services", "foundation", "proto"] => Self::Proto,
            ["services", "foundation", "config" | "outbound" | "telemetry"] => Self::Base,
            ["services", "foundation", "runtime"] => Self::Runtime,
            ["services", "modules", "database"] => Self::Database,
            ["services", "modules", _] => Self::Module,
            ["services", "gateway" | "worker" | "update" | "nexyctl"] => Self::Binary,
            _ => panic!("{folder} has no place in the layers of architecture §4"),
        }
    }
}
