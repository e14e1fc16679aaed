//! From an id file and two folders to a list of images.

use contract::{Finding, ImageEntry, Issue, IssueKind};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Files of a set, each with the key that names it.
pub(super) struct SetFiles<'a> {
    pub(super) images: (String, &'a Path),
    /// Also where masks are not wanted, to tell them from images.
    pub(super) masks: Option<(String, &'a Path)>,
    pub(super) ids: (String, &'a Path),
}

/// Whether entries carry their masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Masks {
    Wanted,
    Unneeded,
}

/// A listed set.
pub(super) struct Ids {
    pub(super) images: Vec<ImageEntry>,
    pub(super) findings: Vec<Finding>,
}

/// Endings of images in the order they are looked for.
const ENDINGS: &[&str] = &["jpg", "jpeg", "png", "bmp", "gif", "JPG", "JPEG", "PNG", "BMP", "GIF"];

/// The images of a set in the order of its id file. Files that are absent stay in the list: readers skip them and say so.
pub(super) fn entries(files: &SetFiles<'_>, masks: Masks) -> Result<Ids, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut note = |result: Result<(), Issue>| issues.extend(result.err());
    note(folder(&files.images));
    if let (Some(folder_of_masks), Masks::Wanted) = (&files.masks, masks) {
        note(folder(folder_of_masks));
    }
    let ids = match read_ids(&files.ids) {
        Ok(ids) => ids,
        Err(issue) => {
            issues.push(issue);
            return Err(issues);
        }
    };
    if !issues.is_empty() {
        return Err(issues);
    }
    let findings = repeated(&ids, files.ids.1).into_iter().collect();
    let shared = files.masks.as_ref().is_some_and(|(_, folder)| same(folder, files.images.1));
    let images = ids
        .into_iter()
        .map(|id| ImageEntry {
            image: image_of(files.images.1, &id, shared),
            mask: match (&files.masks, masks) {
                (Some((_, folder)), Masks::Wanted) => Some(folder.join(mask_name(&id))),
                _ => None,
            },
            id,
        })
        .collect();
    Ok(Ids { images, findings })
}

/// How many ids of `b` are in `a`, and the first of them.
pub(super) fn shared_ids(a: &[ImageEntry], b: &[ImageEntry]) -> Option<(usize, String)> {
    let known: BTreeSet<&str> = a.iter().map(|entry| entry.id.as_str()).collect();
    let shared: BTreeSet<&str> = b.iter().map(|e| e.id.as_str()).filter(|id| known.contains(id)).collect();
    shared.first().map(|first| (shared.len(), (*first).to_owned()))
}

fn folder((key, path): &(String, &Path)) -> Result<(), Issue> {
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(path_issue(key, path, "is a file, not a folder")),
        Err(error) => Err(unavailable(key, path, &error)),
    }
}

fn read_ids((key, path): &(String, &Path)) -> Result<Vec<String>, Issue> {
    let bytes = match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(path_issue(key, path, "is a folder, not a text file of ids"));
        }
        Ok(_) => fs_err::read(path).map_err(|error| unavailable(key, path, &error))?,
        Err(error) => return Err(unavailable(key, path, &error)),
    };
    let text = String::from_utf8(bytes).map_err(|_| path_issue(key, path, "is not a text file in UTF-8"))?;
    let ids: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if ids.is_empty() {
        return Err(
            path_issue(key, path, "holds no ids").with_help("write one id a line, without folder and ending")
        );
    }
    Ok(ids)
}

fn unavailable(key: &str, path: &Path, error: &std::io::Error) -> Issue {
    if error.kind() == std::io::ErrorKind::NotFound {
        return path_issue(key, path, "is not there")
            .with_help("relative paths start from the folder in which the command was given");
    }
    path_issue(key, path, &format!("cannot be read ({})", error.kind()))
}

fn path_issue(key: &str, path: &Path, what: &str) -> Issue {
    Issue::new(IssueKind::Path, key, format!("`{key}`: {} {what}", resolved(path).display()))
}

fn resolved(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A warning about ids that stand in a list more than once; they are used as often as they are listed.
fn repeated(ids: &[String], path: &Path) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let repeated: Vec<&String> = ids.iter().filter(|id| !seen.insert(id.as_str())).collect();
    let first = repeated.first()?;
    Some(Finding::warning(
        "data::repeated_ids",
        format!(
            "{}: {} lines repeat an id (the first is {first}); each line counts",
            path.display(),
            repeated.len()
        ),
    ))
}

fn mask_name(id: &str) -> String {
    format!("{id}.png")
}

/// Whether two paths, however written, lead to one folder.
fn same(a: &Path, b: &Path) -> bool {
    match (fs_err::canonicalize(a), fs_err::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// The image of an id, whatever its ending; in a folder that it shares with the masks, a mask is no image.
fn image_of(folder: &Path, id: &str, shared: bool) -> PathBuf {
    let with = |ending: &str| folder.join(format!("{id}.{ending}"));
    let mask = shared.then(|| folder.join(mask_name(id)));
    let is_image = |path: &PathBuf| Some(path) != mask.as_ref() && path.exists();
    ENDINGS.iter().map(|ending| with(ending)).find(is_image).unwrap_or_else(|| with(ENDINGS[0]))
}
