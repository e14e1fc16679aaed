//! The files that a command line names: the program itself, its scripts. Their content is part of the key, so an edited
//! script runs again.

use crate::{
    environment::search_path,
    shell::{self, Word},
};
use contract::{ArtifactKind, Source, SourceContent, config::Words};
use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The files among the words of a command line, by port: `program NAME`.
pub(crate) fn sources(entry: &str, words: &Words) -> BTreeMap<String, Source> {
    let named = named(words).into_iter().filter_map(|word| {
        let path = file(&word)?;
        let source = Source {
            kind: ArtifactKind::of_file(&path),
            label: word.text.clone(),
            key: format!("stages.{entry}.command"),
            content: SourceContent::File(path),
            findings: Vec::new(),
        };
        Some((format!("program {}", word.text), source))
    });
    named.collect()
}

/// The program of a command that no shell reads, when there is none of that name.
pub(crate) fn missing(words: &Words) -> Option<&str> {
    let Words::List(list) = words else { return None };
    let program = list.first()?;
    let word = Word { text: program.clone(), is_command: true };
    // A path with something to be filled in is known when it is started.
    (!program.contains('{') && file(&word).is_none()).then_some(program)
}

fn named(words: &Words) -> Vec<Word> {
    match words {
        Words::Shell(line) => shell::words(line),
        Words::List(words) => {
            let word =
                |(position, text): (usize, &String)| Word { text: text.clone(), is_command: position == 0 };
            words.iter().enumerate().map(word).collect()
        }
    }
}

/// The file that a word names: by its path, or for a command by its name in `PATH`.
fn file(word: &Word) -> Option<PathBuf> {
    let path = Path::new(&word.text);
    if word.is_command && !word.text.contains('/') {
        return installed(&word.text);
    }
    path.is_file().then(|| path.to_owned())
}

/// The program of a name in `PATH`. A thousand stages may run the same one, so each is looked up once.
fn installed(name: &str) -> Option<PathBuf> {
    static KNOWN: Mutex<BTreeMap<String, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = known.get(name) {
        return path.clone();
    }
    let mut places = search_path().into_iter().map(|folder| folder.join(name));
    let path = places.find(|path| is_program(path));
    known.insert(name.to_owned(), path.clone());
    path
}

fn is_program(path: &Path) -> bool {
    fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
