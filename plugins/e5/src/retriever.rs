//! The retriever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{
    Catalogue, Code, Context, Error, Hit, Identity, Index, IndexStatistic, QueryContent, QueryKind,
    Request, Result, Retriever, find_model, hash_file,
};
use gloss_torch::{device_kind, machine};
use hashbrown::HashMap;
use serde_json::{Value, json};
use tch::Device;

use crate::config::{Approximate, E5, NamedPrefix, PrefixChoice, Search, Similarity};
use crate::embed::Embed;
use crate::encoder::{self, Encoder, Given, Prefix, Role, Settings};
use crate::environment::Environment;
use crate::recent;
use crate::search::{Exact, InvertedLists, Matrix, Trees};
use crate::store::{self, Source, Stored};

/// The most items that are searched exactly unless it is asked for.
const EXACT: usize = 1_000_000;

impl Retriever for E5 {
    fn accepts(&self) -> &[QueryKind] {
        &[QueryKind::Text, QueryKind::Vector]
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        encoder::files(&find_model(&self.model)?)
    }

    fn identity(&self) -> Result<Identity> {
        let folder = find_model(&self.model)?;
        let settings = serde_json::to_value(self.settings(&folder)?);
        let settings = settings.map_err(|error| Error::Internal(error.to_string()))?;
        let similarity = json!(self.similarity(&folder)?);
        let device = self.device.open()?;
        // The files of the model are inputs, wherever they lie.
        Identity::of(self)?
            .with_option("model", Value::Null)?
            .with_option("encoder", settings)?
            .with_option("similarity", similarity)?
            .with_option("device", device_kind(device).into())
            .map(|identity| identity.with_machine(machine(device)))
    }

    fn build(&self, catalogue: &Catalogue, folder: &Path, context: &Context) -> Result<()> {
        let model = Model::open(self)?;
        store::build(&self.source(catalogue, &model)?, folder, context)
    }

    fn open<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Box<dyn Index + 'a>> {
        let model = Model::open(self)?;
        let source = self.source(catalogue, &model)?;
        let stored = store::open(folder, &source.identity())?;
        let settings = model.encoder.settings();
        let statistics = [
            IndexStatistic::new("prefix", settings.prefix.to_string()),
            IndexStatistic::new("similarity", source.similarity.to_string()),
            IndexStatistic::new("max_seq_length", settings.max_length.to_string()),
        ];
        let mut dense = Dense::new(Box::new(model), stored, context.clone())?;
        dense.statistics.splice(0..0, statistics);
        Ok(Box::new(dense))
    }
}

impl E5 {
    fn source<'a>(&'a self, catalogue: &'a Catalogue, model: &'a Model) -> Result<Source<'a>> {
        let approximate = match self.search {
            Search::Auto if catalogue.len() <= EXACT => None,
            Search::Exact => None,
            Search::Arroy => Some(Approximate::Arroy(self.arroy.clone())),
            Search::Auto | Search::Ivf => Some(Approximate::Ivf(self.ivf.clone())),
        };
        Ok(Source {
            catalogue,
            embed: model,
            similarity: self.similarity(&find_model(&self.model)?)?,
            approximate,
        })
    }

    /// The similarity of the options, else that of the model's folder.
    fn similarity(&self, folder: &Path) -> Result<Similarity> {
        if let Some(similarity) = self.similarity {
            return Ok(similarity);
        }
        match encoder::similarity(folder)?.as_deref() {
            None | Some("cosine") => Ok(Similarity::Cosine),
            Some("dot" | "dot_score") => Ok(Similarity::InnerProduct),
            Some(other) => Err(Error::input(
                folder.join("config_sentence_transformers.json"),
                format!(
                    "`similarity_fn_name` is `{other}`, which is not supported; give `similarity` \
                     (`cosine` or `inner-product`) to rank by another"
                ),
            )),
        }
    }

    fn settings(&self, folder: &Path) -> Result<Settings> {
        let given = Given {
            prefix: match &self.prefix {
                PrefixChoice::Named(NamedPrefix::Auto) => None,
                PrefixChoice::Named(NamedPrefix::None) => Some(Prefix::default()),
                PrefixChoice::Given(prefix) => Some(prefix.clone()),
            },
            pooling: self.pooling,
            normalise: self.normalize_embeddings,
            max_length: self.max_seq_length,
        };
        Settings::resolve(&self.model, folder, &given)
    }
}

/// The encoder, and everything that decides its vectors.
struct Model {
    encoder: Encoder,
    identity: Value,
    files: Vec<PathBuf>,
    device: Device,
}

impl Model {
    fn open(options: &E5) -> Result<Self> {
        let folder = find_model(&options.model)?;
        let settings = options.settings(&folder)?;
        let files = encoder::files(&folder)?;
        let mut identity = json!({
            "model": hash_files(&files)?,
            "dtype": options.dtype,
        });
        if let (Some(identity), Ok(Value::Object(settings))) =
            (identity.as_object_mut(), serde_json::to_value(&settings))
        {
            identity.extend(settings);
        }
        tracing::info!(model = %identity, "encoder");
        let device = options.device.open()?;
        let encoder = Encoder::open(&folder, settings, device, options.dtype.kind())?;
        Ok(Model {
            encoder,
            identity,
            files,
            device,
        })
    }
}

