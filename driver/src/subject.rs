//! [`Subject`]: what MODEL or ARTIFACT on the command line stands for.

use crate::diagnostic::{Diagnostic, Explained};
use crate::hub;
use crate::options::CompileOptions;
use ocellus::Model;
use ocellus::PREPROCESSOR_ATTACHMENT;
use ocellus::dialects::{ElementType, venc};
use ocellus::hf::{self, LoadError};
use ocellus::preprocess::{Preprocessor, ProcessorConfig};
use ocellus::runtime::terminal::say;
use ocellus::runtime::{Artifact, HostTensor};
use ocellus::weights::Checkpoint;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What makes a folder that of a model.
const CONFIG: &str = "config.json";

/// How to say a range that a model has.
const RANGE_HELP: &str =
    "give others by `--range images=1..=32,height=224..=448/16`; `ocellus explain` tells them";

/// A model to compile, or one that is compiled already.
pub enum Subject {
    /// A model, and the folder that it comes from.
    Model(Box<Model>, PathBuf),
    /// An artifact, and its file.
    Artifact(Box<Artifact>, PathBuf),
}

impl Subject {
    /// A folder, a name of the hub, or a `.mlir` file is a model; any other file is an artifact, which says itself how it was
    /// compiled.
    pub fn open(argument: &str, options: &CompileOptions) -> Result<Subject, Diagnostic> {
        Subject::open_to_compile_again(argument, options, &[])
    }

    /// The same where an artifact may be told something of how its model is compiled: these options.
    pub fn open_to_compile_again(
        argument: &str,
        options: &CompileOptions,
        takes: &[&str],
    ) -> Result<Subject, Diagnostic> {
        let path = Path::new(argument);
        if path.is_file() && !is_mlir(path) {
            options.refuse_what_compiles(takes).within(argument)?;
            // SAFETY: the user names the file, and so says that nobody writes into it meanwhile.
            let artifact = unsafe { Artifact::open(path) }.within(path.display())?;
            return Ok(Subject::Artifact(Box::new(artifact), path.to_path_buf()));
        }
        let folder = model_path(argument)?;
        let model = load_model(&folder, options)?;
        Ok(Subject::Model(Box::new(model), folder))
    }

    /// The folder or the file.
    pub fn path(&self) -> &Path {
        let (Subject::Model(_, path) | Subject::Artifact(_, path)) = self;
        path
    }

    /// Whether the input of that name is one of indices.
    pub fn holds_indices(&self, input: &str) -> bool {
        match self {
            Subject::Model(model, _) => model.module.entry_function().is_some_and(|entry| {
                let mut arguments = entry.arguments.iter();
                arguments.any(|argument| {
                    argument.name == input && argument.ty.element == ElementType::I32
                })
            }),
            Subject::Artifact(artifact, _) => artifact.holds_indices(input),
        }
    }

    /// The `pixel_values` of image files, by that many threads or one for each core.
    pub fn preprocess(
        &self,
        images: &[PathBuf],
        threads: Option<NonZeroUsize>,
    ) -> Result<HostTensor, Diagnostic> {
        let preprocessor = match self {
            Subject::Model(_, folder) => Preprocessor::load(folder)
                .help("where images cannot be preprocessed, give `pixel_values` by --input")?,
            Subject::Artifact(artifact, path) => artifact_preprocessor(artifact, path)?,
        };
        Ok(match threads {
            Some(threads) => preprocessor.run_on(images, threads)?,
            None => preprocessor.run(images)?,
        })
    }
}

/// As [`Subject::open`], where only a model will do.
pub fn open_model(
    argument: &str,
    options: &CompileOptions,
) -> Result<(Model, PathBuf), Diagnostic> {
    let path = Path::new(argument);
    if path.is_file() && !is_mlir(path) {
        return Err(Diagnostic::new("this needs the model itself, and a file is an artifact")
            .within(argument)
            .help("give the folder with `config.json` that the artifact was compiled from"));
    }
    let path = model_path(argument)?;
    Ok((load_model(&path, options)?, path))
}

fn is_mlir(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "mlir")
}

fn model_path(argument: &str) -> Result<PathBuf, Diagnostic> {
    let path = Path::new(argument);
    if path.is_dir() || path.is_file() {
        return Ok(path.to_path_buf());
    }
    // A broken link is not a name of the hub, though it may look like one.
    if path.symlink_metadata().is_ok() {
        return Err(Diagnostic::new("this is neither a folder nor a file, nor a link to one")
            .within(argument)
            .help("give a folder with `config.json`, or an artifact"));
    }
    let looks_like_a_file =
        path.extension().is_some_and(|extension| extension == "safetensors" || extension == "mlir");
    if looks_like_a_file || !ocellus::hf::is_name(argument) {
        return Err(Diagnostic::new("there is no such model or artifact").within(argument).help(
            "give a folder with `config.json`, an artifact, or a name on the hub such as `owner/name`",
        ));
    }
    hub::fetch(argument)
}

fn load_model(path: &Path, options: &CompileOptions) -> Result<Model, Diagnostic> {
    if is_mlir(path) {
        return load_mlir(path, options);
    }
    let options = hf::Options {
        element: options.dtype().into(),
        ranges: options.ranges()?,
        feature_layer: options.feature_layer,
        name: options.tag.clone(),
    };
    let model = hf::load_with(path, &options).map_err(explain_load)?;
    warn_all(&model.warnings);
    Ok(model)
}

fn explain_load(error: LoadError) -> Diagnostic {
    match error {
        LoadError::UnknownSymbol(_) | LoadError::BelowOnePatch { .. } => {
            Diagnostic::from(error).help(RANGE_HELP)
        }
        LoadError::Io { path, source } if path.ends_with(CONFIG) && is_missing(&source) => {
            Diagnostic::new(format!("there is no `{CONFIG}`"))
                .within(path.parent().unwrap_or(&path).display())
                .help(format!("the folder of a model has a `{CONFIG}`, and the weights beside it"))
        }
        other => other.into(),
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn artifact_preprocessor(artifact: &Artifact, path: &Path) -> Result<Preprocessor, Diagnostic> {
    let text = artifact.attachment(PREPROCESSOR_ATTACHMENT).ok_or_else(|| {
        Diagnostic::new("the artifact says nothing of how images become `pixel_values`")
            .within(path.display())
            .help("its model had no preprocessor: give `pixel_values` by --input")
    })?;
    Ok(Preprocessor::new(&ProcessorConfig::from_json(text, path)?)?)
}

/// A program as text. Its weights lie beside it, in a file of the same name that ends in `.safetensors`.
fn load_mlir(path: &Path, options: &CompileOptions) -> Result<Model, Diagnostic> {
    let text = std::fs::read_to_string(path).within(path.display())?;
    let mut module = venc::Module::parse(&text).within(path.display())?;
    for (symbol, range) in options.ranges()? {
        module.symbols.set_range(&symbol, range).within(path.display()).help(RANGE_HELP)?;
    }
    let weights = Checkpoint::open(&path.with_extension("safetensors")).help(
        "the weights of a .mlir file lie beside it, in a .safetensors file of the same name",
    )?;
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    Ok(Model::new(&name.unwrap_or_default(), module, weights)?)
}

/// Says on standard error what a user should know.
pub fn warn_all(warnings: &[String]) {
    warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
}
