//! [`Client`]: asks the hub for a file, and tells *there is none* from *it could not be had*.
//!
//! A hub answers with the file, or, where it is large, with the address of a storage that has it. Either answer says in
//! its head which commit the file is of, the tag of its content, and its length. The token goes to the hub alone.

use super::cache::Word;
use super::refusal::Refusal;
use super::settings::{PUBLIC_HUB, Settings};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode, Uri, header};
use ureq::{Agent, Body};

type Response = ureq::http::Response<Body>;

const COMMIT: &str = "X-Repo-Commit";
const ETAG: &str = "ETag";
const LINKED_ETAG: &str = "X-Linked-Etag";
const LINKED_LENGTH: &str = "X-Linked-Size";
const ERROR_CODE: &str = "X-Error-Code";

/// Hubs besides that of the endpoint: a mirror may send its readers there.
const HUBS: [&str; 2] = [PUBLIC_HUB, "https://hf.co"];

const MAX_REDIRECTS: usize = 10;

/// How long is waited before a question is asked again.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// How often a download that makes no progress is taken up again.
const MAX_RESUMPTIONS: usize = 3;

/// The longest file that is not one of weights, and the longest whose length is not told, in bytes.
const MAX_SMALL_FILE_BYTES: u64 = 1 << 28;

const CHUNK: usize = 1 << 18;

/// A connection to the hub.
pub struct Client {
    agent: Agent,
    settings: Settings,
}

/// What the hub says of a file.
pub enum Found {
    /// There is one.
    File(Box<RemoteFile>),
    /// There is none, in that commit, where it is told.
    Nothing(Option<Word>),
}

/// A file that the hub has.
pub struct RemoteFile {
    /// The commit that it is of.
    pub commit: Word,
    /// The tag of its content.
    pub etag: Word,
    /// Its length in bytes, where that is told.
    pub length: Option<u64>,
    /// Where its content is.
    address: Uri,
    /// Whether a hub has the content, and may see the token.
    is_on_hub: bool,
    /// The answer that the content comes with, where one did.
    response: Option<Response>,
}

impl Client {
    /// A client that has asked nothing yet.
    pub fn new(settings: Settings) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("ocellus/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.answer_timeout))
            .timeout_connect(Some(settings.answer_timeout))
            .timeout_recv_response(Some(settings.answer_timeout))
            .timeout_per_read(Some(settings.download_timeout))
            .build();
        Client { agent: config.into(), settings }
    }

    /// The address of a model's file at a revision.
    pub fn address(&self, model: &str, revision: &str, file: &str) -> String {
        let (revision, file) = (percent_encoded(revision), percent_encoded(file));
        format!("{}/{model}/resolve/{revision}/{file}", self.settings.endpoint)
    }

