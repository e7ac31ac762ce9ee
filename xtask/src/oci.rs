//! The component as an OCI image layout, for a registry, in the form that the CNCF's working group for WebAssembly gives
//! such artifacts: <https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>.

use std::{fs, path::Path};

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasm_metadata::Payload;
use wasmparser::Parser;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes the layout into `folder`, where one of another component may lie. The artifact is described by what the
/// component says of itself; its tag is the version. `created` is a time as `2026-01-31T12:00:00Z`.
pub(crate) fn write(folder: &Path, component: &[u8], created: &str) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("blobs/sha256"))?;

    let said = Payload::from_binary(component)?;
    let said = said.metadata();
    let version = said.version.as_ref().context("the component does not say its version: run `make component`")?;
    let mut annotations =
        json!({"org.opencontainers.image.version": version, "org.opencontainers.image.created": created});
    for (key, value) in [
        ("title", json!(said.name)),
        ("description", json!(said.description)),
        ("licenses", json!(said.licenses)),
        ("source", json!(said.source)),
        ("revision", json!(said.revision)),
    ] {
        if !value.is_null() {
            annotations[format!("org.opencontainers.image.{key}")] = value;
        }
    }

    let layer = blob(folder, "application/wasm", component)?;
    let (imports, exports) = world(component)?;
    let config = json!({
        "created": created,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer["digest"]],
        "component": {"imports": imports, "exports": exports, "target": null},
    });
    let config = blob(folder, "application/vnd.wasm.config.v0+json", config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [layer],
        "annotations": annotations,
    });
    let mut manifest = blob(folder, MANIFEST, manifest.to_string().as_bytes())?;
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": version});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest],
    });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(folder.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    Ok(())
}

/// Stores a blob, and describes it.
fn blob(folder: &Path, media_type: &str, bytes: &[u8]) -> anyhow::Result<Value> {
    let digest = sha256(bytes);
    fs::write(folder.join("blobs/sha256").join(&digest), bytes)?;
    Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
}

/// The names of what the component imports, and of what it exports.
fn world(component: &[u8]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            wasmparser::Payload::Version { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            wasmparser::Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// The SHA-256 digest in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use wasm_metadata::{AddMetadata, AddMetadataField};

    use super::*;
    use crate::gateway;

    /// A component that imports one instance and exports another, with a module inside that imports something else.
    fn component() -> Vec<u8> {
        let component = gateway::tests::component("import wasi:io/error@0.2.6; export wasi:io/poll@0.2.6;");
        let mut label = AddMetadata::default();
        label.name = AddMetadataField::Set("example".into());
        label.version = AddMetadataField::Set("0.1.0".parse().unwrap());
        label.licenses = AddMetadataField::Set("Apache-2.0".parse().unwrap());
        label.to_wasm(&component).unwrap()
    }

    fn read(folder: &Path, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let bytes = fs::read(folder.join("blobs/sha256").join(digest)).unwrap();
        assert_eq!(sha256(&bytes), digest, "{descriptor}");
        assert_eq!(bytes.len() as u64, descriptor["size"], "{descriptor}");
        bytes
    }

    #[test]
    fn a_layout_leads_from_its_index_to_the_component() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("left from before"), "").unwrap();
        write(folder.path(), &component(), "2026-01-31T12:00:00Z").unwrap();
        assert!(!folder.path().join("left from before").exists());

        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let index = json(&fs::read(folder.path().join("index.json")).unwrap());
        assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "0.1.0");
        let manifest = json(&read(folder.path(), &index["manifests"][0]));
        assert_eq!(
            manifest["annotations"],
            json!({
                "org.opencontainers.image.title": "example",
                "org.opencontainers.image.version": "0.1.0",
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.created": "2026-01-31T12:00:00Z",
            })
        );
        let config = json(&read(folder.path(), &manifest["config"]));
        assert_eq!(config["layerDigests"], json!([manifest["layers"][0]["digest"]]));
        assert_eq!(
            config["component"],
            json!({"imports": ["wasi:io/error@0.2.6"], "exports": ["wasi:io/poll@0.2.6"], "target": null})
        );
        assert_eq!(read(folder.path(), &manifest["layers"][0]), component());
        assert_eq!(fs::read_dir(folder.path().join("blobs/sha256")).unwrap().count(), 3);
    }

    #[test]
    fn a_component_without_a_label_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(folder.path(), b"\0asm\x0d\0\x01\0", "2026-01-31T12:00:00Z").unwrap_err();
        assert!(error.to_string().contains("make component"), "{error}");
    }
}
