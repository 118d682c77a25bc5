//! The generator.

use std::path::PathBuf;

use gloss_core::{
    Context, Data, Diagnostic, Error, Generator, History, Identity, Query, QueryGenerator, Result,
};
use serde_json::Value;

use crate::batch_files;
use crate::client::Client;
use crate::config::OpenAi;
use crate::request::{self, MOST_CHOICES};

/// Batches of the generator, in requests in flight: what is lost if the process is killed.
const ROUNDS: usize = 4;

/// Options that decide nothing about the texts.
const OF_THE_WAY: [&str; 6] = [
    "base_url",
    "api_key_env",
    "concurrency",
    "timeout",
    "max_retries",
    "batch",
];

impl QueryGenerator for OpenAi {
    fn check(&self) -> Vec<Diagnostic> {
        request::check(self)
    }

    /// The responses of an offline server.
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let responses = self.batch.iter().map(|batch| batch.responses.clone());
        Ok(responses.filter(|path| path.is_file()).collect())
    }

    fn identity(&self) -> Result<Identity> {
        let clear = |identity: Identity, option: &&str| identity.with_option(option, Value::Null);
        OF_THE_WAY.iter().try_fold(Identity::of(self)?, clear)
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let items = data.catalogue.len();
        if self.guided_choice && items > MOST_CHOICES {
            return Err(Error::Usage(format!(
                "`guided_choice` would send {items} texts with every request, and at most {MOST_CHOICES} \
                 are allowed; leave it out, a retriever finds the items"
            )));
        }
        if let Some(files) = &self.batch {
            return batch_files::open(self, files, data, context);
        }
        Ok(Box::new(Server {
            options: self,
            data,
            client: Client::new(self)?,
            context,
        }))
    }
}

/// The generator at work.
struct Server<'a> {
    options: &'a OpenAi,
    data: &'a Data,
    client: Client<'a>,
    context: &'a Context,
}

impl Generator for Server<'_> {
    fn batch_size(&self) -> usize {
        ROUNDS * self.options.concurrency
    }

    fn generate(&mut self, histories: &[History<'_>]) -> Result<Vec<Vec<Query>>> {
        let catalogue = &self.data.catalogue;
        let body = |history: &History<'_>| request::body(self.options, catalogue, history.items);
        let bodies: Vec<Value> = histories.iter().map(body).collect();
        let answers = self.client.complete(&bodies, self.context)?;
        let queries = histories.iter().zip(answers).map(|(history, answer)| {
            let queries = answer.queries(self.options.n, self.options.logprobs);
            queries.map_err(|reason| {
                let message = format!("the server's answer for user {} has {reason}", history.user);
                Error::Network(message)
            })
        });
        queries.collect()
    }
}