    /// What the hub says of the file at an address.
    pub fn find(&self, address: &str) -> Result<Found, Refusal> {
        let mut address: Uri =
            address.parse().map_err(|_| Refusal::NoAddress { address: address.to_string() })?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&address, true, 0)?;
            if !response.status().is_redirection() {
                return match self.refusal(&response, &address) {
                    None => RemoteFile::of(address, true, response),
                    Some(refusal) if refusal.means_absence() => {
                        Ok(Found::Nothing(text(response.headers(), COMMIT).and_then(Word::new)))
                    }
                    Some(refusal) => Err(refusal),
                };
            }
            let target = target_of_redirect(&address, response.headers())?;
            if !self.is_hub(&address, &target) {
                return RemoteFile::of(target, false, response);
            }
            address = target;
        }
        Err(Refusal::TooManyRedirects { address: address.to_string() })
    }

    /// Writes a file's content. `progress` is told how many bytes are there.
    pub fn download(
        &self,
        mut remote: Box<RemoteFile>,
        file: &mut File,
        progress: &dyn Fn(u64),
    ) -> Result<(), Refusal> {
        let mut written = 0;
        let mut resumptions = 0;
        loop {
            let before = written;
            match self.download_part(&mut remote, file, &mut written, progress) {
                Err(Refusal::Interrupted { .. } | Refusal::Unreachable { .. })
                    if written > before || resumptions < MAX_RESUMPTIONS =>
                {
                    resumptions = if written > before { 0 } else { resumptions + 1 };
                    std::thread::sleep(PAUSES[0]);
                }
                outcome => return outcome,
            }
        }
    }

    fn download_part(
        &self,
        remote: &mut RemoteFile,
        file: &mut File,
        written: &mut u64,
        progress: &dyn Fn(u64),
    ) -> Result<(), Refusal> {
        let response = match remote.response.take() {
            Some(response) => response,
            None => self.ask_again(remote, *written)?,
        };
        if response.status() != StatusCode::PARTIAL_CONTENT {
            // The whole file, from its first byte.
            *written = 0;
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
        }
        if remote.length.is_none() && !tells_its_end(&response) {
            return Err(remote.broken("does not say how long the file is"));
        }
        remote.length = remote.length.or_else(|| plain_length(&response));
        let bound = remote.length.unwrap_or(MAX_SMALL_FILE_BYTES);
        let mut body = response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match body.read(&mut chunk) {
                Ok(count) => count,
                Err(source) => return Err(remote.interrupted(source)),
            };
            let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            *written += bytes.len() as u64;
            if *written > bound {
                return Err(remote.broken(&format!("is longer than {bound} bytes")));
            }
            file.write_all(bytes)?;
            progress(*written);
        }
        match remote.length {
            Some(length) if length != *written => {
                Err(remote
                    .interrupted(io::Error::other(format!("{written} of {length} bytes came"))))
            }
            _ => Ok(()),
        }
    }

    /// Asks for the content itself, from that byte on.
    fn ask_again(&self, remote: &RemoteFile, from: u64) -> Result<Response, Refusal> {
        let response = self.ask(&remote.address, remote.is_on_hub, from)?;
        let Some(refusal) = self.refusal(&response, &remote.address) else {
            // A storage has tags of its own, and under an address only one content.
            let etag = text(response.headers(), ETAG).map(unquoted);
            if remote.is_on_hub && etag.is_some_and(|etag| etag != remote.etag.to_string()) {
                return Err(remote.interrupted(io::Error::other("it was changed meanwhile")));
            }
            return Ok(response);
        };
        if remote.is_on_hub {
            return Err(refusal);
        }
        // The hub has allowed it: the address that it gave is for a short time.
        let status = response.status();
        Err(remote.interrupted(io::Error::other(format!("the storage answers {status}"))))
    }

    /// One question, asked again where the hub is busy or the line fails.
    fn ask(&self, address: &Uri, with_token: bool, from: u64) -> Result<Response, Refusal> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let mut request = self.agent.get(address).header(header::ACCEPT_ENCODING, "identity");
            if let Some(token) = self.settings.token.as_ref().filter(|_| with_token) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.secret));
            }
            if from > 0 {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            let outcome = request.call();
            let pause = if may_go_better(&outcome) { pauses.next() } else { None };
            match (pause, outcome) {
                (Some(pause), _) => std::thread::sleep(pause),
                (None, Ok(response)) => return Ok(response),
                (None, Err(source)) => {
                    let address = address.to_string();
                    return Err(Refusal::Unreachable { address, source: Box::new(source) });
                }
            }
        }
    }

    /// Why an answer is none.
    fn refusal(&self, response: &Response, address: &Uri) -> Option<Refusal> {
        let status = response.status();
        if status == StatusCode::OK || status == StatusCode::PARTIAL_CONTENT {
            return None;
        }
        Some(Refusal::Status {
            status: status.as_u16(),
            code: text(response.headers(), ERROR_CODE)
                .filter(|code| !code.is_empty())
                .map(str::to_string),
            address: address.to_string(),
            token: self.settings.token.as_ref().map(|token| token.source.clone()),
        })
    }

    /// Whether a redirect leads to the same place or to another hub.
    fn is_hub(&self, from: &Uri, to: &Uri) -> bool {
        let is_at = |hub: &str| hub.parse().is_ok_and(|hub: Uri| origin(&hub) == origin(to));
        origin(to) == origin(from) || is_at(&self.settings.endpoint) || HUBS.into_iter().any(is_at)
    }
}

impl Found {
    /// The commit that this is said of.
    pub fn commit(&self) -> Option<&Word> {
        match self {
            Found::File(file) => Some(&file.commit),
            Found::Nothing(commit) => commit.as_ref(),
        }
    }
}

impl RemoteFile {
    /// What the head of an answer says of the file.
    fn of(address: Uri, is_on_hub: bool, response: Response) -> Result<Found, Refusal> {
        let headers = response.headers();
        let broken = |problem| Refusal::Broken { address: address.to_string(), problem };
        let word = |names: &[&'static str], lacking: &str| {
            let found = names.iter().find_map(|name| Some((name, unquoted(text(headers, name)?))));
            let (name, text) = found.ok_or_else(|| broken(format!("has no `{lacking}`")))?;
            Word::new(text)
                .ok_or_else(|| broken(format!("has the `{name}` {text:?}, which is none")))
        };
        let commit = word(&[COMMIT], COMMIT)?;
        let etag = word(&[LINKED_ETAG, ETAG], ETAG)?;
        let linked = text(headers, LINKED_LENGTH).and_then(|length| length.parse().ok());
        let length = linked.or_else(|| plain_length(&response).filter(|_| is_on_hub));
        let response = is_on_hub.then_some(response);
        let file = RemoteFile { commit, etag, length, address, is_on_hub, response };
        Ok(Found::File(Box::new(file)))
    }

