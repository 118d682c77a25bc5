//! MLflow's server, by its REST API 2.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gloss_core::{Error, Result};
use serde_json::{Value, json};
use ureq::Agent;

use super::{Logged, Tracker};

/// The most values that one request of `log-batch` may have, of each kind.
const BATCH: usize = 100;

/// A server.
pub(super) struct Server {
    uri: String,
    agent: Agent,
    /// The value of the header `Authorization`, if the environment has credentials.
    authorization: Option<String>,
}

/// The credentials that MLflow's own client takes from the environment: a token, or else a user and
/// a password.
fn authorization(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(token) = given("MLFLOW_TRACKING_TOKEN") {
        return Some(format!("Bearer {}", token.trim()));
    }
    let user = given("MLFLOW_TRACKING_USERNAME")?;
    let password = given("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
    Some(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

impl Server {
    pub(super) fn new(uri: &str) -> Self {
        Server {
            uri: uri.trim_end_matches('/').to_string(),
            agent: gloss_http::agent(),
            authorization: authorization(|name| std::env::var(name).ok()),
        }
    }

    /// Calls the API, and returns the status and the answer.
    fn call(&self, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let url = format!("{}/api/2.0/mlflow/{path}", self.uri);
        let failed = |error: ureq::Error| {
            let reason = gloss_http::reason(error, &url);
            Error::Network(format!("{url}: {reason}"))
        };
        let mut response = match body {
            Some(body) => {
                let mut request = self.agent.post(&url).content_type("application/json");
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization);
                }
                request.send(body.to_string()).map_err(failed)?
            }
            None => {
                let mut request = self.agent.get(&url);
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization);
                }
                request.call().map_err(failed)?
            }
        };
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().map_err(failed)?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        match self.call(path, Some(body))? {
            (200, answer) => Ok(answer),
            (status, answer) => Err(self.refused(path, status, &answer)),
        }
    }

    fn refused(&self, path: &str, status: u16, answer: &Value) -> Error {
        let message = answer["message"]
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_string);
        Error::Network(format!(
            "the MLflow server {} answered {path} with {status}: {message}",
            self.uri
        ))
    }

    /// The identifier of an experiment, which is created if there is none of that name.
    fn experiment(&self, name: &str) -> Result<String> {
        let encoded: String = name.bytes().map(encoded).collect();
        let path = format!("experiments/get-by-name?experiment_name={encoded}");
        let found = match self.call(&path, None)? {
            (200, answer) => answer["experiment"]["experiment_id"].clone(),
            (404, _) => {
                self.post("experiments/create", &json!({ "name": name }))?["experiment_id"].clone()
            }
            (status, answer) => {
                return Err(self.refused("experiments/get-by-name", status, &answer));
            }
        };
        text(&found, "the identifier of an experiment")
    }
}

/// A byte of a query.
fn encoded(byte: u8) -> String {
    match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}

fn text(value: &Value, what: &str) -> Result<String> {
    let text = value.as_str().map(str::to_string);
    text.ok_or_else(|| Error::Network(format!("the MLflow server's answer lacks {what}")))
}

impl Tracker for Server {
    fn log(&self, run: &Logged) -> Result<String> {
        let pairs = |map: &std::collections::BTreeMap<String, String>| {
            let pairs = map
                .iter()
                .map(|(key, value)| json!({ "key": key, "value": value }));
            pairs.collect::<Vec<_>>()
        };
        let created = self.post(
            "runs/create",
            &json!({
                "experiment_id": self.experiment(&run.experiment)?,
                "run_name": run.name,
                "start_time": run.start,
                "tags": pairs(&run.tags),
            }),
        )?;
        let id = text(
            &created["run"]["info"]["run_id"],
            "the identifier of the run",
        )?;
        for parameters in pairs(&run.parameters).chunks(BATCH) {
            self.post(
                "runs/log-batch",
                &json!({ "run_id": id, "params": parameters }),
            )?;
        }
        let metrics = run.metrics.iter().map(
            |(key, value)| json!({ "key": key, "value": value, "timestamp": run.end, "step": 0 }),
        );
        for metrics in metrics.collect::<Vec<_>>().chunks(BATCH) {
            self.post(
                "runs/log-batch",
                &json!({ "run_id": id, "metrics": metrics }),
            )?;
        }
        let end = json!({ "run_id": id, "status": "FINISHED", "end_time": run.end });
        self.post("runs/update", &end)?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_of_mlflows_client() {
        let told = |variables: &[(&str, &str)]| {
            authorization(|name| {
                let found = variables.iter().find(|(own, _)| *own == name);
                found.map(|(_, value)| value.to_string())
            })
        };
        assert_eq!(told(&[]), None);
        let user = [
            ("MLFLOW_TRACKING_USERNAME", "me"),
            ("MLFLOW_TRACKING_PASSWORD", "secret"),
        ];
        assert_eq!(told(&user).as_deref(), Some("Basic bWU6c2VjcmV0"));
        let token = [("MLFLOW_TRACKING_TOKEN", "abc\n"), user[0]];
        assert_eq!(told(&token).as_deref(), Some("Bearer abc"));
    }
}
