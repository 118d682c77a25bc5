//! One request for a file, or for what is missing of it.

use std::io::Read;
use std::time::Duration;

use gloss_core::{Context, Error, Result, Unit};
use gloss_http::{is_temporary, reason, retry_after};
use ureq::http::Response;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use ureq::{Agent, Body};

use super::part::{Part, PartFile, Version};

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// Why a transfer did not come to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// It broke off, for this reason, and can be taken up again.
    Cut(String),
    /// The server asks to try again, after this time if it names one.
    Busy(String, Option<Duration>),
    /// Trying again would not help.
    Final(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Final(error)
    }
}

/// A file to be asked for.
pub(super) struct Asking<'a> {
    pub(super) agent: &'a Agent,
    pub(super) authorization: Option<&'a str>,
    pub(super) url: &'a str,
}

impl Asking<'_> {
    /// Downloads what is missing of the file.
    ///
    /// # Errors
    /// [`Failure::Cut`] if the connection broke after the server had begun to send.
    pub(super) fn transfer(&self, part: &Part, context: &Context) -> Result<(), Failure> {
        let url = self.url;
        if let Some((arrived, version)) = part.resumable(url) {
            if version.total == Some(arrived) {
                return Ok(());
            }
            let response = self.request(Some((arrived, &version)))?;
            let now = version_of(url, &response);
            if response.status() == 206
                && range_of(&response).is_some_and(|range| range.start == arrived)
                && now.agrees(&version)
            {
                let total = now.total.or(version.total);
                return receive(response, part.open()?, arrived, total, context);
            }
            if response.status() == 200 {
                return receive_whole(response, now, part, context);
            }
            tracing::info!(
                url,
                status = response.status().as_u16(),
                "cannot go on; starting again"
            );
        }
        let response = self.request(None)?;
        let version = version_of(url, &response);
        let status = response.status();
        match status.as_u16() {
            200 => receive_whole(response, version, part, context),
            404 | 410 => Err(Error::Network(format!(
                "cannot download {url}: the server has no such file (it answers {status})"
            ))
            .into()),
            code if is_temporary(code) => Err(Failure::Busy(
                format!("the server answers {status}"),
                retry_after(&response),
            )),
            _ => {
                Err(Error::Network(format!("cannot download {url}: {}", refusal(&response))).into())
            }
        }
    }

    fn request(&self, have: Option<(u64, &Version)>) -> Result<Response<Body>> {
        let mut request = self.agent.get(self.url);
        if let Some(authorization) = self.authorization {
            request = request.header("Authorization", authorization);
        }
        if let Some((arrived, version)) = have {
            request = request.header("Range", format!("bytes={arrived}-"));
            if let Some(validator) = version.validator() {
                request = request.header("If-Range", validator);
            }
        }
        request.call().map_err(|error| {
            let reason = reason(error, self.url);
            Error::Network(format!("cannot download {}: {reason}", self.url))
        })
    }
}

/// Describes a refusal: by the proxy, or by the server.
pub(super) fn refusal(response: &Response<Body>) -> String {
    match response.status().as_u16() {
        407 => "the proxy wants to know who asks (407); give name and password in the address in \
                https_proxy"
            .to_string(),
        _ => format!("the server answers {}", response.status()),
    }
}

fn receive_whole(
    response: Response<Body>,
    version: Version,
    part: &Part,
    context: &Context,
) -> Result<(), Failure> {
    let file = part.start(&version)?;
    receive(response, file, 0, version.total, context)
}

/// Appends a response's body to the part, of which `arrived` bytes are there.
fn receive(
    response: Response<Body>,
    mut file: PartFile<'_>,
    mut arrived: u64,
    total: Option<u64>,
    context: &Context,
) -> Result<(), Failure> {
    let label = format!("Downloading {}", file.name());
    let task = context.task(&label, total, Unit::Bytes);
    task.advance(arrived)?;
    let mut body = response.into_body().into_reader();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(Failure::Cut(error.to_string())),
        };
        file.append(&chunk[..count])?;
        arrived += count as u64;
        task.advance(count as u64)?;
    }
    file.sync()?;
    match total {
        Some(total) if arrived != total => Err(Failure::Cut(format!(
            "{arrived} of {total} bytes have arrived"
        ))),
        _ => Ok(()),
    }
}

/// The version of the file that a response is about, whole or in part.
fn version_of(url: &str, response: &Response<Body>) -> Version {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let total = match range_of(response) {
        Some(range) => range.total,
        None => header(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
    };
    Version {
        url: url.to_string(),
        etag: header(ETAG).map(str::to_string),
        last_modified: header(LAST_MODIFIED).map(str::to_string),
        total,
    }
}

/// Returns the part of a file that a response holds.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    start: u64,
    total: Option<u64>,
}

fn range_of(response: &Response<Body>) -> Option<ContentRange> {
    parse_range(response.headers().get(CONTENT_RANGE)?.to_str().ok()?)
}

/// Reads `bytes START-END/TOTAL`, where the total may be `*`.
fn parse_range(text: &str) -> Option<ContentRange> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some(ContentRange {
        start: start.trim().parse().ok()?,
        total: total.trim().parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_as_servers_write_them() {
        let range = |start, total| Some(ContentRange { start, total });
        assert_eq!(parse_range("bytes 5-9/10"), range(5, Some(10)));
        assert_eq!(parse_range("bytes 5-9/*"), range(5, None));
        assert_eq!(parse_range("bytes */10"), None);
        assert_eq!(parse_range("lines 5-9/10"), None);
    }
}