fn hash_files(paths: &[PathBuf]) -> Result<String> {
    let mut all = blake3::Hasher::new();
    for path in paths {
        all.update(hash_file(path)?.as_bytes());
    }
    Ok(all.finalize().to_hex()[..32].to_string())
}

impl Embed for Model {
    fn dimensions(&self) -> usize {
        self.encoder.dimensions()
    }

    fn identity(&self) -> Value {
        self.identity.clone()
    }

    fn code(&self) -> Code {
        let name = env!("CARGO_PKG_NAME");
        Code::of_crate(name, option_env!("GLOSS_FINGERPRINT_ENCODER"))
    }

    fn machine(&self) -> BTreeMap<String, String> {
        machine(self.device)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(self.files.clone())
    }

    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        self.encoder.encode(texts, role, progress)
    }
}

/// An index, open.
struct Dense<'a> {
    embed: Box<dyn Embed + 'a>,
    similarity: Similarity,
    dimensions: usize,
    searcher: Searcher,
    statistics: Vec<IndexStatistic>,
    context: Context,
}

enum Searcher {
    Exact(Exact),
    /// Trees, and how many items are scored for each query.
    Trees(Arc<Environment>, usize),
    /// Lists, and how many of them are looked at for each query.
    Lists(InvertedLists, usize),
}

impl<'a> Dense<'a> {
    fn new(embed: Box<dyn Embed + 'a>, stored: Stored, context: Context) -> Result<Self> {
        let identity = &stored.header.identity;
        let (similarity, dimensions) = (identity.similarity, identity.dimensions);
        let searcher = match &identity.approximate {
            None => Searcher::Exact(Exact::new(stored.vectors()?)),
            Some(Approximate::Arroy(trees)) => {
                Searcher::Trees(Arc::clone(&stored.environment), trees.candidates)
            }
            Some(Approximate::Ivf(options)) => Searcher::Lists(stored.lists()?, options.nprobe),
        };
        let recall = stored.header.recall;
        let recall =
            recall.map(|recall| IndexStatistic::new("recall@10 against exact search", recall));
        Ok(Dense {
            embed,
            similarity,
            dimensions,
            searcher,
            statistics: recall.into_iter().collect(),
            context,
        })
    }

    /// The different queries as vectors, and which of them each request asks.
    fn queries(&self, requests: &[Request<'_>]) -> Result<(Matrix, Vec<usize>)> {
        let mut texts: Vec<&str> = Vec::new();
        let mut of_text: HashMap<&str, usize> = HashMap::new();
        for request in requests {
            if let QueryContent::Text(text) = request.query {
                of_text.entry(text).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                });
            }
        }
        let embed = self.embed.as_ref();
        let encode = || store::encode(embed, &texts, Role::Query, &self.context);
        let mut values = recent::queries(embed, &texts, encode)?.to_vec();
        let mut count = texts.len();
        let mut asked = Vec::with_capacity(requests.len());
        for request in requests {
            asked.push(match request.query {
                QueryContent::Text(text) => of_text.get(text.as_str()).copied().unwrap_or(count),
                QueryContent::Vector(vector) => {
                    self.check(vector)?;
                    values.extend_from_slice(vector);
                    count += 1;
                    count - 1
                }
                QueryContent::Items(_) => {
                    return Err(Error::Internal(
                        "e5 got a ranking of items as a query".into(),
                    ));
                }
            });
        }
        let mut queries = Matrix::new(values, self.dimensions);
        if self.similarity == Similarity::Cosine {
            queries.normalize();
        }
        match queries.first_not_finite() {
            Some(_) => Err(not_finite()),
            None => Ok((queries, asked)),
        }
    }

    fn check(&self, vector: &[f32]) -> Result<()> {
        match vector.len() == self.dimensions {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "a query is a vector of {} numbers where those of the index have {}",
                vector.len(),
                self.dimensions
            ))),
        }
    }
}

impl Index for Dense<'_> {
    fn search(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Hit>>> {
        let (queries, asked) = self.queries(requests)?;
        let mut depths = vec![0; queries.len()];
        for (request, at) in requests.iter().zip(&asked) {
            depths[*at] = depths[*at].max(request.k);
        }
        let found = match &self.searcher {
            Searcher::Exact(exact) => exact.search(&queries, &depths),
            Searcher::Trees(environment, candidates) => Trees {
                environment,
                similarity: self.similarity,
                candidates: *candidates,
            }
            .search(&queries, &depths)?,
            Searcher::Lists(lists, nprobe) => lists.search(&queries, &depths, *nprobe),
        };
        let mut hits = found.iter().flatten();
        if hits.any(|hit| !hit.score.is_finite()) {
            return Err(not_finite());
        }
        let answers = requests.iter().zip(asked);
        Ok(answers
            .map(|(request, at)| found[at].iter().take(request.k).copied().collect())
            .collect())
    }

    fn statistics(&self) -> Vec<IndexStatistic> {
        self.statistics.clone()
    }
}

fn not_finite() -> Error {
    Error::Usage(
        "a query's vector, or its inner product with an item's, is not finite; with \
         `dtype = \"f32\"` or `similarity = \"cosine\"` it may be"
            .into(),
    )
}

#[cfg(test)]
mod tests;
