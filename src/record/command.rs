//! The command that goes on with a run.

use std::path::{Component, Path};

/// Where runs are put, and looked for, when nobody says anything else.
pub const RUNS: &str = "experiments_outputs";

/// The command that goes on with the run in `folder`, for a shell in the same working directory.
#[must_use]
pub fn resume_command(folder: &Path) -> String {
    let parts: Vec<Component<'_>> = folder.components().filter(|part| *part != Component::CurDir).collect();
    let name = match parts.as_slice() {
        // There it is found by its name.
        [Component::Normal(runs), Component::Normal(name)] if *runs == RUNS => name.to_string_lossy(),
        _ => folder.to_string_lossy(),
    };
    format!("pipeline resume {}", quoted(&name))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=+,@%".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_in_the_usual_folder_is_named_by_its_name_others_by_their_path_as_a_shell_reads_it() {
        for (folder, command) in [
            ("./experiments_outputs/2026_11_22", "pipeline resume 2026_11_22"),
            ("experiments_outputs/2026_11_22", "pipeline resume 2026_11_22"),
            ("experiments_outputs/sweep/0", "pipeline resume experiments_outputs/sweep/0"),
            ("/x/experiments_outputs/run", "pipeline resume /x/experiments_outputs/run"),
            ("my runs/it's", r"pipeline resume 'my runs/it'\''s'"),
            ("-x", "pipeline resume './-x'"),
        ] {
            assert_eq!(resume_command(Path::new(folder)), command);
        }
    }
}
