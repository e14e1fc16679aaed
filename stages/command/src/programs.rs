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
    sync::{Arc, Mutex, PoisonError},
};

/// The files among the words of a command line.
pub(crate) struct Named {
    /// Those that are there, by port: `program NAME`.
    pub(crate) sources: BTreeMap<String, Source>,
    /// Where there might be one and is none.
    pub(crate) no_files: Vec<Arc<Path>>,
}

impl Named {
    /// Looks for the files that a command line of an entry names.
    pub(crate) fn of(entry: &str, words: &Words) -> Self {
        let mut named = Self { sources: BTreeMap::new(), no_files: Vec::new() };
        for word in named_in(words) {
            let Search { found, elsewhere } = search(&word);
            named.no_files.extend(elsewhere);
            let Some(path) = found else { continue };
            let source = Source {
                kind: ArtifactKind::of_file(&path),
                label: word.text.clone(),
                key: format!("stages.{entry}.command"),
                content: SourceContent::File(path),
                findings: Vec::new(),
            };
            named.sources.insert(format!("program {}", word.text), source);
        }
        named
    }
}

/// The program of a command that no shell reads, when there is none of that name.
pub(crate) fn missing(words: &Words) -> Option<&str> {
    let Words::List(list) = words else { return None };
    let program = list.first()?;
    let word = Word { text: program.clone(), is_command: true };
    // A path with something to be filled in is known when it is started.
    (!program.contains('{') && search(&word).found.is_none()).then_some(program)
}

fn named_in(words: &Words) -> Vec<Word> {
    match words {
        Words::Shell(line) => shell::words(line),
        Words::List(words) => {
            let word =
                |(position, text): (usize, &String)| Word { text: text.clone(), is_command: position == 0 };
            words.iter().enumerate().map(word).collect()
        }
    }
}

/// Where a file was looked for.
#[derive(Clone)]
struct Search {
    found: Option<PathBuf>,
    /// The places where it is not and which would have come before the one where it is.
    elsewhere: Vec<Arc<Path>>,
}

/// Looks for the file that a word names: by its path, or for a command by its name in `PATH`.
fn search(word: &Word) -> Search {
    let path = Path::new(&word.text);
    if word.is_command && !word.text.contains('/') {
        return installed(&word.text);
    }
    match path.is_file() {
        true => Search { found: Some(path.to_owned()), elsewhere: Vec::new() },
        false => Search { found: None, elsewhere: vec![path.into()] },
    }
}

/// Looks for the program of a name in `PATH`. A thousand stages may run the same one, so each is looked up once.
fn installed(name: &str) -> Search {
    static KNOWN: Mutex<BTreeMap<String, Search>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(search) = known.get(name) {
        return search.clone();
    }
    let mut search = Search { found: None, elsewhere: Vec::new() };
    for place in search_path().into_iter().map(|folder| folder.join(name)) {
        if is_program(&place) {
            search.found = Some(place);
            break;
        }
        search.elsewhere.push(place.into());
    }
    known.insert(name.to_owned(), search.clone());
    search
}

fn is_program(path: &Path) -> bool {
    fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