    /// Refuses a small file that is not small.
    pub fn must_be_small(&self) -> Result<(), Refusal> {
        match self.length {
            Some(length) if length > MAX_SMALL_FILE_BYTES => Err(self.broken(&format!(
                "has {length} bytes, and at most {MAX_SMALL_FILE_BYTES} are read"
            ))),
            _ => Ok(()),
        }
    }

    fn interrupted(&self, source: io::Error) -> Refusal {
        Refusal::Interrupted { address: self.address.to_string(), source }
    }

    fn broken(&self, problem: &str) -> Refusal {
        Refusal::Broken { address: self.address.to_string(), problem: problem.to_string() }
    }
}

/// Whether a question is worth asking again: not where nobody listens, and not where the time is used up.
fn may_go_better(outcome: &Result<Response, ureq::Error>) -> bool {
    match outcome {
        Ok(response) => matches!(response.status().as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
        Err(ureq::Error::Io(error)) => error.kind() != io::ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

/// The length of a content that comes as it is.
fn plain_length(response: &Response) -> Option<u64> {
    let headers = response.headers();
    let is_encoded = text(headers, header::CONTENT_ENCODING.as_str())
        .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    if is_encoded || response.status() != StatusCode::OK {
        return None;
    }
    text(headers, header::CONTENT_LENGTH.as_str())?.parse().ok()
}

/// Whether a content that is cut short can be told from one that is whole.
fn tells_its_end(response: &Response) -> bool {
    let headers = response.headers();
    let is_chunked = text(headers, header::TRANSFER_ENCODING.as_str())
        .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"));
    is_chunked || headers.contains_key(header::CONTENT_LENGTH)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// An entity tag without what HTTP puts around it.
fn unquoted(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// Scheme, host and port: those that may see the same token.
fn origin(address: &Uri) -> Option<(String, String, u16)> {
    let scheme = address.scheme_str()?.to_ascii_lowercase();
    let port = address.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some((scheme, address.host()?.to_ascii_lowercase(), port))
}

/// Where a redirect leads: another address, or another path at the same one.
fn target_of_redirect(from: &Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
    let broken = |problem: String| Refusal::Broken { address: from.to_string(), problem };
    let location = text(headers, header::LOCATION.as_str())
        .ok_or_else(|| broken("leads elsewhere, and does not say where".to_string()))?;
    let scheme = from.scheme_str().unwrap_or("https");
    let absolute = match (location.strip_prefix("//"), location.strip_prefix('/')) {
        (Some(rest), _) => format!("{scheme}://{rest}"),
        (None, Some(rest)) => {
            let authority =
                from.authority().map(|authority| authority.as_str()).unwrap_or_default();
            format!("{scheme}://{authority}/{rest}")
        }
        (None, None) => location.to_string(),
    };
    let target: Option<Uri> = absolute.parse().ok();
    target
        .filter(|target| {
            matches!(target.scheme_str(), Some("http" | "https")) && target.host().is_some()
        })
        .ok_or_else(|| broken(format!("leads to {location:?}, which is no address")))
}

/// A file's name as a part of an address.
fn percent_encoded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(
            |byte| {
                if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_redirect_leads_to_an_address_or_a_path() {
        let target = |location: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            target_of_redirect(&uri("http://hub:81/a/b?c"), &headers)
                .map(|target| target.to_string())
        };
        assert_eq!(target("https://cdn/x?y=1").unwrap(), "https://cdn/x?y=1");
        assert_eq!(target("/api/x?y").unwrap(), "http://hub:81/api/x?y");
        assert_eq!(target("//cdn/x").unwrap(), "http://cdn/x");
        for wrong in ["x/y", "file:///etc/passwd", "ftp://cdn/x", "", "http://", "http:///x", "//"]
        {
            assert!(target(wrong).is_err(), "{wrong}");
        }
        assert!(target_of_redirect(&uri("http://hub"), &HeaderMap::new()).is_err());
    }

    #[test]
    fn names_are_encoded_for_addresses() {
        assert_eq!(percent_encoded("model-1_a.safetensors"), "model-1_a.safetensors");
        assert_eq!(percent_encoded("a b#?%é"), "a%20b%23%3F%25%C3%A9");
    }

    #[test]
    fn tags_lose_their_quotes() {
        assert_eq!(unquoted("\"abc\""), "abc");
        assert_eq!(unquoted("W/\"abc\""), "abc");
        assert_eq!(unquoted("abc"), "abc");
    }

    #[test]
    fn the_token_is_for_one_origin() {
        assert_eq!(origin(&uri("https://Hub/x")), origin(&uri("https://hub:443/y")));
        assert_ne!(origin(&uri("http://hub/x")), origin(&uri("https://hub/x")));
        assert_ne!(origin(&uri("http://hub/x")), origin(&uri("http://hub:81/x")));
    }
}
