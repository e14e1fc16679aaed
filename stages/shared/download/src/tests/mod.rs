//! Against a server on the loopback interface.

mod server;

use super::*;
use server::{Request, Server, answer};

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

/// What comes of a request.
struct Fetched {
    answer: Result<Answer, String>,
    file: Vec<u8>,
    /// What was told while it came.
    told: Vec<(u64, Option<u64>)>,
}

fn fetched(address: &Address, known: &Validators) -> Fetched {
    let (mut file, mut told) = (Vec::new(), Vec::new());
    let answer = fetch(address, known, Duration::from_secs(30), &mut file, &mut |bytes, total| {
        told.push((bytes, total))
    });
    Fetched { answer: answer.map_err(|error| error.to_string()), file, told }
}

fn refusal(address: &Address) -> String {
    fetched(address, &Validators::default()).answer.expect_err("there is no file")
}

#[test]
fn a_file_comes_whole_and_is_not_sent_again_while_it_is_the_same() {
    let body: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let sent = body.clone();
    let server = Server::start(move |request: &Request| match request.header("if-none-match") {
        Some("\"one\"") => answer("304 Not Modified", &[("ETag", "\"one\"")], b""),
        _ => answer(
            "200 OK",
            &[("ETag", "\"one\""), ("Last-Modified", "Thu, 26 Nov 2026 10:00:00 GMT")],
            &sent,
        ),
    });
    let address = address(&server.address("/a/model.h5?raw=true"));
    let Fetched { answer: first, file, told } = fetched(&address, &Validators::default());
    let known = Validators {
        etag: Some("\"one\"".to_owned()),
        last_modified: Some("Thu, 26 Nov 2026 10:00:00 GMT".to_owned()),
    };
    assert_eq!(first, Ok(Answer::Written(known.clone())));
    assert!(file == body);
    assert_eq!(told.last(), Some(&(300_000, Some(300_000))));
    assert!(told.iter().zip(&told[1..]).all(|(before, after)| before.0 < after.0));

    let Fetched { answer: second, file, told } = fetched(&address, &known);
    assert_eq!((second, file.len(), told.len()), (Ok(Answer::Unchanged), 0, 0));
    let asked = server.asked();
    assert!(asked.iter().all(|request| request.path == "/a/model.h5?raw=true"));
    assert_eq!(asked[0].header("if-modified-since"), None);
    assert_eq!(asked[0].header("accept-encoding"), Some("identity"));
    assert_eq!(asked[1].header("if-modified-since"), Some("Thu, 26 Nov 2026 10:00:00 GMT"));
}

#[test]
fn a_redirection_is_followed_and_the_password_does_not_go_to_another_host() {
    let other = Server::start(|_| answer("200 OK", &[], b"weights"));
    let there = other.address("/real.h5").replace("127.0.0.1", "localhost");
    let server = Server::start(move |_| answer("302 Found", &[("Location", &there)], b""));
    let secret = server.address("/model.h5").replace("http://", "http://me:p%40ss@");
    let Fetched { answer, file, .. } = fetched(&address(&secret), &Validators::default());
    assert_eq!((answer, file.as_slice()), (Ok(Answer::Written(Validators::default())), &b"weights"[..]));
    // `me:p@ss`.
    assert_eq!(server.asked()[0].header("authorization"), Some("Basic bWU6cEBzcw=="));
    assert_eq!(other.asked()[0].header("authorization"), None);
}

#[test]
fn the_password_goes_along_where_the_host_stays_the_same() {
    let server = Server::start(|request: &Request| match request.path.as_str() {
        "/latest.h5" => answer("302 Found", &[("Location", "/3.h5")], b""),
        _ => answer("200 OK", &[], b"weights"),
    });
    let secret = server.address("/latest.h5").replace("http://", "http://me:pass@");
    assert!(fetched(&address(&secret), &Validators::default()).answer.is_ok());
    assert_eq!(server.asked()[1].header("authorization"), Some("Basic bWU6cGFzcw=="));
}

#[test]
fn a_body_without_a_length_comes_whole() {
    let server = Server::start(|_| {
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nwei\r\n4\r\nghts\r\n0\r\n\r\n"
            .to_vec()
    });
    let Fetched { answer, file, told } =
        fetched(&address(&server.address("/model.h5")), &Validators::default());
    assert_eq!((answer, file.as_slice()), (Ok(Answer::Written(Validators::default())), &b"weights"[..]));
    assert_eq!(told.last(), Some(&(7, None)));
}

#[test]
fn what_is_in_the_way_is_said() {
    let missing = Server::start(|_| answer("404 Not Found", &[], b"no such page"));
    assert_eq!(refusal(&address(&missing.address("/model.h5"))), "the server answered 404 Not Found");

    let cut = Server::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nweigh".to_vec());
    assert_eq!(
        refusal(&address(&cut.address("/model.h5"))),
        "the connection broke after 5 bytes of 10: the server closed it"
    );
    let silent = Server::start(|_| Vec::new());
    assert_eq!(refusal(&address(&silent.address("/model.h5"))), "the server closed the connection");

    let nobody = Server::start(|_| Vec::new()).address("/model.h5");
    assert_eq!(refusal(&address(&nobody)), "the connection was refused");
}

#[test]
fn a_file_that_cannot_be_written_is_told_as_that() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = Server::start(|_| answer("200 OK", &[], b"weights"));
    let address = address(&server.address("/model.h5"));
    let error = fetch(&address, &Validators::default(), Duration::from_secs(30), &mut Full, &mut |_, _| ())
        .expect_err("no space");
    assert!(matches!(error, DownloadError::Write(_)), "{error:?}");
}

#[test]
fn this_machine_is_known_by_its_names() {
    for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "127.1.2.3", "[::1]", "[::1]:80"] {
        assert!(is_this_machine(host), "{host}");
    }
    for host in ["example.org", "localhost.example.org:80", "10.0.0.1:80", "[fe80::1]:80"] {
        assert!(!is_this_machine(host), "{host}");
    }
}
