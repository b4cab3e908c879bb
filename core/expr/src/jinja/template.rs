//! Templates as the engine runs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::machinery::{CodeGenerator, Instructions, ast, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, Value};
use self_cell::self_cell;

use super::{guard, rewrite};

/// What the engine calls a template; it has no other name.
pub(super) const TEMPLATE: &str = "template";

/// A template that was read once for many renderings. It serves every engine.
#[derive(Clone)]
pub struct Template(Form);

#[derive(Clone)]
enum Form {
    /// Nothing in it is rendered.
    Literal(Arc<str>),
    Compiled(Arc<Compiled>),
}

self_cell!(
    struct Compiled {
        owner: String,
        #[covariant]
        dependent: Code,
    }
);

/// The instructions for a template, which borrow its text.
pub(super) struct Code<'t> {
    instructions: Instructions<'t>,
    blocks: BTreeMap<&'t str, Instructions<'t>>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: &str = match &self.0 {
            Form::Literal(text) => text,
            Form::Compiled(compiled) => compiled.borrow_owner(),
        };
        f.debug_tuple("Template").field(&text).finish()
    }
}

impl Template {
    pub(super) fn literal(text: String) -> Self {
        Self(Form::Literal(text.into()))
    }

    pub(super) fn compile(source: String, syntax: &SyntaxConfig) -> Result<Self, Error> {
        let compiled = Compiled::try_new(source, |source| Code::compile(source, syntax))?;
        Ok(Self(Form::Compiled(Arc::new(compiled))))
    }

    /// What is to be run, or the text as it stands.
    pub(super) fn code(&self) -> Result<&Code<'_>, &str> {
        match &self.0 {
            Form::Literal(text) => Err(text),
            Form::Compiled(compiled) => Ok(compiled.borrow_dependent()),
        }
    }
}

impl<'t> Code<'t> {
    pub(super) fn compile(source: &'t str, syntax: &SyntaxConfig) -> Result<Self, Error> {
        let tree = rewrite::statement(&parsed(source, syntax)?);
        let mut generator = CodeGenerator::new(TEMPLATE, source);
        generator.compile_stmt(&tree);
        let (instructions, blocks) = generator.finish();
        Ok(Self { instructions, blocks })
    }

    pub(super) fn evaluate(
        &self,
        environment: &Environment<'_>,
        root: Value,
    ) -> Result<String, Error> {
        let (code, blocks) = (&self.instructions, &self.blocks);
        let mut text = String::new();
        let mut output = make_string_output(&mut text);
        eval(environment, code, root, blocks, &mut output, AutoEscape::None)?;
        drop(output);
        Ok(text)
    }
}

/// The template's tree, which is not too deep to be walked.
pub(super) fn parsed<'t>(source: &'t str, syntax: &SyntaxConfig) -> Result<ast::Stmt<'t>, Error> {
    guard::check(source, syntax.clone())?;
    parse(source, TEMPLATE, syntax.clone())
}
