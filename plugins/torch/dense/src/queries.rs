//! Queries as vectors.

use std::collections::HashMap;

use gloss_core::{Context, Error, Hit, QueryContent, Request, Result};
use gloss_encoder::{Embed, Role, Similarity, encode};

use crate::Matrix;
use crate::recent;

/// The different queries of a batch of requests, as vectors.
#[derive(Debug)]
pub struct Queries {
    /// The vectors, of length 1 where they are compared by the cosine.
    pub vectors: Matrix,
    /// The most hits that are wanted of each vector.
    pub depths: Vec<usize>,
    /// By request: its vector.
    asked: Vec<usize>,
}

impl Queries {
    /// Encodes the texts among `requests`; vectors are taken as they are.
    ///
    /// # Errors
    /// If a query has the wrong kind or number of dimensions or is not finite; as the encoder.
    pub fn of(
        requests: &[Request<'_>],
        embed: &dyn Embed,
        similarity: Similarity,
        context: &Context,
    ) -> Result<Self> {
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
        let dimensions = embed.dimensions();
        let encoded = || encode(embed, &texts, Role::Query, context);
        let mut values = recent::queries(embed, &texts, encoded)?.to_vec();
        let mut count = texts.len();
        let mut asked = Vec::with_capacity(requests.len());
        for request in requests {
            asked.push(match request.query {
                QueryContent::Text(text) => of_text.get(text.as_str()).copied().unwrap_or(count),
                QueryContent::Vector(vector) => {
                    check(vector, dimensions)?;
                    values.extend_from_slice(vector);
                    count += 1;
                    count - 1
                }
                QueryContent::Items(_) => {
                    let message = "a dense retriever got a ranking of items as a query";
                    return Err(Error::Internal(message.into()));
                }
            });
        }
        let mut vectors = Matrix::new(values, dimensions);
        if similarity == Similarity::Cosine {
            vectors.normalize();
        }
        if vectors.first_not_finite().is_some() {
            return Err(not_finite());
        }
        let mut depths = vec![0; vectors.len()];
        for (request, at) in requests.iter().zip(&asked) {
            depths[*at] = depths[*at].max(request.k);
        }
        Ok(Queries {
            vectors,
            depths,
            asked,
        })
    }

    /// The hits of each request, from those `found` for each vector.
    ///
    /// # Errors
    /// If a score is not finite.
    pub fn answers(&self, requests: &[Request<'_>], found: &[Vec<Hit>]) -> Result<Vec<Vec<Hit>>> {
        let mut hits = found.iter().flatten();
        if hits.any(|hit| !hit.score.is_finite()) {
            return Err(not_finite());
        }
        let answers = requests.iter().zip(&self.asked);
        Ok(answers
            .map(|(request, at)| found[*at].iter().take(request.k).copied().collect())
            .collect())
    }
}

fn check(vector: &[f32], dimensions: usize) -> Result<()> {
    match vector.len() == dimensions {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "a query is a vector of {} numbers where those of the index have {dimensions}",
            vector.len(),
        ))),
    }
}

fn not_finite() -> Error {
    Error::Usage(
        "a query's vector, or its inner product with an item's, is not finite; with \
         `dtype = \"f32\"` or `similarity = \"cosine\"` it may be"
            .into(),
    )
}
