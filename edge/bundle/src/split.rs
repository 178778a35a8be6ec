//! Splits the routine in two: what most requests need, and the rest, which an isolate compiles when the first request needs it.
//!
//! Both share one memory, one table and one stack. The rest holds the functions that can only be reached through its
//! entrances. In their place the first module has stubs, which call them through the table: before the host has made an
//! instance of the rest, which puts them there, a call of one traps. What functions of the first module the rest uses, it
//! imports under their places in the table: a function that is exported by name costs every isolate an object at its start,
//! one in the table only those that take it out. Globals, memory and table it imports by the names of exports.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use walrus::ir::{Value, Visitor, dfs_in_order};
use walrus::{
    ConstExpr, ElementItems, ElementKind, FunctionBuilder, FunctionId, FunctionKind, GlobalId, GlobalKind, ImportId,
    ImportedFunction, Module, ModuleConfig, TableId, passes,
};

/// Whose exports the rest imports.
const FIRST: &str = "first";

/// Writes both modules.
///
/// `entrances` are parts of function names, `routed_site::`, or whole names, `=decide`; one that no name has is an error.
pub fn run(input: &Path, first: &Path, rest: &Path, entrances: &[String]) -> Result<()> {
    let parse = || ModuleConfig::new().generate_name_section(true).parse_file(input);
    let plan = Plan::of(&parse()?, entrances)?;
    for (mut module, output, is_first) in [(parse()?, first, true), (parse()?, rest, false)] {
        if is_first {
            plan.cut(&mut module)?
        } else {
            plan.keep(&mut module)?
        }
        passes::gc::run(&mut module);
        module.emit_wasm_file(output)?;
    }
    Ok(())
}

/// Who goes where. Functions and globals are named by their place, which is the same each time a file is parsed.
struct Plan {
    /// Places in the table of those functions of the rest that the first module, or its table, leads to.
    slots: BTreeMap<usize, u64>,
    /// Places in the table of those functions of the first module that the rest uses, one after the other.
    shared: BTreeMap<usize, u64>,
    /// What else the rest uses of the first module.
    globals: BTreeSet<usize>,
    table_length: u64,
}

#[derive(Default)]
struct Uses {
    functions: BTreeSet<FunctionId>,
    globals: BTreeSet<GlobalId>,
}

impl<'i> Visitor<'i> for Uses {
    fn visit_function_id(&mut self, id: &FunctionId) {
        self.functions.insert(*id);
    }

    fn visit_global_id(&mut self, id: &GlobalId) {
        self.globals.insert(*id);
    }
}

fn uses(module: &Module, id: FunctionId) -> Uses {
    let mut uses = Uses::default();
    if let FunctionKind::Local(function) = &module.funcs.get(id).kind {
        dfs_in_order(&mut uses, function, function.entry_block());
    }
    uses
}

fn functions(module: &Module) -> Vec<FunctionId> {
    module.funcs.iter().map(|function| function.id()).collect()
}

fn globals(module: &Module) -> Vec<GlobalId> {
    module.globals.iter().map(|global| global.id()).collect()
}

fn table(module: &Module) -> Result<TableId> {
    module.tables.iter().next().map(|table| table.id()).context("the module has no table")
}

/// What stands in the table, and where.
fn table_items(module: &Module) -> Result<Vec<(FunctionId, u64)>> {
    let mut items = Vec::new();
    for element in module.elements.iter() {
        let (ElementKind::Active { offset: ConstExpr::Value(Value::I32(offset)), .. }, ElementItems::Functions(list)) =
            (&element.kind, &element.items)
        else {
            bail!("a table segment of an unknown kind");
        };
        items.extend(list.iter().copied().zip(*offset as u64..));
    }
    Ok(items)
}

impl Plan {
    fn of(module: &Module, entrances: &[String]) -> Result<Self> {
        let all = functions(module);
        let place: BTreeMap<FunctionId, usize> = all.iter().zip(0..).map(|(id, place)| (*id, place)).collect();
        let uses: Vec<Uses> = all.iter().map(|id| uses(module, *id)).collect();
        let mut doors: HashSet<FunctionId> = HashSet::new();
        for entrance in entrances {
            let is_named = |name: &String| match entrance.strip_prefix('=') {
                Some(whole) => name == whole,
                None => name.contains(entrance),
            };
            let is_it = |id: &&FunctionId| module.funcs.get(**id).name.as_ref().is_some_and(is_named);
            let found: Vec<_> = all.iter().filter(is_it).collect();
            ensure!(!found.is_empty(), "no function has {entrance} in its name; was it inlined?");
            doors.extend(found.into_iter().copied());
        }
        let exported: Vec<FunctionId> = module
            .exports
            .iter()
            .filter_map(|export| match export.item {
                walrus::ExportItem::Function(id) => Some(id),
                _ => None,
            })
            .collect();
        let mut first: BTreeSet<FunctionId> = BTreeSet::new();
        let mut ahead: Vec<FunctionId> = exported
            .iter()
            .copied()
            .chain(module.start)
            // Who calls through the table is not known.
            .chain(table_items(module)?.into_iter().map(|(id, _)| id))
            .collect();
        while let Some(id) = ahead.pop() {
            if !doors.contains(&id) && first.insert(id) {
                ahead.extend(&uses[place[&id]].functions);
            }
        }
        let rest: BTreeSet<usize> = all.iter().filter(|id| !first.contains(id)).map(|id| place[id]).collect();
        let mut slots: BTreeMap<usize, u64> =
            table_items(module)?.into_iter().map(|(id, slot)| (place[&id], slot)).collect();
        slots.retain(|place, _| rest.contains(place));
        let mut table_length = module.tables.get(table(module)?).initial;
        let called = first.iter().flat_map(|id| &uses[place[id]].functions);
        for used in called.chain(&exported).map(|id| place[id]) {
            if rest.contains(&used) && !slots.contains_key(&used) {
                slots.insert(used, table_length);
                table_length += 1;
            }
        }
        let global_place: BTreeMap<GlobalId, usize> = globals(module).into_iter().zip(0..).collect();
        let used = || rest.iter().map(|place| &uses[*place]);
        let shared: BTreeSet<usize> = used().flat_map(|uses| &uses.functions).map(|id| place[id]).collect();
        let shared: BTreeMap<usize, u64> = shared.difference(&rest).copied().zip(table_length..).collect();
        Ok(Self {
            globals: used().flat_map(|uses| &uses.globals).map(|id| global_place[id]).collect(),
            table_length: table_length + shared.len() as u64,
            slots,
            shared,
        })
    }

