//! Gives the core modules in a component short names for what they hand to each other. Their linker writes out each
//! function of each interface there, and again in the component, which has names of its own for the host.

use anyhow::anyhow;
use indexmap::IndexSet;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils, utils};
use wasm_encoder::{Alias, Component, ExportSection, ImportSection, InstanceSection};
use wasmparser::{ComponentAlias, Export, Import, Imports, Instance, Parser};

/// The component with short names in it. One that has them already stays as it is.
pub(crate) fn of(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut short = Component::new();
    let parsed = Names::default().parse_component(&mut short, Parser::new(0), component);
    parsed.map_err(|error| anyhow!("the component cannot be read: {error}"))?;
    Ok(short.finish())
}

/// The names so far: a short one is the place in it. What has one name has one afterwards.
#[derive(Default)]
struct Names(IndexSet<String>);

impl Names {
    fn short(&mut self, name: &str) -> &'static str {
        let (place, _) = self.0.insert_full(name.to_owned());
        place.to_string().leak()
    }
}

type Result<T> = std::result::Result<T, Error<std::convert::Infallible>>;

impl Reencode for Names {
    type Error = std::convert::Infallible;

    fn parse_imports(&mut self, section: &mut ImportSection, imports: Imports<'_>) -> Result<()> {
        let imports = match imports {
            Imports::Single(at, import) => {
                let (module, name) = (self.short(import.module), self.short(import.name));
                Imports::Single(at, Import { module, name, ..import })
            }
            others => others,
        };
        utils::parse_imports(self, section, imports)
    }

    fn parse_export(&mut self, section: &mut ExportSection, export: Export<'_>) -> Result<()> {
        let name = self.short(export.name);
        utils::parse_export(self, section, Export { name, ..export })
    }
}

impl ReencodeComponent for Names {
    fn component_alias<'a>(&mut self, mut alias: ComponentAlias<'a>) -> Result<Alias<'a>> {
        if let ComponentAlias::CoreInstanceExport { name, .. } = &mut alias {
            *name = self.short(name);
        }
        component_utils::component_alias(self, alias)
    }

    fn parse_instance(&mut self, section: &mut InstanceSection, mut instance: Instance<'_>) -> Result<()> {
        match &mut instance {
            Instance::Instantiate { args, .. } => args.iter_mut().for_each(|arg| arg.name = self.short(arg.name)),
            Instance::FromExports(exports) => {
                exports.iter_mut().for_each(|export| export.name = self.short(export.name))
            }
        }
        component_utils::parse_instance(self, section, instance)
    }
}
