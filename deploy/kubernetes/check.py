"""Checks gateway.yaml against the schema that wasmCloud publishes, strictly: an unknown field is an error.

    python deploy/kubernetes/check.py runtime.wasmcloud.dev_workloaddeployments.yaml
"""

import pathlib
import sys

import jsonschema
import yaml


def strict(schema):
    """The same, but objects may hold no fields that the schema does not name. Kubernetes would drop them silently."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def main(definition):
    definition = yaml.safe_load(pathlib.Path(definition).read_text())
    manifest = pathlib.Path(__file__).with_name("gateway.yaml")
    documents = list(yaml.safe_load_all(manifest.read_text()))
    (version,) = [version for version in definition["spec"]["versions"] if version["name"] == "v1alpha1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    deployments = [document for document in documents if document["kind"] == definition["spec"]["names"]["kind"]]
    assert deployments, f"{manifest} holds no {definition['spec']['names']['kind']}"
    for document in deployments:
        jsonschema.validate(document, schema)
    assert "scale" in version["subresources"], "an autoscaler needs it"
    print(f"{manifest.name}: as {definition['metadata']['name']} wants it")


if __name__ == "__main__":
    main(*sys.argv[1:])
