//! A file on its way here.

use super::{bytes, cells::plain};
use contract::Address;

/// `fetching model.h5   34%  1.2 MiB of 3.6 MiB`, in one line of a terminal.
#[must_use]
pub fn fetching(address: &Address, done: u64, all: Option<u64>) -> String {
    let name = plain(address.file_name().unwrap_or(address.host()));
    match all.filter(|all| *all > 0) {
        Some(all) => {
            let percent = (done.min(all) as f64 / all as f64 * 100.0) as u32;
            format!("fetching {name}  {percent:>3}%  {} of {}", bytes(done), bytes(all))
        }
        None => format!("fetching {name}  {}", bytes(done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_file_is_is_told_in_percent_where_its_size_is_known() {
        let address = Address::parse("http://me:pass@h:80/a/model.h5?k=v").unwrap();
        assert_eq!(
            fetching(&address, 512 << 10, Some(2 << 20)),
            "fetching model.h5   25%  512 KiB of 2.0 MiB"
        );
        assert_eq!(fetching(&address, 512 << 10, None), "fetching model.h5  512 KiB");
        assert_eq!(fetching(&Address::parse("http://h").unwrap(), 0, Some(0)), "fetching h  0 B");
    }
}
