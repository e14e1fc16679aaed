//! What a tool shows.

use super::{cells::plain, columns};
use contract::{Block, Page};

/// A page as text; nothing in it is a command to a terminal.
#[must_use]
pub fn page(page: &Page) -> String {
    page.0.iter().map(block).collect()
}

fn block(block: &Block) -> String {
    match block {
        Block::Text(text) => plain(text),
        Block::Table { header, rows, right } => columns(header, rows, right),
    }
}
