//! [`Settings`]: what the environment says of the hub, by the variables of Hugging Face's own client.
//!
//! Each variable means what it means to `huggingface_hub`, and they come in its order, so that a machine that is set up
//! for Python is set up for Ocellus. Only a variable that is set and empty counts as not set, where the client would
//! make a path or an address of nothing.

use crate::HubError;
use std::path::PathBuf;
use std::time::Duration;
use ureq::http::Uri;

/// Where the hub is, if nothing says otherwise.
pub const PUBLIC_HUB: &str = "https://huggingface.co";

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the hub, without a slash at its end.
    pub endpoint: String,
    /// Where what was fetched is kept.
    pub cache: PathBuf,
    /// What the hub is told of who asks.
    pub token: Option<Token>,
    /// The variable that forbids to ask the hub, where one does.
    pub offline: Option<&'static str>,
    /// How long the hub has to begin an answer.
    pub answer_timeout: Duration,
    /// How long the next bytes of a file may take.
    pub download_timeout: Duration,
    /// Whether a bar shows how far a download has come, on a terminal.
    pub shows_progress: bool,
}

/// A token, and where it was found.
#[derive(Clone)]
pub struct Token {
    /// What is sent.
    pub secret: String,
    /// The variable or the file that has it.
    pub source: String,
}

/// A token is never printed.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the token from {}", self.source)
    }
}

impl Settings {
    /// What the environment of this process says.
    pub fn from_environment() -> Result<Self, HubError> {
        Settings::read(&Variables(&variable))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, HubError> {
        let seconds = |name| variables.seconds(name).map(Duration::from_secs);
        let offline = variables.offline();
        Ok(Settings {
            endpoint: variables.endpoint()?,
            cache: variables.cache(),
            token: if offline.is_none() { variables.token()? } else { None },
            offline,
            answer_timeout: seconds("HF_HUB_ETAG_TIMEOUT")?,
            download_timeout: seconds("HF_HUB_DOWNLOAD_TIMEOUT")?,
            shows_progress: !variables.is_true("HF_HUB_DISABLE_PROGRESS_BARS"),
        })
    }
}

/// Where what was fetched is kept, whatever else is set.
pub fn cache() -> PathBuf {
    Variables(&variable).cache()
}

/// A variable of this process.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// An environment, by names.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// The value of a variable that is set, and not to nothing.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| means_true(&value))
    }

    fn endpoint(&self) -> Result<String, HubError> {
        let Some(value) = self.get("HF_ENDPOINT") else { return Ok(PUBLIC_HUB.to_string()) };
        let endpoint = value.trim_end_matches('/');
        let uri = endpoint.parse::<Uri>().ok();
        let is_address = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
        });
        if !is_address {
            return Err(HubError::new(format!(
                "`HF_ENDPOINT` is {value:?}, which is no address of a hub"
            ))
            .help(format!("set it to an address such as {PUBLIC_HUB}, or unset it")));
        }
        Ok(endpoint.to_string())
    }

    fn cache(&self) -> PathBuf {
        ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
            .into_iter()
            .find_map(|name| self.get(name))
            .map_or_else(|| self.home().join("hub"), |folder| self.expand(&folder))
    }

    fn home(&self) -> PathBuf {
        if let Some(folder) = self.get("HF_HOME") {
            return self.expand(&folder);
        }
        let caches = self.get("XDG_CACHE_HOME").unwrap_or_else(|| "~/.cache".to_string());
        self.expand(&caches).join("huggingface")
    }

    /// A path with `~` and `$NAME` or `${NAME}` replaced. A name that is not set stays as it is.
    fn expand(&self, path: &str) -> PathBuf {
        let path = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = self.get("HOME").map(PathBuf::from).or_else(std::env::home_dir);
                format!("{}{rest}", home.unwrap_or_default().display())
            }
            _ => path.to_string(),
        };
        let mut parts = path.split('$');
        let mut expanded = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let braced = part.strip_prefix('{').and_then(|part| part.split_once('}'));
            let (name, rest) = braced.unwrap_or_else(|| {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                part.split_at(end.unwrap_or(part.len()))
            });
            match (self.0)(name) {
                Some(value) => expanded.extend([value.as_str(), rest]),
                None => expanded.extend(["$", part]),
            }
        }
        PathBuf::from(expanded)
    }

    fn token(&self) -> Result<Option<Token>, HubError> {
        if self.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            return Ok(None);
        }
        let variable = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]
            .into_iter()
            .find_map(|name| Some((self.get(name)?, name.to_string())));
        let (text, source) = match variable.filter(|(text, _)| !cleaned(text).is_empty()) {
            Some(found) => found,
            None => match self.token_file()? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let secret = cleaned(&text);
        if secret.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(HubError::new(format!(
                "the token in `{source}` has characters that no token has"
            ))
            .help("copy it again from the hub's page of access tokens: it begins with `hf_`"));
        }
        Ok(Some(Token { secret, source }))
    }

    /// The token that `hf auth login` left, and its file.
    fn token_file(&self) -> Result<Option<(String, String)>, HubError> {
        let file = match self.get("HF_TOKEN_PATH") {
            Some(path) => self.expand(&path),
            None => self.home().join("token"),
        };
        match std::fs::read_to_string(&file) {
            Ok(text) if cleaned(&text).is_empty() => Ok(None),
            Ok(text) => Ok(Some((text, file.display().to_string()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(HubError::new(error.to_string()).within(file.display()).help(
                "this file has the token for the hub; make it readable, or set `HF_HUB_DISABLE_IMPLICIT_TOKEN=1` to go without",
            )),
        }
    }

    fn offline(&self) -> Option<&'static str> {
        // The first that is set decides, even where it says no.
        ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
            .into_iter()
            .find(|name| self.get(name).is_some())
            .filter(|name| self.is_true(name))
    }

    fn seconds(&self, name: &str) -> Result<u64, HubError> {
        const DEFAULT: u64 = 10;
        let Some(value) = self.get(name) else { return Ok(DEFAULT) };
        match value.trim().parse() {
            Ok(0) => Ok(DEFAULT),
            Ok(seconds) => Ok(seconds),
            Err(_) => {
                Err(HubError::new(format!("`{name}` is {value:?}, which is no number of seconds"))
                    .help("set it to a whole number, or unset it"))
            }
        }
    }
}

fn means_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
}

