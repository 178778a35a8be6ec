//! Layers: files that functions share.

use serde::{Deserialize, Serialize};

use super::{Code, Fc, PageRequest};
use crate::Error;
use crate::lenient::integer;

/// What a layer is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LayerSettings {
    /// The files.
    pub code: Code,
    /// The runtimes that it is for.
    pub compatible_runtime: Vec<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A version of a layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Layer {
    /// Its name.
    pub layer_name: String,
    /// Its full name, which functions name it by.
    pub layer_version_arn: String,
    /// Its number.
    #[serde(deserialize_with = "integer")]
    pub version: i64,
    /// Its size in bytes.
    #[serde(deserialize_with = "integer")]
    pub code_size: i64,
    /// The runtimes that it is for.
    pub compatible_runtime: Vec<String>,
    /// When it was made.
    pub create_time: String,
}

/// A page of layers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LayerPage {
    /// The layers.
    pub layers: Vec<Layer>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

impl Fc {
    /// Makes the next version of a layer.
    pub async fn create_layer_version(&self, layer: &str, settings: &LayerSettings) -> Result<Layer, Error> {
        self.post("CreateLayerVersion", &["layers", layer, "versions"], settings).await
    }

    /// Returns a version of a layer. Fails with `LayerVersionNotFound`.
    pub async fn layer_version(&self, layer: &str, version: i64) -> Result<Layer, Error> {
        self.get("GetLayerVersion", &["layers", layer, "versions", &version.to_string()], Vec::new()).await
    }

    /// Lists layers, each in its newest version.
    pub async fn layers(&self, page: &PageRequest) -> Result<LayerPage, Error> {
        self.get("ListLayers", &["layers"], page.query()).await
    }

    /// Deletes a version of a layer; that there is none is no error.
    pub async fn delete_layer_version(&self, layer: &str, version: i64) -> Result<(), Error> {
        self.remove("DeleteLayerVersion", &["layers", layer, "versions", &version.to_string()]).await
    }
}
