//! Flags that several commands share: where the settings are, and the settings that are changed most.

use std::path::PathBuf;

use anyhow::Result;

use crate::settings::Settings;

/// Where things are.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The file of settings (see `rapport config`).
    #[arg(long)]
    config: Option<PathBuf>,
}

impl Flags {
    /// All settings; `more` are flags of the command itself.
    pub fn settings(&self, more: Vec<(&'static str, String)>) -> Result<Settings> {
        let mut flags = more;
        if let Some(data) = &self.data {
            flags.push(("data", data.display().to_string()));
        }
        Settings::load(self.config.as_deref(), flags)
    }
}