/// A token as it is sent: what was copied around it is left out.
fn cleaned(text: &str) -> String {
    text.replace(['\r', '\n'], "").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, HubError> {
        Settings::read(&Variables(&|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_string())
        }))
    }

    #[test]
    fn the_cache_is_where_the_first_variable_says() {
        let cache = |set: &[(&str, &str)]| {
            read(&[set, &[("HOME", "/home/x")]].concat()).unwrap().cache.display().to_string()
        };
        assert_eq!(cache(&[]), "/home/x/.cache/huggingface/hub");
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/xdg")]), "/xdg/huggingface/hub");
        let xdg = ("XDG_CACHE_HOME", "/xdg");
        assert_eq!(cache(&[("HF_HOME", "/hf"), xdg]), "/hf/hub");
        let old = ("HUGGINGFACE_HUB_CACHE", "/old");
        assert_eq!(cache(&[old, ("HF_HOME", "/hf")]), "/old");
        assert_eq!(cache(&[("HF_HUB_CACHE", "/new"), old, ("HF_HOME", "/hf")]), "/new");
        assert_eq!(
            cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", "")]),
            "/home/x/.cache/huggingface/hub"
        );
        // As `os.path.expanduser` and `os.path.expandvars` have it.
        let user = ("USER", "me");
        assert_eq!(cache(&[("HF_HOME", "~/hf")]), "/home/x/hf/hub");
        assert_eq!(cache(&[("HF_HUB_CACHE", "~")]), "/home/x");
        assert_eq!(cache(&[("HF_HUB_CACHE", "/a/$USER/b${USER}c"), user]), "/a/me/bmec");
        assert_eq!(cache(&[("HF_HUB_CACHE", "/a/$NOBODY/${b"), user]), "/a/$NOBODY/${b");
        assert_eq!(cache(&[("HF_HUB_CACHE", "/a/~")]), "/a/~");
    }

    #[test]
    fn the_token_is_the_first_that_is_one() {
        let home = tempfile::tempdir().unwrap();
        let hf_home = ("HF_HOME", home.path().to_str().unwrap());
        let token = |set: &[(&str, &str)]| {
            read(&[set, &[hf_home]].concat()).unwrap().token.map(|token| token.secret)
        };
        assert_eq!(token(&[]), None);
        std::fs::write(home.path().join("token"), " hf_file\r\n").unwrap();
        assert_eq!(token(&[]).unwrap(), "hf_file");
        let old = ("HUGGING_FACE_HUB_TOKEN", "hf_old");
        assert_eq!(token(&[old]).unwrap(), "hf_old");
        assert_eq!(token(&[("HF_TOKEN", " hf_new\n"), old]).unwrap(), "hf_new");
        assert_eq!(token(&[("HF_TOKEN", ""), old]).unwrap(), "hf_old");
        // What is set to nothing but spaces hides the old name, as in the client, and not the file.
        assert_eq!(token(&[("HF_TOKEN", " "), old]).unwrap(), "hf_file");
        assert_eq!(
            token(&[("HF_TOKEN", "hf_new"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes")]),
            None
        );

        let elsewhere = home.path().join("elsewhere");
        std::fs::write(&elsewhere, "hf_else").unwrap();
        let path = ("HF_TOKEN_PATH", elsewhere.to_str().unwrap());
        assert_eq!(token(&[path]).unwrap(), "hf_else");
        assert_eq!(token(&[("HF_TOKEN_PATH", "/no/such/file")]), None);
    }

    #[test]
    fn a_token_is_told_and_printed_nowhere() {
        let error = read(&[("HF_TOKEN", "hf_sécret")]).unwrap_err().to_string();
        assert!(error.contains("`HF_TOKEN`") && !error.contains("cret"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let error = read(&[("HF_TOKEN_PATH", folder.path().to_str().unwrap())]).unwrap_err();
        assert!(error.advice().unwrap().contains("the token for the hub"), "{error}");
        let settings = read(&[("HF_TOKEN", "hf_secret")]).unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn the_first_variable_that_is_set_says_whether_to_ask_the_hub() {
        let offline = |set: &[(&str, &str)]| read(set).unwrap().offline;
        assert_eq!(offline(&[]), None);
        for value in ["1", "on", "Yes", "TRUE"] {
            assert_eq!(offline(&[("HF_HUB_OFFLINE", value)]), Some("HF_HUB_OFFLINE"), "{value}");
        }
        let old = ("TRANSFORMERS_OFFLINE", "1");
        assert_eq!(offline(&[old]), Some("TRANSFORMERS_OFFLINE"));
        assert_eq!(offline(&[("HF_HUB_OFFLINE", "0"), old]), None);
        assert_eq!(offline(&[("HF_HUB_OFFLINE", ""), old]), Some("TRANSFORMERS_OFFLINE"));
    }

    #[test]
    fn the_endpoint_is_an_address() {
        let endpoint = |value| read(&[("HF_ENDPOINT", value)]).map(|settings| settings.endpoint);
        assert_eq!(endpoint("").unwrap(), PUBLIC_HUB);
        assert_eq!(endpoint("http://mirror:8080/").unwrap(), "http://mirror:8080");
        assert_eq!(endpoint("https://mirror/hf").unwrap(), "https://mirror/hf");
        for wrong in
            ["mirror", "mirror.org/hf", "ftp://mirror", "http://", "http://a b", "https://m/?q"]
        {
            let error = endpoint(wrong).unwrap_err().to_string();
            assert!(error.contains("HF_ENDPOINT"), "{error}");
        }
    }

    #[test]
    fn timeouts_are_whole_seconds() {
        let timeout =
            |value| read(&[("HF_HUB_DOWNLOAD_TIMEOUT", value)]).map(|s| s.download_timeout);
        assert_eq!(timeout("30").unwrap(), Duration::from_secs(30));
        assert_eq!(timeout("0").unwrap(), Duration::from_secs(10));
        assert!(timeout("soon").unwrap_err().to_string().contains("HF_HUB_DOWNLOAD_TIMEOUT"));
    }
}
