//! `pipeline schema`: the JSON schema of configuration files.

use super::{Exit, Refusal, format::print};

/// Print the JSON schema of configuration files, for editors that help while one is written
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SchemaArgs {}

const EXAMPLES: &str = "\
Examples:
  pipeline schema > pipeline.schema.json
An editor with a YAML language server takes it from a first line such as
  # yaml-language-server: $schema=./pipeline.schema.json";

pub(crate) fn schema(_args: &SchemaArgs) -> Result<Exit, Refusal> {
    print(&text())
}

fn text() -> String {
    format!("{:#}\n", contract::config::schema())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_schema_is_what_the_types_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/schema/pipeline.schema.json");
        let committed = fs_err::read_to_string(path).expect("the committed schema");
        assert!(
            committed == text(),
            "write it anew: `pipeline schema > pipelines/schema/pipeline.schema.json`"
        );
    }
}
