//! Calls to the server, each made again after a passing failure.

use std::env;
use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gloss_core::{Context, Error, Result};
use gloss_http::{Attempts, is_safe};
use prost::Message;
use tokio::runtime::{Builder, Runtime};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::config::Server;
use crate::proto::Answer;

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Codes of a server that is asked too much.
const RATE_LIMITS: [i32; 3] = [8, 9, 49];

/// A connection to the server.
pub(crate) struct Client {
    runtime: Runtime,
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
    uri: String,
    max_retries: u32,
    timeout: Duration,
    repeated: AtomicUsize,
}

/// The failure of a call.
pub(crate) enum Failure {
    /// The server answered by an error.
    Refused { code: i32, reason: String },
    /// The call was interrupted, or the server did not answer.
    Other(Error),
}

/// The failure of one attempt.
enum Attempt {
    /// The same request may succeed later.
    Passing(String),
    Lasting(Failure),
}

impl Client {
    /// A connection to the server of `options`, which is made by the first call.
    ///
    /// # Errors
    /// If the address or the token cannot be one; its scheme was checked before.
    pub(crate) fn new(options: &Server) -> Result<Self> {
        let wrong = |what: String| Error::Usage(format!("`uri` is `{}`: {what}", options.uri));
        let timeout = Duration::from_secs_f64(options.timeout.clamp(1.0, 1e6));
        let endpoint = Endpoint::from_shared(options.uri.clone());
        let endpoint = endpoint.map_err(|error| wrong(error.to_string()))?;
        let mut endpoint = endpoint.connect_timeout(CONNECT).timeout(timeout);
        if options.uri.starts_with("https://") {
            let tls = ClientTlsConfig::new().with_webpki_roots();
            endpoint = endpoint
                .tls_config(tls)
                .map_err(|error| wrong(error.to_string()))?;
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Internal(error.to_string()))?;
        let channel = {
            let _inside = runtime.enter();
            endpoint.connect_lazy()
        };
        Ok(Client {
            runtime,
            channel,
            token: token(options)?,
            uri: options.uri.clone(),
            max_retries: options.max_retries,
            timeout,
            repeated: AtomicUsize::new(0),
        })
    }

    /// The number of calls that were made again.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Calls `method`, until it succeeds or fails for good. All methods that are called may be
    /// repeated.
    pub(crate) fn call<A: Answer + 'static>(
        &self,
        method: &str,
        request: &(impl Message + Clone + 'static),
        check: &dyn Fn() -> Result<()>,
    ) -> Result<A, Failure> {
        let mut attempts = Attempts::new(self.max_retries.saturating_add(1));
        loop {
            check().map_err(Failure::Other)?;
            let reason = match self.attempt(method, request.clone()) {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Lasting(failure)) => return Err(failure),
                Err(Attempt::Passing(reason)) => reason,
            };
            let give_up = |count| {
                let message = format!("{} ({method}): {reason}, after {count} attempts", self.uri);
                Error::Network(format!(
                    "{message}; once the server is there, the same command goes on"
                ))
            };
            self.repeated.fetch_add(1, Ordering::Relaxed);
            let waited = attempts.wait(&reason, None, check, give_up);
            waited.map_err(Failure::Other)?;
        }
    }

    /// As [`call`](Client::call), with a refusal as an error.
    pub(crate) fn get<A: Answer + 'static>(
        &self,
        method: &str,
        request: &(impl Message + Clone + 'static),
        context: &Context,
    ) -> Result<A> {
        let answer = self.call(method, request, &|| context.check());
        answer.map_err(|failure| self.error(method, failure))
    }

    /// A failure in words.
    pub(crate) fn error(&self, method: &str, failure: Failure) -> Error {
        match failure {
            Failure::Other(error) => error,
            Failure::Refused { code, reason } => Error::Usage(format!(
                "the server {} refuses {method}: {} (code {code})",
                self.uri,
                reason.trim()
            )),
        }
    }

    fn attempt<A: Answer + 'static>(
        &self,
        method: &str,
        message: impl Message + 'static,
    ) -> Result<A, Attempt> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        if let Some(token) = &self.token {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        let answer = self.runtime.block_on(self.unary::<_, A>(method, request));
        let answer = answer.map_err(|status| attempt_of(&status))?;
        match answer.status() {
            Some(status) if status.code != 0 || status.legacy_code != 0 => {
                let code = match status.code {
                    0 => status.legacy_code,
                    code => code,
                };
                Err(match status.retriable || RATE_LIMITS.contains(&code) {
                    true => Attempt::Passing(format!("{} (code {code})", status.reason)),
                    false => Attempt::Lasting(Failure::Refused {
                        code,
                        reason: status.reason.clone(),
                    }),
                })
            }
            _ => Ok(answer),
        }
    }

    async fn unary<Q: Message + 'static, A: Answer + 'static>(
        &self,
        method: &str,
        request: Request<Q>,
    ) -> Result<A, Status> {
        let path = format!("/milvus.proto.milvus.MilvusService/{method}");
        let path: PathAndQuery = path.parse().map_err(|_| Status::internal("a wrong path"))?;
        let mut service = tonic::client::Grpc::new(self.channel.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX);
        let ready = service.ready().await;
        ready.map_err(|error| Status::unavailable(in_words(&error.to_string(), error.source())))?;
        let codec = ProstCodec::<Q, A>::default();
        Ok(service.unary(request, path, codec).await?.into_inner())
    }
}

fn attempt_of(status: &Status) -> Attempt {
    let message = match status.message() {
        "" => status.code().description(),
        message => message,
    };
    let reason = in_words(message, status.source());
    match status.code() {
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::Unimplemented
        | Code::InvalidArgument => Attempt::Lasting(Failure::Refused {
            code: status.code().into(),
            reason,
        }),
        _ => Attempt::Passing(reason),
    }
}

/// Some words with the causes behind them.
fn in_words(words: &str, mut cause: Option<&dyn std::error::Error>) -> String {
    let mut words = words.to_string();
    while let Some(error) = cause {
        let further = error.to_string();
        if !words.contains(&further) {
            words = format!("{words}: {further}");
        }
        cause = error.source();
    }
    words
}

/// The token of the environment, for the header `authorization`.
fn token(options: &Server) -> Result<Option<MetadataValue<Ascii>>> {
    let token = env::var(&options.token_env).unwrap_or_default();
    let token = token.trim();
    if token.is_empty() {
        return Ok(None);
    }
    if !is_safe(&options.uri) {
        tracing::warn!(
            "the token in {} is not sent to {}, since that is not https",
            options.token_env,
            options.uri
        );
        return Ok(None);
    }
    let value = STANDARD.encode(token).parse();
    value
        .map(Some)
        .map_err(|_| Error::Internal("a token that is no header".into()))
}