    fn global_names(&self) -> impl Iterator<Item = (usize, String)> {
        self.globals.iter().enumerate().map(|(number, place)| (*place, format!("g{number}")))
    }

    /// Makes the first module: stubs in place of the rest.
    fn cut(&self, module: &mut Module) -> Result<()> {
        let (all, all_globals, table) = (functions(module), globals(module), table(module)?);
        for (place, slot) in &self.slots {
            let id = all[*place];
            let ty = module.funcs.get(id).ty();
            let (params, results) = (module.types.params(ty).to_vec(), module.types.results(ty).to_vec());
            let arguments: Vec<_> = params.iter().map(|param| module.locals.add(*param)).collect();
            let mut stub = FunctionBuilder::new(&mut module.types, &params, &results);
            let mut body = stub.func_body();
            for argument in &arguments {
                body.local_get(*argument);
            }
            body.i32_const(*slot as i32).call_indirect(ty, table);
            module.funcs.get_mut(id).kind = FunctionKind::Local(stub.local_func(arguments));
        }
        let shape = module.tables.get_mut(table);
        shape.initial = self.table_length;
        shape.maximum = Some(self.table_length);
        if let Some(start) = self.shared.values().next() {
            put(module, table, *start, self.shared.keys().map(|place| all[*place]).collect());
        }
        // wasm-bindgen's, for glue that is not used here. workerd takes them for a wish to be told when an isolate ends, and
        // looks for the module's memory among lists of all that it imports and exports.
        let glue: Vec<_> = module
            .exports
            .iter()
            .filter(|export| matches!(export.item, walrus::ExportItem::Global(_)))
            .map(|export| export.id())
            .collect();
        glue.into_iter().for_each(|id| module.exports.delete(id));
        for (place, name) in self.global_names() {
            module.exports.add(&name, all_globals[place]);
        }
        module.exports.add("table", table);
        Ok(())
    }

    /// Makes the rest: imports in place of the first module.
    fn keep(&self, module: &mut Module) -> Result<()> {
        let (all, all_globals, table) = (functions(module), globals(module), table(module)?);
        let exports: Vec<_> = module.exports.iter().map(|export| export.id()).collect();
        exports.into_iter().for_each(|id| module.exports.delete(id));
        module.start = None;
        for (place, slot) in &self.shared {
            let (id, ty) = (all[*place], module.funcs.get(all[*place]).ty());
            let import = module.imports.add(FIRST, &slot.to_string(), id);
            module.funcs.get_mut(id).kind = FunctionKind::Import(ImportedFunction { import, ty });
        }
        for (place, name) in self.global_names() {
            let import: ImportId = module.imports.add(FIRST, &name, all_globals[place]);
            module.globals.get_mut(all_globals[place]).kind = GlobalKind::Import(import);
        }
        let data: Vec<_> = module.data.iter().map(|data| data.id()).collect();
        data.into_iter().for_each(|id| module.data.delete(id));
        let memory = module.memories.iter().next().map(|memory| memory.id()).context("the module has no memory")?;
        let import = module.imports.add(FIRST, "memory", memory);
        let shape = module.memories.get_mut(memory);
        shape.import = Some(import);
        shape.data_segments.clear();
        let elements: Vec<_> = module.elements.iter().map(|element| element.id()).collect();
        elements.into_iter().for_each(|id| module.elements.delete(id));
        let import = module.imports.add(FIRST, "table", table);
        let shape = module.tables.get_mut(table);
        shape.import = Some(import);
        shape.initial = self.table_length;
        shape.maximum = Some(self.table_length);
        shape.elem_segments.clear();
        for (place, slot) in &self.slots {
            put(module, table, *slot, vec![all[*place]]);
        }
        Ok(())
    }
}

/// Has functions stand in the table from a place on.
fn put(module: &mut Module, table: TableId, start: u64, functions: Vec<FunctionId>) {
    let kind = ElementKind::Active { table, offset: ConstExpr::Value(Value::I32(start as i32)) };
    let id = module.elements.add(kind, ElementItems::Functions(functions));
    module.tables.get_mut(table).elem_segments.insert(id);
}
